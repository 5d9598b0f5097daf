#ifndef UDPECHO_OWN_ADDRESSES_H
#define UDPECHO_OWN_ADDRESSES_H

/*
 * What this host and its listeners are reached by, as it was when it was looked up: a datagram that
 * claims to come from there would make the server talk to itself, or to everybody. It never
 * changes once it is made; any thread may ask.
 */

#include <apr_pools.h>
#include <apr_tables.h>

#include "udpecho/datagram.h"

typedef struct own_addresses own_addresses_t;

/* Made of the endpoints of the listeners, an array of endpoint_t, and of what host_addresses()
 * said. Lives as long as `pool`, and keeps nothing of either array. */
own_addresses_t *own_addresses_create(const apr_array_header_t *listeners,
                                      const apr_array_header_t *host, apr_pool_t *pool);

/* Non-zero if the address is the broadcast address of a network of this host. */
int own_is_broadcast(const own_addresses_t *own, const endpoint_t *endpoint);

/* Non-zero if the address is that of a network interface of this host, or in the loopback's
 * network. */
int own_is_address(const own_addresses_t *own, const endpoint_t *endpoint);

/* Non-zero if a datagram sent there would come in by a listener of ours: it is bound to just this,
 * or to this port of every address, and the address is one of this host's. Of those, the ones that
 * only a route makes local are known by the index of the network interface by which a datagram came
 * from there, the loopback's; 0: not known. */
int own_is_listener(const own_addresses_t *own, const endpoint_t *endpoint,
                    unsigned network_interface);

#endif
