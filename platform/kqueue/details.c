/*
 * FreeBSD, NetBSD, OpenBSD, DragonFly and macOS: the details of datagrams (ip(4), getsockopt(2)).
 * Control messages are called as the options are, and in IPv4 hold one byte each.
 */

#include "readiness/details.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/time.h>
#include <time.h>

#include "readiness/control_message.h"
#include "readiness/socket_options.h"

/* FreeBSD tells nanoseconds, if asked for this clock besides; the others microseconds. */
int system_report_arrival_time(int descriptor, int on)
{
#if defined(SO_TS_CLOCK)
    if (set_option(descriptor, SOL_SOCKET, SO_TS_CLOCK, SO_TS_REALTIME) != 0) {
        return -1;
    }
#endif
    return set_option(descriptor, SOL_SOCKET, SO_TIMESTAMP, on);
}

/* NetBSD and OpenBSD have no such option. */
int system_report_traffic_class_ipv4(int descriptor, int on)
{
#if defined(IP_RECVTOS)
    return set_option(descriptor, IPPROTO_IP, IP_RECVTOS, on);
#else
    (void)descriptor, (void)on;
    errno = ENOPROTOOPT;
    return -1;
#endif
}

static void read_time(const struct msghdr *header, const struct cmsghdr *control,
                      datagram_t *datagram)
{
#if defined(SCM_REALTIME)
    struct timespec exact;

    if (control->cmsg_type == SCM_REALTIME &&
        control_message_copy(header, control, &exact, sizeof exact)) {
        datagram->arrived = (apr_int64_t)exact.tv_sec * 1000000000 + exact.tv_nsec;
    }
#endif
    struct timeval stamp;

    if (control->cmsg_type == SCM_TIMESTAMP &&
        control_message_copy(header, control, &stamp, sizeof stamp)) {
        datagram->arrived = ((apr_int64_t)stamp.tv_sec * 1000000 + stamp.tv_usec) * 1000;
    }
}

static void read_ipv4(const struct msghdr *header, const struct cmsghdr *control,
                      datagram_t *datagram)
{
    unsigned char byte;

    if (!control_message_copy(header, control, &byte, sizeof byte)) {
        return;
    }
    if (control->cmsg_type == IP_RECVTTL) {
        datagram->hop_limit = byte;
    }
#if defined(IP_RECVTOS)
    if (control->cmsg_type == IP_RECVTOS) {
        datagram->traffic_class = byte;
    }
#endif
}

void system_read_details(const struct msghdr *header, const struct cmsghdr *control,
                         datagram_t *datagram)
{
    if (control->cmsg_level == SOL_SOCKET) {
        read_time(header, control, datagram);
    } else if (control->cmsg_level == IPPROTO_IP) {
        read_ipv4(header, control, datagram);
    }
}

/* FreeBSD takes a byte, macOS an int; the others refuse messages with a control message that they
 * do not know, and have no such feature. */
void system_write_traffic_class_ipv4(struct msghdr *header, int traffic_class)
{
#if defined(__APPLE__)
    control_message_add(header, IPPROTO_IP, IP_TOS, &traffic_class, sizeof traffic_class);
#else
    unsigned char byte = (unsigned char)traffic_class;

    control_message_add(header, IPPROTO_IP, IP_TOS, &byte, sizeof byte);
#endif
}

/* ---- None of these systems counts what it dropped, or tells when a message left ---- */

static int not_here(void)
{
    errno = ENOPROTOOPT;
    return -1;
}

int system_report_drops(int descriptor, int on)
{
    (void)descriptor, (void)on;
    return not_here();
}

int system_ask_departures(int descriptor, int family)
{
    (void)descriptor, (void)family;
    return not_here();
}

int system_allow_departures(int descriptor)
{
    (void)descriptor;
    return not_here();
}

void system_write_departure(struct msghdr *header, apr_uint32_t id)
{
    (void)header, (void)id;
}

unsigned system_read_departures(int descriptor, departure_t *departures, unsigned most,
                                int is_batched)
{
    (void)descriptor, (void)departures, (void)most, (void)is_batched;
    return 0;
}
