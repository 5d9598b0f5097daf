#ifndef UDPECHO_CIDR_H
#define UDPECHO_CIDR_H

/* Networks as people write them (RFC 4632 section 3.1, RFC 4291 section 2.3). */

#include <apr_pools.h>

#include "common/address_key.h"

typedef struct cidr {
    address_key_t first, last; /* its addresses, both included */
} cidr_t;

/*
 * Reads 192.0.2.0/24, 2001:db8::/32, or an address alone, which is the network of that host. Bits
 * behind the prefix must be zero, and IPv4 is not written as IPv6. Nothing is looked up. Returns
 * NULL, or what would have been right, in words that can follow "expected". Any thread; memory from
 * `pool`.
 */
const char *cidr_parse(cidr_t *cidr, const char *text, apr_pool_t *pool);

/* Non-zero if the address of this key is in the network. IPv6 networks contain no IPv4 address,
 * though the keys of IPv4 lie among theirs. Any thread. */
static inline int cidr_contains(const cidr_t *cidr, address_key_t key)
{
    return !address_key_less(key, cidr->first) && !address_key_less(cidr->last, key) &&
           address_key_is_ipv4(key) == address_key_is_ipv4(cidr->first);
}

/* Non-zero if the network has fewer addresses than the other one. Any thread. */
static inline int cidr_is_smaller(const cidr_t *cidr, const cidr_t *other)
{
    address_key_t size = {cidr->last.high - cidr->first.high, cidr->last.low - cidr->first.low};
    address_key_t other_size = {other->last.high - other->first.high,
                                other->last.low - other->first.low};

    return address_key_less(size, other_size);
}

#endif
