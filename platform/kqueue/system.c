/*
 * FreeBSD, NetBSD, OpenBSD, DragonFly and macOS: what their kernels add to the readiness
 * transport. APR's kqueue pollset says that a socket is readable and no more: the number in
 * EVFILT_READ's `data` is not a datagram's size (NetBSD counts addresses too, FreeBSD and macOS
 * can show 0 with a datagram waiting), so sockets are received from until they are empty.
 *
 * ENOBUFS, with which these systems say that an interface's queue is full, leaves the socket
 * writable: waiting for room would spin. Like every failed send it is a counted loss.
 */

#include "readiness/system.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "readiness/control_message.h"
#include "readiness/socket_options.h"

const apr_pollset_method_e system_poll_method = APR_POLLSET_KQUEUE;

/* ---- What differs between these systems ---- */

/* Sharing a port. Only two of them spread datagrams over sockets: FreeBSD from 12 on by an option
 * of its own, up to 256 sockets (setsockopt(2)), and DragonFly. On NetBSD the socket bound last
 * takes all, OpenBSD and macOS do not spread either; there SO_REUSEPORT would only look like it. */
#if defined(SO_REUSEPORT_LB)
#define SHARE_PORT      SO_REUSEPORT_LB
#define SHARE_PORT_NAME "SO_REUSEPORT_LB"
#elif defined(__DragonFly__)
#define SHARE_PORT      SO_REUSEPORT
#define SHARE_PORT_NAME "SO_REUSEPORT"
#else
#define SHARE_PORT_NAME NULL
#endif

/* The arrival address and the reply's source come in two ways. NetBSD has both; IP_PKTINFO is the
 * one seen to work there. DragonFly has half of the first: it can tell where a datagram arrived and
 * not answer from there, so it counts as having neither, and every local address gets a socket of
 * its own. */
#if defined(IP_RECVDSTADDR) && defined(IP_SENDSRCADDR) && !defined(__NetBSD__)
#define ARRIVAL      IP_RECVDSTADDR
#define ARRIVAL_NAME "IP_RECVDSTADDR"
#elif defined(IP_RECVPKTINFO) && defined(IP_PKTINFO)
#define ARRIVAL      IP_RECVPKTINFO
#define ARRIVAL_NAME "IP_RECVPKTINFO"
#define PACKET_INFO  1
#else
#define ARRIVAL_NAME NULL
#endif

/* NetBSD and OpenBSD have calls for batches; macOS has none that is public, DragonFly none. */
#if HAVE_RECVMMSG
#define BATCHED(name) name
#else
#define BATCHED(name) NULL
#endif

#if defined(SO_TS_CLOCK)
#define ARRIVAL_TIME_NAME "SO_TS_CLOCK"
#else
#define ARRIVAL_TIME_NAME "SO_TIMESTAMP"
#endif

/* OpenBSD has it too, but pledge(2) does not permit it (pledge_sockopt() of kern/kern_pledge.c):
 * a reload that set it would end the process. */
#if defined(__OpenBSD__)
#define HOP_LIMIT_NAME NULL
#else
#define HOP_LIMIT_NAME "IP_RECVTTL"
#endif

#if defined(IP_RECVTOS)
#define TRAFFIC_CLASS_NAME "IP_RECVTOS"
#else
#define TRAFFIC_CLASS_NAME NULL
#endif

/* These two take the class of one message (udp_output() of netinet/udp_usrreq.c); to the others it
 * is a message that they do not know, or one that they do nothing with. */
#if defined(__FreeBSD__) || defined(__APPLE__)
#define REPLY_TRAFFIC_CLASS_NAME "IP_TOS"
#else
#define REPLY_TRAFFIC_CLASS_NAME NULL
#endif

const char *const system_feature_names[FEATURES] = {
    [FEATURE_POLL_METHOD] = "kqueue",
    [FEATURE_PORT_SHARING] = SHARE_PORT_NAME,
    [FEATURE_ARRIVAL_IPV4] = ARRIVAL_NAME,
    [FEATURE_ARRIVAL_IPV6] = "IPV6_RECVPKTINFO",
    [FEATURE_BATCHED_RECEIVE] = BATCHED("recvmmsg"),
    [FEATURE_BATCHED_SEND] = BATCHED("sendmmsg"),
    [FEATURE_IPV6] = "AF_INET6",
    [FEATURE_IPV6_ONLY] = "IPV6_V6ONLY",
    [FEATURE_ARRIVAL_TIME] = ARRIVAL_TIME_NAME,
    [FEATURE_HOP_LIMIT] = HOP_LIMIT_NAME,
    [FEATURE_TRAFFIC_CLASS] = TRAFFIC_CLASS_NAME,
    [FEATURE_REPLY_TRAFFIC_CLASS] = REPLY_TRAFFIC_CLASS_NAME,
};

static int not_here(void)
{
    errno = ENOPROTOOPT;
    return -1;
}

int system_share_port(int descriptor)
{
#if defined(SHARE_PORT)
    return set_option(descriptor, SOL_SOCKET, SHARE_PORT, 1);
#else
    (void)descriptor;
    return not_here();
#endif
}

