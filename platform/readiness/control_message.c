/*
 * Control messages: where a datagram arrived, where its reply leaves from. IPv6 has the same ones
 * everywhere (RFC 3542 section 6); for all else each system has its own, in system.c.
 */

#include "readiness/control_message.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include "readiness/system.h"

int control_message_copy(const struct msghdr *header, const struct cmsghdr *control, void *data,
                         size_t length)
{
    size_t offset = (size_t)((const char *)control - (const char *)header->msg_control);

    if (control->cmsg_len < CMSG_LEN(length) ||
        header->msg_controllen - offset < CMSG_LEN(length)) {
        return 0;
    }
    memcpy(data, CMSG_DATA(control), length);
    return 1;
}

static void read_ipv6(const struct msghdr *header, const struct cmsghdr *control,
                      datagram_t *datagram)
{
    struct in6_pktinfo info;

    if (!control_message_copy(header, control, &info, sizeof info)) {
        return;
    }
    datagram->to.sa.v6.sin6_addr = info.ipi6_addr;
    datagram->arrival_interface = (unsigned)info.ipi6_ifindex;
    if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) {
        datagram->to.sa.v6.sin6_scope_id = (unsigned)info.ipi6_ifindex;
    }
}

apr_size_t control_messages_read(struct msghdr *header, datagram_t *datagram)
{
    apr_size_t segment = 0;

    datagram->control_truncated = (header->msg_flags & MSG_CTRUNC) != 0;
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL;
         control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level == IPPROTO_IP) {
            system_read_ipv4(header, control, datagram);
        } else if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
            read_ipv6(header, control, datagram);
        } else if (control->cmsg_level == IPPROTO_UDP) {
            system_read_segment(header, control, &segment);
        }
    }
    return segment;
}

void control_message_add(struct msghdr *header, int level, int type, const void *data,
                         size_t length)
{
    assert(header->msg_controllen + CMSG_SPACE(length) <= CONTROL_MAX);

    unsigned char *bytes = header->msg_control;
    struct cmsghdr *control = (struct cmsghdr *)(void *)(bytes + header->msg_controllen);

    header->msg_controllen += (socklen_t)CMSG_SPACE(length); /* glibc has a size_t there */
    control->cmsg_level = level;
    control->cmsg_type = type;
    control->cmsg_len = (socklen_t)CMSG_LEN(length);
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
    control_message_add(header, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
}

void control_message_write(struct msghdr *header, const datagram_t *datagram)
{
    if (datagram->to.sa.any.sa_family == AF_INET6) {
        write_ipv6(header, datagram);
    } else {
        system_write_ipv4(header, datagram);
    }
}
