#ifndef UDPECHO_ENDPOINTS_H
#define UDPECHO_ENDPOINTS_H

/* Endpoints for tests, all in host byte order. */

#include "udpecho/datagram.h"

static inline endpoint_t ipv4(apr_uint32_t address, apr_port_t port)
{
    endpoint_t endpoint = {.length = sizeof endpoint.sa.v4};

    endpoint.sa.v4.sin_family = APR_INET;
    endpoint.sa.v4.sin_port = htons(port);
    endpoint.sa.v4.sin_addr.s_addr = htonl(address);
    return endpoint;
}

/* The first two bytes, then zeros up to the last. */
static inline endpoint_t ipv6(unsigned char first, unsigned char second, unsigned char last,
                              apr_port_t port)
{
    endpoint_t endpoint = {.length = sizeof endpoint.sa.v6};

    endpoint.sa.v6.sin6_family = APR_INET6;
    endpoint.sa.v6.sin6_port = htons(port);
    endpoint.sa.v6.sin6_addr.s6_addr[0] = first;
    endpoint.sa.v6.sin6_addr.s6_addr[1] = second;
    endpoint.sa.v6.sin6_addr.s6_addr[15] = last;
    return endpoint;
}

/* ::ffff:ADDRESS, RFC 4291 section 2.5.5.2. */
static inline endpoint_t mapped(apr_uint32_t address, apr_port_t port)
{
    endpoint_t endpoint = ipv6(0, 0, (unsigned char)address, port);

    endpoint.sa.v6.sin6_addr.s6_addr[10] = 0xff;
    endpoint.sa.v6.sin6_addr.s6_addr[11] = 0xff;
    endpoint.sa.v6.sin6_addr.s6_addr[12] = (unsigned char)(address >> 24);
    endpoint.sa.v6.sin6_addr.s6_addr[13] = (unsigned char)(address >> 16);
    endpoint.sa.v6.sin6_addr.s6_addr[14] = (unsigned char)(address >> 8);
    return endpoint;
}

#endif
