#ifndef UDPECHO_ENDPOINT_TEXT_H
#define UDPECHO_ENDPOINT_TEXT_H

/* Endpoints as people write them. */

#include "udpecho/endpoint.h"

/* Room for any endpoint in text, the terminating zero included:
 * "[" address (45) "%" interface name (15) "]:" port (5). */
#define ENDPOINT_TEXT_MAX 72

/*
 * Writes an endpoint: 192.0.2.1:7, [2001:db8::1]:7, [fe80::1%eth0]:7. `text` has room for
 * ENDPOINT_TEXT_MAX bytes. Cannot fail; an address family that is neither IPv4 nor IPv6 becomes
 * "unknown", and an interface without a known name is told by its number. It may ask the system for
 * the name, so it has no place on the path of a datagram. Any thread. Sources of the form: RFC 3986
 * section 3.2.2, RFC 4007 section 11.
 */
void endpoint_format(char *text, const endpoint_t *endpoint);

/* The same for a socket that is bound to a network interface as well, 192.0.2.1%eth0:7; to none if
 * `device` is empty. */
void endpoint_format_on(char *text, const endpoint_t *endpoint, const char *device);

#endif
