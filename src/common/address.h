#ifndef UDPECHO_ADDRESS_H
#define UDPECHO_ADDRESS_H

/* Addresses as people write them on a command line. */

#include <apr_network_io.h>
#include <apr_pools.h>

typedef struct address {
    const char *host;   /* a name or an address without brackets; NULL: every address, "*" */
    const char *scope;  /* what follows "%" in an IPv6 address of one link, otherwise NULL */
    const char *device; /* what follows "%" in any other, otherwise NULL: a network interface by
                         * which alone datagrams are to come and go */
    apr_port_t port;
} address_t;

/*
 * Takes ADDRESS[:PORT] apart: 192.0.2.1, 192.0.2.1:7, [2001:db8::1]:7, [fe80::1%eth0], name:7,
 * *:7, 192.0.2.1%eth0:7 (RFC 3986 section 3.2.2, RFC 4007 section 11). A multicast group of a link
 * or of an interface may do without its interface, [ff02::1] or [ff02::1%eth0]: the system then
 * chooses one. Nothing is looked up. Without a port, `default_port` is taken. Strings come from
 * `pool`. Returns NULL, or what is wrong with the text, in words that can follow a colon.
 */
const char *address_parse(address_t *address, const char *text, apr_port_t default_port,
                          apr_pool_t *pool);

/* The same, but an IPv6 address without a port may stand without brackets, fe80::1%eth0, as users
 * of ping(8) are used to. */
const char *address_parse_host(address_t *address, const char *text, apr_port_t default_port,
                               apr_pool_t *pool);

/* Non-zero if address_resolve() would ask the name service. Any thread. */
int address_is_name(const address_t *address);

/*
 * Looks the address up and sets `list` to all that it stands for, linked by `next`; "*" is the
 * wildcard of IPv4 and that of IPv6, so two. An IPv4-mapped address is the IPv4 address in it. Asks
 * the name service for names only, and waits for it; asks the system for the number of a scope.
 * Errors: those of getaddrinfo(3) as APR has them; APR_EBADIP for a scope that does not belong to
 * the address or to any interface. Any thread; memory from `pool`.
 */
apr_status_t address_resolve(apr_sockaddr_t **list, const address_t *address, apr_pool_t *pool);

/* The same for an address to listen on, where "localhost" is the loopback of IPv4 and that of IPv6,
 * whatever the name service would say, and nobody is asked (RFC 6761 section 6.3). */
apr_status_t address_resolve_own(apr_sockaddr_t **list, const address_t *address, apr_pool_t *pool);

/* Non-zero if that would ask the name service. Any thread. */
int address_is_foreign_name(const address_t *address);

/* Non-zero if all that the address stands for is reached from this host only (RFC 1122 section
 * 3.2.1.3, RFC 4291 section 2.5.3). A name that is not known might stand for anything. Asks the
 * name service for names only. Any thread; memory from `pool`. */
int address_is_loopback(const address_t *address, apr_pool_t *pool);

#endif
