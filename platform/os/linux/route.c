/* What Linux' routing table says of an address. */

#include "os/linux/route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <unistd.h>

#include "os/linux/netlink.h"

static int ask(int descriptor, unsigned question, const struct in6_addr *address)
{
    struct {
        struct nlmsghdr header;
        struct rtmsg route;
        struct rtattr attribute;
        struct in6_addr destination;
    } request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = RTM_GETROUTE,
                   .nlmsg_flags = NLM_F_REQUEST,
                   .nlmsg_seq = question},
        .route = {.rtm_family = AF_INET6, .rtm_dst_len = 128},
        .attribute = {.rta_len = RTA_LENGTH(sizeof *address), .rta_type = RTA_DST},
        .destination = *address,
    };

    return write(descriptor, &request, sizeof request) == (ssize_t)sizeof request;
}

/* The kernel answers such a question before the write returns, with one message. */
int route_is_local(const struct in6_addr *address)
{
    _Alignas(struct nlmsghdr) unsigned char part[NETLINK_PART_MAX];
    const struct nlmsghdr *answer = (const struct nlmsghdr *)part;
    unsigned question = netlink_question();
    int descriptor = netlink_socket();
    ssize_t length;

    if (descriptor < 0 || !ask(descriptor, question, address)) {
        return 0;
    }
    do {
        length = read(descriptor, part, sizeof part);
    } while ((length < 0 && errno == EINTR) ||
             (length > 0 && NLMSG_OK(answer, (size_t)length) && answer->nlmsg_seq != question));
    if (length < 0 || !NLMSG_OK(answer, (size_t)length) || answer->nlmsg_type != RTM_NEWROUTE) {
        return 0; /* an error: there is no route */
    }
    const struct rtmsg *route = NLMSG_DATA(answer);

    return route->rtm_type == RTN_LOCAL;
}
