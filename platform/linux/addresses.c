/*
 * The addresses of this host, by rtnetlink(7). getifaddrs(3) would do, were it not for the sockets
 * that it opens each time, which a process in the sandbox may not.
 */

#include "udpecho/host.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"

static apr_status_t ask(int descriptor, unsigned question)
{
    struct {
        struct nlmsghdr header;
        struct ifaddrmsg about; /* every address */
    } request = {.header = {.nlmsg_len = sizeof request,
                            .nlmsg_type = RTM_GETADDR,
                            .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                            .nlmsg_seq = question}};

    return write(descriptor, &request, sizeof request) < 0 ? errno : APR_SUCCESS;
}

/* The address itself: of a link between two hosts, IFA_ADDRESS is the other one's. */
static const void *find_address(const struct nlmsghdr *message, const struct ifaddrmsg *about)
{
    size_t length =
        about->ifa_family == AF_INET6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
    const struct rtattr *attribute = IFA_RTA(about);
    unsigned left = (unsigned)IFA_PAYLOAD(message);
    const void *found = NULL;

    for (; RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left)) {
        if (RTA_PAYLOAD(attribute) < length) {
            continue;
        }
        if (attribute->rta_type == IFA_LOCAL) {
            return RTA_DATA(attribute);
        }
        if (attribute->rta_type == IFA_ADDRESS) {
            found = RTA_DATA(attribute);
        }
    }
    return found;
}

static void add_address(apr_array_header_t *addresses, const struct nlmsghdr *message)
{
    const struct ifaddrmsg *about = NLMSG_DATA(message);
    const void *address = find_address(message, about);

    if (address == NULL || (about->ifa_family != AF_INET && about->ifa_family != AF_INET6)) {
        return;
    }
    host_address_t *added = apr_array_push(addresses);
    endpoint_t *endpoint = &added->address;

    memset(added, 0, sizeof *added);
    added->network_interface = about->ifa_index;
    endpoint->sa.any.sa_family = about->ifa_family;
    if (about->ifa_family == AF_INET6) {
        memcpy(&endpoint->sa.v6.sin6_addr, address, sizeof endpoint->sa.v6.sin6_addr);
        endpoint->sa.v6.sin6_scope_id =
            IN6_IS_ADDR_LINKLOCAL(&endpoint->sa.v6.sin6_addr) ? about->ifa_index : 0;
        endpoint->length = sizeof endpoint->sa.v6;
    } else {
        memcpy(&endpoint->sa.v4.sin_addr, address, sizeof endpoint->sa.v4.sin_addr);
        endpoint->length = sizeof endpoint->sa.v4;
        if (about->ifa_prefixlen <= 30) {
            added->broadcast.s_addr =
                endpoint->sa.v4.sin_addr.s_addr | htonl(0xffffffff >> about->ifa_prefixlen);
        }
    }
}

/* What a message of the answer says. APR_INCOMPLETE: there are more to come. */
static apr_status_t take_message(apr_array_header_t *addresses, const struct nlmsghdr *message)
{
    const struct nlmsgerr *error;

    switch (message->nlmsg_type) {
    case NLMSG_DONE:
        return APR_SUCCESS;
    case NLMSG_ERROR:
        error = NLMSG_DATA(message);
        return -error->error;
    case RTM_NEWADDR:
        add_address(addresses, message);
        break;
    default:
        break;
    }
    return APR_INCOMPLETE;
}

static apr_status_t take_part(apr_array_header_t *addresses, int descriptor, unsigned question)
{
    _Alignas(struct nlmsghdr) unsigned char part[NETLINK_PART_MAX];
    ssize_t length = read(descriptor, part, sizeof part);
    apr_status_t status = APR_INCOMPLETE;

    if (length < 0) {
        return errno == EINTR ? APR_INCOMPLETE : errno;
    }
    for (ssize_t at = 0; status == APR_INCOMPLETE && at < length;) {
        const struct nlmsghdr *message = (const struct nlmsghdr *)(part + at);

        /* A kernel that fills more than NETLINK_PART_MAX has the last message cut off. */
        if (!NLMSG_OK(message, (size_t)(length - at))) {
            return EMSGSIZE;
        }
        /* Not to a question that was given up. */
        if (message->nlmsg_seq == question) {
            status = take_message(addresses, message);
        }
        at += (ssize_t)NLMSG_ALIGN(message->nlmsg_len);
    }
    return status;
}

apr_status_t host_addresses(apr_array_header_t **addresses, apr_pool_t *pool)
{
    unsigned question = netlink_question();
    int descriptor = netlink_socket();
    apr_status_t status = descriptor < 0 ? errno : ask(descriptor, question);

    *addresses = apr_array_make(pool, 16, sizeof(host_address_t));
    if (status == APR_SUCCESS) {
        do {
            status = take_part(*addresses, descriptor, question);
        } while (status == APR_INCOMPLETE);
    }
    return status;
}
