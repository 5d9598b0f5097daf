/* Linux: what its kernel adds to the readiness transport. */

#include "readiness.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

const apr_pollset_method_e system_poll_method = APR_POLLSET_EPOLL;

/* ---- Batches ---- */

static int receive_batch(int descriptor, message_t *messages, unsigned count)
{
    return recvmmsg(descriptor, messages, count, 0, NULL);
}

static int send_batch(int descriptor, message_t *messages, unsigned count)
{
    return sendmmsg(descriptor, messages, count, 0);
}

static const io_body_t batched_body = {"recvmmsg/sendmmsg", receive_batch, send_batch};

const io_body_t *system_body(void)
{
    /* A kernel that has a call says that -1 is no descriptor; one without it, an emulator or a
     * sandbox says something else. */
    if (recvmmsg(-1, NULL, 0, 0, NULL) == -1 && errno == EBADF && sendmmsg(-1, NULL, 0, 0) == -1 &&
        errno == EBADF) {
        return &batched_body;
    }
    return &single_body;
}

/* ---- Socket options ---- */

int system_share_port(int descriptor)
{
    /* Never SO_REUSEADDR: with it alone a second socket binds the same UDP port without a word,
     * and the one bound last gets every datagram. SO_REUSEPORT spreads flows over all sockets of
     * the same user that ask for it (socket(7)). */
    int on = 1;

    return setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
}

int system_report_arrival(int descriptor, int family)
{
    int on = 1;

    return family == AF_INET6
               ? setsockopt(descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on)
               : setsockopt(descriptor, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
}

void system_ask_buffer(int descriptor, int option, int bytes)
{
    int force = option == SO_RCVBUF ? SO_RCVBUFFORCE : SO_SNDBUFFORCE;

    /* With CAP_NET_ADMIN the limits of net.core.rmem_max and wmem_max do not hold (socket(7)). */
    if (setsockopt(descriptor, SOL_SOCKET, force, &bytes, sizeof bytes) != 0) {
        setsockopt(descriptor, SOL_SOCKET, option, &bytes, sizeof bytes);
    }
}

/* ---- Control messages: ip(7) IP_PKTINFO, ipv6(7) IPV6_PKTINFO, RFC 3542 section 6 ---- */

static void read_ipv4(const struct cmsghdr *control, datagram_t *datagram)
{
    struct in_pktinfo info;

    memcpy(&info, CMSG_DATA(control), sizeof info);
    datagram->to.sa.v4.sin_addr = info.ipi_addr;
    datagram->arrival_interface = (unsigned)info.ipi_ifindex;
    /* ipi_addr is the destination in the header, ipi_spec_dst the address of ours that the kernel
     * would answer from. They differ when the destination is nobody's own. */
    datagram->broadcast = info.ipi_addr.s_addr != info.ipi_spec_dst.s_addr;
}

static void read_ipv6(const struct cmsghdr *control, datagram_t *datagram)
{
    struct in6_pktinfo info;

    memcpy(&info, CMSG_DATA(control), sizeof info);
    datagram->to.sa.v6.sin6_addr = info.ipi6_addr;
    datagram->arrival_interface = (unsigned)info.ipi6_ifindex;
    if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) {
        datagram->to.sa.v6.sin6_scope_id = (unsigned)info.ipi6_ifindex;
    }
}

void system_read_control(struct msghdr *header, datagram_t *datagram)
{
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL;
         control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
            read_ipv4(control, datagram);
        } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
            read_ipv6(control, datagram);
        }
    }
}

static void write_one(struct msghdr *header, int level, int type, const void *data, size_t length)
{
    header->msg_controllen = CMSG_SPACE(length);

    struct cmsghdr *control = CMSG_FIRSTHDR(header);

    control->cmsg_level = level;
    control->cmsg_type = type;
    control->cmsg_len = CMSG_LEN(length);
    memcpy(CMSG_DATA(control), data, length);
}

/* Naming the interface in a reply would bypass the routing table, and with it an asymmetric route
 * to the sender. Only a link-local address means nothing without its link. */
static void write_ipv6(struct msghdr *header, const datagram_t *datagram)
{
    struct in6_pktinfo info = {.ipi6_addr = datagram->to.sa.v6.sin6_addr};

    if (IN6_IS_ADDR_LINKLOCAL(&datagram->from.sa.v6.sin6_addr) ||
        IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) {
        info.ipi6_ifindex = datagram->arrival_interface;
    }
    write_one(header, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
}

static void write_ipv4(struct msghdr *header, const datagram_t *datagram)
{
    struct in_pktinfo info = {.ipi_spec_dst = datagram->to.sa.v4.sin_addr};

    write_one(header, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
}

void system_write_control(struct msghdr *header, const datagram_t *datagram)
{
    if (datagram->to.sa.any.sa_family == AF_INET6) {
        write_ipv6(header, datagram);
    } else {
        write_ipv4(header, datagram);
    }
}