/* FreeBSD puts a socket into a group that look-up asks before any other socket. The one that was
 * bound before it had the option would get nothing (in_pcbinshash() of netinet/in_pcb.c). */
int system_joins_by_bind(void)
{
#if defined(SO_REUSEPORT_LB)
    return 1;
#else
    return 0;
#endif
}

/* These systems set DF on no UDP datagram unless asked, so there is no path MTU to ignore. */
int system_ignore_path_mtu(int descriptor)
{
    (void)descriptor;
    return not_here();
}

int system_read_drops(int descriptor, apr_uint32_t *drops)
{
    (void)descriptor, (void)drops;
    return not_here();
}

int system_report_arrival_ipv4(int descriptor)
{
#if defined(ARRIVAL)
    return set_option(descriptor, IPPROTO_IP, ARRIVAL, 1);
#else
    (void)descriptor;
    return not_here();
#endif
}

/* macOS takes the index of an interface. The others have no such option. */
#if defined(IP_BOUND_IF) && defined(IPV6_BOUND_IF)
int system_bind_interface(int descriptor, int family, const char *device)
{
    unsigned index = if_nametoindex(device);

    if (index == 0) {
        errno = ENODEV;
        return -1;
    }
    return family == AF_INET6 ? set_option(descriptor, IPPROTO_IPV6, IPV6_BOUND_IF, (int)index)
                              : set_option(descriptor, IPPROTO_IP, IP_BOUND_IF, (int)index);
}

int system_bound_interface(int descriptor, int family, char name[INTERFACE_NAME_MAX])
{
    unsigned index = 0;
    socklen_t length = sizeof index;
    int result = family == AF_INET6
                     ? getsockopt(descriptor, IPPROTO_IPV6, IPV6_BOUND_IF, &index, &length)
                     : getsockopt(descriptor, IPPROTO_IP, IP_BOUND_IF, &index, &length);

    *name = '\0';
    if (result != 0 || index == 0 || if_indextoname(index, name) != NULL) {
        return 0;
    }
    errno = ENODEV;
    return -1;
}
#else
int system_bind_interface(int descriptor, int family, const char *device)
{
    (void)descriptor, (void)family, (void)device;
    return not_here();
}

int system_bound_interface(int descriptor, int family, char name[INTERFACE_NAME_MAX])
{
    (void)descriptor, (void)family;
    *name = '\0';
    return 0;
}
#endif

void system_reply_from_anywhere(int descriptor, int family)
{
    (void)descriptor, (void)family;
}

int system_allow_routed(int descriptor, const struct in6_addr *address)
{
    (void)descriptor, (void)address;
    return -1;
}

/* NetBSD and OpenBSD say in the flags of a message that it was a broadcast. Where they are missing,
 * the core knows this host's broadcast addresses. */
#if !defined(MSG_BCAST)
#define MSG_BCAST 0
#endif

void system_read_ipv4(const struct msghdr *header, const struct cmsghdr *control,
                      datagram_t *datagram)
{
    datagram->broadcast = (header->msg_flags & MSG_BCAST) != 0;
#if defined(PACKET_INFO)
    struct in_pktinfo info;

    if (control->cmsg_type == IP_PKTINFO &&
        control_message_copy(header, control, &info, sizeof info)) {
        datagram->to.sa.v4.sin_addr = info.ipi_addr;
        datagram->arrival_interface = (unsigned)info.ipi_ifindex;
    }
#elif defined(ARRIVAL)
    if (control->cmsg_type == IP_RECVDSTADDR) {
        control_message_copy(header, control, &datagram->to.sa.v4.sin_addr, sizeof(struct in_addr));
    }
#else
    (void)control;
#endif
}

void system_write_ipv4(struct msghdr *header, const datagram_t *datagram)
{
#if defined(PACKET_INFO)
    struct in_pktinfo info;

    memset(&info, 0, sizeof info);
    /* NetBSD's structure has one address for both directions; macOS takes the source of a reply
     * from a second one. */
#if defined(__APPLE__)
    info.ipi_spec_dst = datagram->to.sa.v4.sin_addr;
#else
    info.ipi_addr = datagram->to.sa.v4.sin_addr;
#endif
    control_message_add(header, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
#elif defined(ARRIVAL)
    control_message_add(header, IPPROTO_IP, IP_SENDSRCADDR, &datagram->to.sa.v4.sin_addr,
                        sizeof(struct in_addr));
#else
    (void)header, (void)datagram;
#endif
}

/* ---- None of these systems cuts messages into datagrams, or puts datagrams together ---- */

int system_ask_segments(int descriptor)
{
    (void)descriptor;
    return not_here();
}

void system_write_segment(struct msghdr *header, apr_size_t length)
{
    (void)header, (void)length;
}

int system_coalesce(int descriptor, int on)
{
    (void)descriptor, (void)on;
    return not_here();
}

void system_read_segment(const struct msghdr *header, const struct cmsghdr *control,
                         apr_size_t *segment)
{
    (void)header, (void)control, (void)segment;
}
