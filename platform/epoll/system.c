/* Linux: what its kernel adds to the readiness transport. */

#include "readiness/system.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include "os/linux/route.h"
#include "readiness/control_message.h"
#include "readiness/socket_options.h"

const apr_pollset_method_e system_poll_method = APR_POLLSET_EPOLL;

const char *const system_feature_names[FEATURES] = {
    [FEATURE_POLL_METHOD] = "epoll",
    [FEATURE_TIMER] = "timerfd",
    [FEATURE_PORT_SHARING] = "SO_REUSEPORT",
    [FEATURE_ARRIVAL_IPV4] = "IP_PKTINFO",
    [FEATURE_ARRIVAL_IPV6] = "IPV6_RECVPKTINFO",
    [FEATURE_BATCHED_RECEIVE] = "recvmmsg",
    [FEATURE_BATCHED_SEND] = "sendmmsg",
    [FEATURE_IPV6] = "AF_INET6",
    [FEATURE_IPV6_ONLY] = "IPV6_V6ONLY",
    [FEATURE_FRAGMENTING] = "IP_PMTUDISC_OMIT",
    [FEATURE_DROP_COUNTER] = "SO_MEMINFO",
    [FEATURE_SEGMENTED_SEND] = "UDP_SEGMENT",
    [FEATURE_COALESCED_RECEIVE] = "UDP_GRO",
    [FEATURE_ARRIVAL_TIME] = "SO_TIMESTAMPNS",
    [FEATURE_HOP_LIMIT] = "IP_RECVTTL",
    [FEATURE_TRAFFIC_CLASS] = "IP_RECVTOS",
    [FEATURE_REPLY_TRAFFIC_CLASS] = "IP_TOS",
    [FEATURE_DEPARTURE_TIME] = "SO_TIMESTAMPING",
};

int system_share_port(int descriptor)
{
    /* Never SO_REUSEADDR: with it alone a second socket binds the same UDP port without a word,
     * and the one bound last gets every datagram. SO_REUSEPORT spreads flows over all sockets of
     * the same user that ask for it (socket(7)). */
    return set_option(descriptor, SOL_SOCKET, SO_REUSEPORT, 1);
}

int system_joins_by_bind(void)
{
    return 0;
}

void system_ask_buffer(int descriptor, int option, int bytes)
{
    int force = option == SO_RCVBUF ? SO_RCVBUFFORCE : SO_SNDBUFFORCE;

    /* With CAP_NET_ADMIN the limits of net.core.rmem_max and wmem_max do not hold (socket(7)). */
    if (set_option(descriptor, SOL_SOCKET, force, bytes) != 0) {
        set_option(descriptor, SOL_SOCKET, option, bytes);
    }
}

/* The kernel believes an ICMP message that says a path has become narrow, and a forged one would
 * make it set DF, or fragment, as the forger likes. With OMIT replies are cut to the interface's
 * MTU and by nothing else (ip(7), IP_MTU_DISCOVER). Not for IPv6: there only the sender
 * fragments, and with OMIT a reply larger than the path's MTU would never arrive. */
int system_ignore_path_mtu(int descriptor)
{
    return set_option(descriptor, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
}

/* The counter behind SO_RXQ_OVFL, which tells the same number in a control message of the next
 * datagram, and so nothing of the drops after the last one (socket(7), sock_diag(7)). */
int system_read_drops(int descriptor, apr_uint32_t *drops)
{
    apr_uint32_t values[SK_MEMINFO_VARS];

    errno = read_option(descriptor, SOL_SOCKET, SO_MEMINFO, values, sizeof values);
    if (errno != 0) {
        return -1;
    }
    *drops = values[SK_MEMINFO_DROPS];
    return 0;
}

/* ---- IP_PKTINFO, both ways: ip(7) ---- */

int system_report_arrival_ipv4(int descriptor)
{
    return set_option(descriptor, IPPROTO_IP, IP_PKTINFO, 1);
}

/* Linux 5.7 and later let everybody do that, others those with CAP_NET_RAW (socket(7)). */
int system_bind_interface(int descriptor, int family, const char *device)
{
    (void)family;
    return setsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device));
}

