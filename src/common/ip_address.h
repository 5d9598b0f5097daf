#ifndef UDPECHO_IP_ADDRESS_H
#define UDPECHO_IP_ADDRESS_H

/* Numeric IP addresses, read and kept without the name service: the resolver opens files and
 * sockets, and so does APR for the zone of a link-local address, neither of which a reload in the
 * sandbox may do. */

#include <apr_network_io.h>

#include "udpecho/datagram.h"

/* Reads an IPv4 address of four decimal numbers or an IPv6 address (RFC 4291 section 2.2) without
 * brackets and zone. Sets `endpoint` to it, port and scope 0, and returns non-zero; returns 0 for
 * any other text. Makes no system call. Any thread. */
int ip_address_parse(endpoint_t *endpoint, const char *text);

/* The same address as an apr_sockaddr_t, from `pool`; NULL if there is no memory. Makes no
 * system call except for memory. Any thread. */
apr_sockaddr_t *ip_address_to_apr(const endpoint_t *endpoint, apr_pool_t *pool);

/* Makes an IPv4-mapped address (::ffff:192.0.2.1, RFC 4291 section 2.5.5.2) the IPv4 address in it,
 * and leaves any other as it is. Any thread. */
void ip_address_unmap(apr_sockaddr_t *address);

#endif
