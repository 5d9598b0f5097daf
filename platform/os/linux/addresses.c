/*
 * The addresses of this host, by rtnetlink(7). getifaddrs(3) would do, were it not for the sockets
 * that it opens each time, which a process in the sandbox may not.
 */

#include "udpecho/machine.h"

#include <assert.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/linux/netlink.h"
#include "os/main_thread.h"

/* How often to ask again if the addresses change during the query. */
#define DUMPS_MAX 10

/* What the kernel answers in several parts. */
typedef struct dump {
    apr_array_header_t *addresses;
    unsigned question;
    int has_changed; /* some may be missing, or there twice */
} dump_t;

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

/* The dump ends with an error where it broke off. */
static apr_status_t read_end(const struct nlmsghdr *message)
{
    int error = 0;

    if (message->nlmsg_len >= NLMSG_LENGTH(sizeof error)) {
        memcpy(&error, NLMSG_DATA(message), sizeof error);
    }
    return -error;
}

/* What a message of the answer says. APR_INCOMPLETE: there are more to come. */
static apr_status_t take_message(dump_t *dump, const struct nlmsghdr *message)
{
    const struct nlmsgerr *error;

    dump->has_changed |= (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    switch (message->nlmsg_type) {
    case NLMSG_DONE:
        return read_end(message);
    case NLMSG_ERROR:
        error = NLMSG_DATA(message);
        return -error->error;
    case RTM_NEWADDR:
        add_address(dump->addresses, message);
        break;
    default:
        break;
    }
    return APR_INCOMPLETE;
}

static apr_status_t take_part(dump_t *dump, int descriptor)
{
    _Alignas(struct nlmsghdr) unsigned char part[NETLINK_PART_MAX];
    ssize_t length = read(descriptor, part, sizeof part);
    apr_status_t status = APR_INCOMPLETE;

    if (length <= 0) {
        return length == 0 ? EIO : errno == EINTR ? APR_INCOMPLETE : errno;
    }
    for (ssize_t at = 0; status == APR_INCOMPLETE && at < length;) {
        const struct nlmsghdr *message = (const struct nlmsghdr *)(part + at);

        /* A kernel that fills more than NETLINK_PART_MAX has the last message cut off. */
        if (!NLMSG_OK(message, (size_t)(length - at))) {
            return EMSGSIZE;
        }
        /* Not to a question that was given up. */
        if (message->nlmsg_seq == dump->question) {
            status = take_message(dump, message);
        }
        at += (ssize_t)NLMSG_ALIGN(message->nlmsg_len);
    }
    return status;
}

static apr_status_t take_dump(dump_t *dump, int descriptor)
{
    apr_status_t status;

    apr_array_clear(dump->addresses);
    dump->question = netlink_question();
    dump->has_changed = 0;
    status = ask(descriptor, dump->question);
    if (status == APR_SUCCESS) {
        do {
            status = take_part(dump, descriptor);
        } while (status == APR_INCOMPLETE);
    }
    return status;
}

apr_status_t host_addresses(apr_array_header_t **addresses, apr_pool_t *pool)
{
    assert(is_main_thread());

    dump_t dump = {.addresses = apr_array_make(pool, 16, sizeof(host_address_t))};
    int descriptor = netlink_socket();
    apr_status_t status = descriptor < 0 ? errno : APR_SUCCESS;

    *addresses = dump.addresses;
    dump.has_changed = 1;
    for (int i = 0; status == APR_SUCCESS && dump.has_changed && i < DUMPS_MAX; i++) {
        status = take_dump(&dump, descriptor);
    }
    return status;
}
