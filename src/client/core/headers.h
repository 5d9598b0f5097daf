#ifndef UDPECHO_HEADERS_H
#define UDPECHO_HEADERS_H

#include "udpecho/endpoint.h"

#define HEADERS_LENGTH_MAX 48

/* What a datagram to `peer` has in front of its payload, bytes: the header of UDP (RFC 768) and
 * that of IPv4 (RFC 791) or IPv6 (RFC 8200) without options. Pure function; any thread. */
static inline unsigned headers_length(const endpoint_t *peer)
{
    return peer->sa.any.sa_family == APR_INET6 ? HEADERS_LENGTH_MAX : 8 + 20;
}

#endif
