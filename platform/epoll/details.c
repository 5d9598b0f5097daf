/* Linux: the details of datagrams (socket(7), ip(7)). */

#include "readiness/details.h"

#include <netinet/in.h>
#include <time.h>

#include "readiness/control_message.h"
#include "readiness/socket_options.h"

/* When the driver handed the frame up; of datagrams that waited already, when they are received
 * (__sock_recv_timestamp() of the kernel). */
int system_report_arrival_time(int descriptor, int on)
{
    return set_option(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, on);
}

/* The counter as it was when the datagram was put into the buffer; while it is 0 nothing is told.
 */
int system_report_drops(int descriptor, int on)
{
    return set_option(descriptor, SOL_SOCKET, SO_RXQ_OVFL, on);
}

int system_report_traffic_class_ipv4(int descriptor, int on)
{
    return set_option(descriptor, IPPROTO_IP, IP_RECVTOS, on);
}

static void read_time(const struct msghdr *header, const struct cmsghdr *control,
                      datagram_t *datagram)
{
    struct timespec stamp;

    if (control_message_copy(header, control, &stamp, sizeof stamp)) {
        datagram->arrived = (apr_int64_t)stamp.tv_sec * 1000000000 + stamp.tv_nsec;
    }
}

static void read_ipv4(const struct msghdr *header, const struct cmsghdr *control,
                      datagram_t *datagram)
{
    unsigned char traffic_class;
    int hop_limit;

    if (control->cmsg_type == IP_TTL &&
        control_message_copy(header, control, &hop_limit, sizeof hop_limit)) {
        datagram->hop_limit = hop_limit;
    } else if (control->cmsg_type == IP_TOS &&
               control_message_copy(header, control, &traffic_class, sizeof traffic_class)) {
        datagram->traffic_class = traffic_class;
    }
}

void system_read_details(const struct msghdr *header, const struct cmsghdr *control,
                         datagram_t *datagram)
{
    if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS) {
        read_time(header, control, datagram);
    } else if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SO_RXQ_OVFL) {
        control_message_copy(header, control, &datagram->drops, sizeof datagram->drops);
    } else if (control->cmsg_level == IPPROTO_IP) {
        read_ipv4(header, control, datagram);
    }
}

/* An int: kernels before 4.9 take no byte. */
void system_write_traffic_class_ipv4(struct msghdr *header, int traffic_class)
{
    control_message_add(header, IPPROTO_IP, IP_TOS, &traffic_class, sizeof traffic_class);
}
