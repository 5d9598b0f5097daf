#include "core/own_addresses.h"

#include <assert.h>

#include "common/sort.h"

/* ---- Sets of addresses ---- */

static key_set_t set_create(int count_max, apr_pool_t *pool)
{
    return (key_set_t){0, apr_palloc(pool, (apr_size_t)count_max * sizeof(address_key_t))};
}

static int compare_keys(const void *one, const void *other)
{
    const address_key_t *left = one;
    const address_key_t *right = other;

    return address_key_less(*right, *left) - address_key_less(*left, *right);
}

static void set_sort(key_set_t *set)
{
    sort_items(set->sorted, set->count, sizeof *set->sorted, compare_keys, NULL);
}

static int set_contains(const key_set_t *set, address_key_t key)
{
    unsigned rank = address_key_rank(set->sorted, set->count, key);

    return rank > 0 && address_key_equal(set->sorted[rank - 1], key);
}

/* The same link-local address on two links is two addresses. Ten bits of it are fixed and
 * fifty-four are zero (RFC 4291 section 2.5.6), which leaves room for the scope. */
static address_key_t scoped_key_of(const endpoint_t *endpoint)
{
    address_key_t key = address_key_of(endpoint);

    if (key.high >> 54 == 0xfe80 >> 6) {
        key.high |= endpoint->sa.v6.sin6_scope_id;
    }
    return key;
}

/* ---- Creating ---- */

static void add_listener(own_addresses_t *own, const endpoint_t *endpoint)
{
    apr_port_t port = endpoint_port(endpoint);

    own->ports[port / 64] |= APR_UINT64_C(1) << port % 64;
    own->listeners[own->listener_count++] =
        (own_listener_t){scoped_key_of(endpoint), port, endpoint_is_wildcard(endpoint) != 0};
}

/* 127.0.0.1 or ::1. */
static int is_loopback(address_key_t key)
{
    return address_key_equal(key,
                             address_key_of_ipv4((struct in_addr){.s_addr = htonl(0x7f000001)})) ||
           address_key_equal(key, (address_key_t){0, 1});
}

static void add_address(own_addresses_t *own, const host_address_t *address)
{
    address_key_t added = scoped_key_of(&address->address);

    own->addresses.sorted[own->addresses.count++] = added;
    if (own->loopback == 0 && is_loopback(added)) {
        own->loopback = address->network_interface;
    }
    if (address->broadcast.s_addr != INADDR_ANY) {
        address_key_t key = address_key_of_ipv4(address->broadcast);

        own->broadcasts.sorted[own->broadcasts.count++] = key;
        own->broadcast_bits &= key.low;
    }
}

own_addresses_t *own_addresses_create(const apr_array_header_t *listeners,
                                      const apr_array_header_t *host, apr_pool_t *pool)
{
    own_addresses_t *own = apr_pcalloc(pool, sizeof *own);

    assert(listeners->elt_size == sizeof(endpoint_t));
    own->listeners = apr_palloc(pool, (apr_size_t)listeners->nelts * sizeof *own->listeners);
    own->addresses = set_create(host->nelts, pool);
    own->broadcasts = set_create(host->nelts, pool);
    own->broadcast_bits = ~APR_UINT64_C(0);
    for (int i = 0; i < listeners->nelts; i++) {
        add_listener(own, &APR_ARRAY_IDX(listeners, i, endpoint_t));
    }
    for (int i = 0; i < host->nelts; i++) {
        add_address(own, &APR_ARRAY_IDX(host, i, host_address_t));
    }
    set_sort(&own->addresses);
    set_sort(&own->broadcasts);
    return own;
}

/* ---- Asking ---- */

int own_has_broadcast(const own_addresses_t *own, address_key_t key)
{
    return set_contains(&own->broadcasts, key);
}

/* The host has all addresses of the loopback network, whichever are configured (RFC 1122 section
 * 3.2.1.3). */
static int is_local(const own_addresses_t *own, address_key_t key)
{
    return (address_key_is_ipv4(key) && (key.low & 0xff000000) == 0x7f000000) ||
           set_contains(&own->addresses, key);
}

/* A route makes addresses local too (ip-route(8), type local), which no interface has. What comes
 * from such a one comes by the loopback, and from a port that a wildcard has, nobody else here. */
static int is_from_here(const own_addresses_t *own, address_key_t key, unsigned network_interface)
{
    return (network_interface != 0 && network_interface == own->loopback) || is_local(own, key);
}

int own_is_address(const own_addresses_t *own, const endpoint_t *endpoint)
{
    return is_local(own, scoped_key_of(endpoint));
}

int own_is_listener(const own_addresses_t *own, const endpoint_t *endpoint,
                    unsigned network_interface)
{
    apr_port_t port = endpoint_port(endpoint);

    if ((own->ports[port / 64] >> port % 64 & 1) == 0) {
        return 0; /* as with nearly every datagram */
    }
    address_key_t key = scoped_key_of(endpoint);

    for (unsigned i = 0; i < own->listener_count; i++) {
        const own_listener_t *listener = &own->listeners[i];

        if (listener->port != port) {
            continue;
        }
        if (listener->is_wildcard
                ? address_key_is_ipv4(listener->key) == address_key_is_ipv4(key) &&
                      is_from_here(own, key, network_interface)
                : address_key_equal(listener->key, key)) {
            return 1;
        }
    }
    return 0;
}
