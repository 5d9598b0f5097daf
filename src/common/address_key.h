#ifndef UDPECHO_ADDRESS_KEY_H
#define UDPECHO_ADDRESS_KEY_H

/*
 * An IP address as one number, to sort and search by. An IPv4 address is the number of its
 * IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2), so that a mapped address is the IPv4 address
 * that it stands for. Port and scope are no part of it. Plain data; any thread.
 */

#include <apr.h>
#include <assert.h>
#include <string.h>

#include "udpecho/datagram.h"

typedef struct address_key {
    apr_uint64_t high, low; /* the bits in the order in which the address is written */
} address_key_t;

/* The keys of IPv4 addresses have this before their last 32 bits. */
#define ADDRESS_KEY_IPV4 APR_UINT64_C(0xffff00000000)

static inline address_key_t address_key_of_ipv4(struct in_addr address)
{
    return (address_key_t){0, ADDRESS_KEY_IPV4 | ntohl(address.s_addr)};
}

static inline address_key_t address_key_of(const endpoint_t *endpoint)
{
    apr_uint32_t words[4];

    if (endpoint->sa.any.sa_family != APR_INET6) {
        return address_key_of_ipv4(endpoint->sa.v4.sin_addr);
    }
    memcpy(words, &endpoint->sa.v6.sin6_addr, sizeof words);
    return (address_key_t){(apr_uint64_t)ntohl(words[0]) << 32 | ntohl(words[1]),
                           (apr_uint64_t)ntohl(words[2]) << 32 | ntohl(words[3])};
}

static inline int address_key_is_ipv4(address_key_t key)
{
    return key.high == 0 && key.low >> 32 == ADDRESS_KEY_IPV4 >> 32;
}

static inline int address_key_equal(address_key_t one, address_key_t other)
{
    return one.high == other.high && one.low == other.low;
}

static inline int address_key_less(address_key_t one, address_key_t other)
{
    return one.high < other.high || (one.high == other.high && one.low < other.low);
}

/* How many of the `count` keys of an ascending array are not above `key`. Half of those that are
 * left are taken or not without a branch, which nobody could predict. */
static inline unsigned address_key_rank(const address_key_t *sorted, unsigned count,
                                        address_key_t key)
{
    unsigned rank = 0;

    assert(count == 0 || !address_key_less(sorted[count - 1], sorted[0]));
    for (unsigned half; count > 0; count -= half) {
        half = (count + 1) / 2;
        rank += address_key_less(key, sorted[rank + half - 1]) ? 0 : half;
    }
    return rank;
}

#endif
