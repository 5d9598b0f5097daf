#ifndef UDPECHO_OWN_ADDRESSES_H
#define UDPECHO_OWN_ADDRESSES_H

/*
 * What this host and its listeners are reached by, as it was when it was looked up: a datagram that
 * claims to come from there would make the server talk to itself, or to everybody. It never
 * changes once it is made; any thread may ask.
 */

#include <apr_pools.h>
#include <apr_tables.h>

#include "common/address_key.h"
#include "udpecho/datagram.h"

typedef struct own_listener {
    address_key_t key;
    apr_port_t port;
    unsigned is_wildcard : 1;
} own_listener_t;

typedef struct key_set {
    unsigned count;
    address_key_t *sorted;
} key_set_t;

/* Its members are own_addresses.c's. */
typedef struct own_addresses {
    apr_uint64_t ports[65536 / 64]; /* a bit for each port that a listener has */
    unsigned listener_count;
    own_listener_t *listeners;
    key_set_t addresses;
    key_set_t broadcasts;
    apr_uint64_t broadcast_bits; /* which all of them have; few other addresses do */
    unsigned loopback;           /* the index of this network interface; 0: not known */
} own_addresses_t;

/* Made of the endpoints of the listeners, an array of endpoint_t, and of what host_addresses()
 * said. Lives as long as `pool`, and keeps nothing of either array. */
own_addresses_t *own_addresses_create(const apr_array_header_t *listeners,
                                      const apr_array_header_t *host, apr_pool_t *pool);

/* Non-zero if it is among the broadcast addresses. */
int own_has_broadcast(const own_addresses_t *own, address_key_t key);

/* Non-zero if the address is the broadcast address of a network of this host. Asked twice for every
 * datagram, it hardly ever takes a search, nor a call. */
static inline int own_is_broadcast(const own_addresses_t *own, const endpoint_t *endpoint)
{
    address_key_t key = address_key_of(endpoint);

    return (key.low & own->broadcast_bits) == own->broadcast_bits && own_has_broadcast(own, key);
}

/* Non-zero if the address is that of a network interface of this host, or in the loopback's
 * network. */
int own_is_address(const own_addresses_t *own, const endpoint_t *endpoint);

/* Non-zero if a datagram sent there would arrive at a listener of this server: it is bound to
 * exactly this, or to this port of all addresses, and the address is one of this host's.
 * Addresses that only a route makes local are recognised by the network interface by which a
 * datagram came from there, the loopback's index; 0: unknown. */
int own_is_listener(const own_addresses_t *own, const endpoint_t *endpoint,
                    unsigned network_interface);

#endif
