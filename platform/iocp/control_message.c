/* Control messages of Windows Sockets: the arrival address of a datagram, the source of a reply
 * (WSARecvMsg and WSASendMsg, IP_PKTINFO, IPV6_PKTINFO), and the length of each of the datagrams of
 * a message (UDP_COALESCED_INFO, UDP_SEND_MSG_SIZE). */

#include "iocp/iocp.h"

#include <string.h>

/* The macros for control messages mix signed and unsigned sizes in mingw-w64's headers. */
#pragma GCC diagnostic ignored "-Wsign-conversion"

int message_is_truncated(int error, DWORD flags)
{
    return (flags & MSG_TRUNC) != 0 || (error == WSAEMSGSIZE && (flags & MSG_CTRUNC) == 0);
}

int control_message_copy(const WSAMSG *message, const WSACMSGHDR *control, void *data,
                         size_t length)
{
    size_t offset = (size_t)((const char *)control - message->Control.buf);

    if (control->cmsg_len < WSA_CMSG_LEN(length) ||
        message->Control.len - offset < WSA_CMSG_LEN(length)) {
        return 0;
    }
    memcpy(data, WSA_CMSG_DATA(control), length);
    return 1;
}

static void read_ipv4(const WSAMSG *message, const WSACMSGHDR *control, datagram_t *datagram)
{
    IN_PKTINFO info;

    if (!control_message_copy(message, control, &info, sizeof info)) {
        return;
    }
    datagram->to.sa.v4.sin_addr = info.ipi_addr;
    datagram->arrival_interface = info.ipi_ifindex;
}

static void read_ipv6(const WSAMSG *message, const WSACMSGHDR *control, datagram_t *datagram)
{
    IN6_PKTINFO info;

    if (!control_message_copy(message, control, &info, sizeof info)) {
        return;
    }
    datagram->to.sa.v6.sin6_addr = info.ipi6_addr;
    datagram->arrival_interface = info.ipi6_ifindex;
    if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) {
        datagram->to.sa.v6.sin6_scope_id = info.ipi6_ifindex;
    }
}

static void read_segment(const WSAMSG *message, const WSACMSGHDR *control, apr_size_t *segment)
{
    DWORD length;

    if (control_message_copy(message, control, &length, sizeof length)) {
        *segment = length;
    }
}

apr_size_t control_messages_read(WSAMSG *message, datagram_t *datagram)
{
    apr_size_t segment = 0;

    /* Windows says of a broadcast or multicast in the flags of the message. */
    datagram->broadcast = (message->dwFlags & (MSG_BCAST | MSG_MCAST)) != 0;
    /* One that is shorter than its own header would have itself as the next. */
    for (WSACMSGHDR *control = WSA_CMSG_FIRSTHDR(message);
         control != NULL && control->cmsg_len >= sizeof *control;
         control = WSA_CMSG_NXTHDR(message, control)) {
        if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
            read_ipv4(message, control, datagram);
        } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
            read_ipv6(message, control, datagram);
        } else if (control->cmsg_level == IPPROTO_UDP && control->cmsg_type == UDP_COALESCED_INFO) {
            read_segment(message, control, &segment);
        }
    }
    return segment;
}

static void add(WSAMSG *message, int level, int type, const void *data, size_t length)
{
    WSACMSGHDR *control = (WSACMSGHDR *)(void *)(message->Control.buf + message->Control.len);

    message->Control.len += (ULONG)WSA_CMSG_SPACE(length);
    control->cmsg_level = level;
    control->cmsg_type = type;
    control->cmsg_len = WSA_CMSG_LEN(length);
    memcpy(WSA_CMSG_DATA(control), data, length);
}

void control_message_write(WSAMSG *message, const datagram_t *datagram)
{
    if (datagram->to.sa.any.sa_family == AF_INET6) {
        IN6_PKTINFO info = {.ipi6_addr = datagram->to.sa.v6.sin6_addr};

        /* Only a link-local address means nothing without its link; for all others the routing
         * table chooses the interface. */
        if (IN6_IS_ADDR_LINKLOCAL(&datagram->from.sa.v6.sin6_addr) ||
            IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) {
            info.ipi6_ifindex = datagram->arrival_interface;
        }
        add(message, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    } else {
        IN_PKTINFO info = {.ipi_addr = datagram->to.sa.v4.sin_addr};

        add(message, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    }
}

void control_segment_write(WSAMSG *message, apr_size_t segment)
{
    DWORD length = (DWORD)segment;

    add(message, IPPROTO_UDP, UDP_SEND_MSG_SIZE, &length, sizeof length);
}
