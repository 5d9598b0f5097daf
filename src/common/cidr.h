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

#endif