/* The kernel keeps the number of the interface, and the option fails with ENODEV when no interface
 * has that number any more (netdev_get_name() of the kernel). Linux before 3.8 and emulators do not
 * know how to read it. */
int system_bound_interface(int descriptor, int family, char name[INTERFACE_NAME_MAX])
{
    socklen_t length = INTERFACE_NAME_MAX;

    (void)family;

    int result = getsockopt(descriptor, SOL_SOCKET, SO_BINDTODEVICE, name, &length);

    /* If the socket is not bound to an interface, the length is 0, and an emulator then writes
     * something. */
    if (result != 0 || length == 0 || length > INTERFACE_NAME_MAX) {
        *name = '\0';
    }
    return result != 0 && errno == ENODEV ? -1 : 0;
}

/* IPv4 takes for local what the routing table says is (ip-route(8), type local). IPv6 asks the
 * interfaces: it delivers such requests, but neither binds their addresses nor sends from them
 * unless the socket asks for that (ipv6_can_nonlocal_bind() of the kernel). */
static int allow_foreign(int descriptor)
{
    return set_option(descriptor, IPPROTO_IPV6, IPV6_FREEBIND, 1);
}

void system_reply_from_anywhere(int descriptor, int family)
{
    if (family == AF_INET6) {
        allow_foreign(descriptor);
    }
}

int system_allow_routed(int descriptor, const struct in6_addr *address)
{
    return route_is_local(address) ? allow_foreign(descriptor) : -1;
}

void system_read_ipv4(const struct msghdr *header, const struct cmsghdr *control,
                      datagram_t *datagram)
{
    struct in_pktinfo info;

    if (control->cmsg_type != IP_PKTINFO ||
        !control_message_copy(header, control, &info, sizeof info)) {
        return;
    }
    datagram->to.sa.v4.sin_addr = info.ipi_addr;
    datagram->arrival_interface = (unsigned)info.ipi_ifindex;
    /* ipi_addr is the destination in the header, ipi_spec_dst the address of ours that the kernel
     * would answer from. They differ when the destination is nobody's own. The latter is noted when
     * a datagram arrives and missing from those that came before the socket asked for it, as a
     * service manager's does; the kernel refuses to answer those from a broadcast address. */
    datagram->broadcast =
        info.ipi_spec_dst.s_addr != INADDR_ANY && info.ipi_addr.s_addr != info.ipi_spec_dst.s_addr;
}

void system_write_ipv4(struct msghdr *header, const datagram_t *datagram)
{
    struct in_pktinfo info = {.ipi_spec_dst = datagram->to.sa.v4.sin_addr};

    control_message_add(header, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
}

/* ---- UDP_SEGMENT and UDP_GRO: udp(7) ---- */

/* On the wire nothing tells a message that was cut apart from datagrams sent one by one: the device
 * cuts it, or the kernel right before the device, and each part gets headers, checksum and
 * identification of its own. Only what looks at packets on this host, as tcpdump does, may see them
 * before that.
 *
 * A part must fit the MTU, less headers, by which replies are cut into fragments otherwise: that of
 * the path, or, after system_ignore_path_mtu(), of the interface. */
int system_ask_segments(int descriptor)
{
    /* No length for all that is sent: each message says its own. */
    return set_option(descriptor, IPPROTO_UDP, UDP_SEGMENT, 0);
}

/* Beside it are the address that a reply leaves from and its traffic class. */
_Static_assert(CMSG_SPACE(sizeof(struct in6_pktinfo)) + 2 * CMSG_SPACE(sizeof(int)) <= CONTROL_MAX,
               "all control messages have room");

void system_write_segment(struct msghdr *header, apr_size_t length)
{
    apr_uint16_t segment = (apr_uint16_t)length;

    control_message_add(header, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment);
}

int system_coalesce(int descriptor, int on)
{
    return set_option(descriptor, IPPROTO_UDP, UDP_GRO, on);
}

void system_read_segment(const struct msghdr *header, const struct cmsghdr *control,
                         apr_size_t *segment)
{
    int length;

    if (control->cmsg_type == UDP_GRO &&
        control_message_copy(header, control, &length, sizeof length) && length > 0) {
        *segment = (apr_size_t)length;
    }
}
