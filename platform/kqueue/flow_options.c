/* FreeBSD, NetBSD, OpenBSD, DragonFly and macOS: what their kernels tell of and do for the client's
 * sockets. None tells what fragments a datagram came in, nor lets a socket that is not connected
 * hear what the network refused. */

#include "flow_system.h"

#include <errno.h>
#include <netinet/in.h>

#include "readiness.h"

/* NetBSD and OpenBSD have none for IPv4; they say of this one that they do not know it. That of
 * IPv6 is of RFC 3542 section 11.2. */
#if !defined(IP_DONTFRAG)
#define IP_DONTFRAG (-1)
#endif

static apr_status_t set_dont_fragment(int descriptor, int family)
{
    int on = 1;
    int result = family == AF_INET6
                     ? setsockopt(descriptor, IPPROTO_IPV6, IPV6_DONTFRAG, &on, sizeof on)
                     : setsockopt(descriptor, IPPROTO_IP, IP_DONTFRAG, &on, sizeof on);

    if (result == 0) {
        return APR_SUCCESS;
    }
    return errno == ENOPROTOOPT ? APR_ENOTIMPL : errno;
}

/* These systems set DF on no UDP datagram unless asked. */
apr_status_t system_set_fragmenting(int descriptor, int family, int dont_fragment)
{
    return dont_fragment ? set_dont_fragment(descriptor, family) : APR_SUCCESS;
}

int system_report_ttl(int descriptor)
{
    int on = 1;

    return setsockopt(descriptor, IPPROTO_IP, IP_RECVTTL, &on, sizeof on);
}

int system_report_fragments(int descriptor, int family)
{
    (void)descriptor, (void)family;
    errno = ENOPROTOOPT;
    return -1;
}

apr_status_t system_report_refusals(int descriptor, int family)
{
    (void)descriptor, (void)family;
    return APR_SUCCESS;
}

/* The message is called as the option is, and holds one byte. */
void system_read_arrival(const struct msghdr *header, const struct cmsghdr *control,
                         arrival_t *arrival)
{
    unsigned char ttl;

    if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_RECVTTL &&
        control_copy(header, control, &ttl, sizeof ttl)) {
        arrival->hop_limit = ttl;
    }
}

int system_receive_refusal(int descriptor, struct msghdr *header, arrival_t *arrival)
{
    (void)descriptor, (void)header, (void)arrival;
    return 0;
}
