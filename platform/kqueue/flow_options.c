/* FreeBSD, NetBSD, OpenBSD, DragonFly and macOS: what their kernels tell of and do for the client's
 * sockets. None tells what fragments a datagram came in, nor lets a socket that is not connected
 * hear what the network refused. */

#include "readiness/flow_system.h"

#include <errno.h>
#include <netinet/in.h>

#include "readiness/socket_options.h"

/* NetBSD and OpenBSD have none for IPv4; they say of this one that they do not know it. That of
 * IPv6 is of RFC 3542 section 11.2. */
#if !defined(IP_DONTFRAG)
#define IP_DONTFRAG (-1)
#endif

/* Unless asked, these systems set DF on no UDP datagram. */
int system_set_fragmenting(int descriptor, int family, int dont_fragment)
{
    return family == AF_INET6 ? set_option(descriptor, IPPROTO_IPV6, IPV6_DONTFRAG, dont_fragment)
                              : set_option(descriptor, IPPROTO_IP, IP_DONTFRAG, dont_fragment);
}

/* Beside its payload an arrival puts the address of its sender and its control messages into the
 * receive buffer. */
#define ARRIVAL_EXTRA 512

/* A datagram above the size of the send buffer fails with EMSGSIZE, as if it were too big for the
 * interface; one that does not fit the receive buffer is dropped without a word. */
apr_size_t system_payload_max(int descriptor)
{
    int room = PAYLOAD_MAX_IPV6;
    int options[] = {SO_SNDBUF, SO_RCVBUF};

    for (unsigned i = 0; i < 2; i++) {
        int bytes = room;
        socklen_t length = sizeof bytes;

        if (getsockopt(descriptor, SOL_SOCKET, options[i], &bytes, &length) == 0) {
            bytes -= options[i] == SO_RCVBUF ? ARRIVAL_EXTRA : 0;
            room = bytes < room ? bytes : room;
        }
    }
    return room > 0 ? (apr_size_t)room : 0;
}

int system_report_fragments(int descriptor, int family)
{
    (void)descriptor, (void)family;
    errno = ENOPROTOOPT;
    return -1;
}

int system_report_refusals(int descriptor, int family)
{
    (void)descriptor, (void)family;
    errno = ENOPROTOOPT;
    return -1;
}

apr_size_t system_read_fragment(struct msghdr *header)
{
    (void)header;
    return 0;
}

/* What the kernels make of ICMP, should one tell such a socket after all: inetctlerrmap of
 * netinet/ip_input.c. */
int system_is_refusal(int error)
{
    switch (error) {
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENOPROTOOPT:
    case EMSGSIZE:
        return 1;
    default:
        return 0;
    }
}

int system_receive_refusal(int descriptor, struct msghdr *header, arrival_t *arrival)
{
    (void)descriptor, (void)header, (void)arrival;
    return 0;
}
