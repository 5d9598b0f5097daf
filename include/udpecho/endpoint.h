#ifndef UDPECHO_ENDPOINT_H
#define UDPECHO_ENDPOINT_H

/* The address and port that a datagram comes from or goes to, and properties of addresses. No
 * system call; any thread. */

#include <apr_network_io.h>
#include <string.h>

/* Room for the name of a network interface that sockets can be bound to, the terminating zero
 * included (IFNAMSIZ of netdevice(7)). */
#define INTERFACE_NAME_MAX 16

/* An IP address with its port. All in network byte order, as the socket calls have it. */
typedef struct endpoint {
    apr_socklen_t length; /* length of the member of `sa` that is in use, bytes */
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } sa;
} endpoint_t;

/* The endpoint that an apr_sockaddr_t holds. */
static inline endpoint_t endpoint_of(const apr_sockaddr_t *address)
{
    endpoint_t endpoint = {.length = address->salen};

    memcpy(&endpoint.sa, &address->sa, sizeof endpoint.sa);
    return endpoint;
}

/* The port, in host byte order. */
static inline apr_port_t endpoint_port(const endpoint_t *endpoint)
{
    return endpoint->sa.any.sa_family == APR_INET6 ? ntohs(endpoint->sa.v6.sin6_port)
                                                   : ntohs(endpoint->sa.v4.sin_port);
}

/* Non-zero if both are the same address, port and, for IPv6, scope. */
static inline int endpoint_equal(const endpoint_t *one, const endpoint_t *other)
{
    if (one->sa.any.sa_family != other->sa.any.sa_family) {
        return 0;
    }
    if (one->sa.any.sa_family == APR_INET6) {
        return one->sa.v6.sin6_port == other->sa.v6.sin6_port &&
               one->sa.v6.sin6_scope_id == other->sa.v6.sin6_scope_id &&
               memcmp(&one->sa.v6.sin6_addr, &other->sa.v6.sin6_addr,
                      sizeof one->sa.v6.sin6_addr) == 0;
    }
    return one->sa.v4.sin_port == other->sa.v4.sin_port &&
           one->sa.v4.sin_addr.s_addr == other->sa.v4.sin_addr.s_addr;
}

/* Non-zero if the address is the unspecified one, which a socket is bound to for every address of
 * the host (RFC 4291 section 2.5.2; ip(7), INADDR_ANY). */
static inline int endpoint_is_wildcard(const endpoint_t *endpoint)
{
    if (endpoint->sa.any.sa_family == APR_INET6) {
        return IN6_IS_ADDR_UNSPECIFIED(&endpoint->sa.v6.sin6_addr);
    }
    return endpoint->sa.v4.sin_addr.s_addr == htonl(INADDR_ANY);
}

/* Non-zero if the address is a multicast group (224.0.0.0/4, RFC 5771; ff00::/8, RFC 4291
 * section 2.7) or the limited broadcast address 255.255.255.255 (RFC 919). */
static inline int endpoint_is_multicast(const endpoint_t *endpoint)
{
    if (endpoint->sa.any.sa_family == APR_INET6) {
        return endpoint->sa.v6.sin6_addr.s6_addr[0] == 0xff;
    }
    apr_uint32_t address = ntohl(endpoint->sa.v4.sin_addr.s_addr);

    return (address >> 28) == 0xe || address == 0xffffffff;
}

/* Non-zero if the address can be that of a single host, which an answer can be sent to: neither
 * unspecified, 0.0.0.0/8 or ::, nor multicast, nor in 255.0.0.0/8 (RFC 1122 section 3.2.1.3,
 * RFC 4291 section 2). An IPv4-mapped address is judged as the IPv4 address in it. */
static inline int endpoint_is_host(const endpoint_t *endpoint)
{
    const struct in6_addr *v6 = &endpoint->sa.v6.sin6_addr;
    int is_v6 = endpoint->sa.any.sa_family == APR_INET6;

    if (is_v6 && !IN6_IS_ADDR_V4MAPPED(v6)) {
        return v6->s6_addr[0] != 0xff && !IN6_IS_ADDR_UNSPECIFIED(v6);
    }
    unsigned first = is_v6 ? v6->s6_addr[12] : ntohl(endpoint->sa.v4.sin_addr.s_addr) >> 24;

    return first != 0 && first >> 4 != 0xe && first != 0xff;
}

#endif
