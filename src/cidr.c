#include "cidr.h"

#include <apr_strings.h>
#include <string.h>

#include "units.h"

#define EXPECTED_NETWORK "a network such as 192.0.2.0/24 or 2001:db8::/32"

/* apr_ipsubnet_create() takes no names, so nothing is looked up after it, and no IPv4-mapped
 * address; but it takes 10.1 for 10.1.0.0, and the resolver 010.0.0.1 for 8.0.0.1. So IPv4 must be
 * written as it is read. */
static apr_sockaddr_t *parse_address(const char *text, int family, apr_pool_t *pool)
{
    apr_ipsubnet_t *subnet;
    apr_sockaddr_t *address;
    char *again;

    if (apr_ipsubnet_create(&subnet, text, NULL, pool) != APR_SUCCESS ||
        apr_sockaddr_info_get(&address, text, family, 0, 0, pool) != APR_SUCCESS ||
        apr_sockaddr_ip_get(&again, address) != APR_SUCCESS) {
        return NULL;
    }
    return family == APR_INET6 || strcmp(again, text) == 0 ? address : NULL;
}

/* The `bits` highest bits, of 128. */
static address_key_t mask_of(unsigned bits)
{
    const apr_uint64_t all = ~APR_UINT64_C(0);

    return (address_key_t){bits == 0   ? 0
                           : bits < 64 ? all << (64 - bits)
                                       : all,
                           bits <= 64 ? 0 : all << (128 - bits)};
}

/* The network that `address` lies in, as text. */
static const char *network_of(apr_sockaddr_t *address, unsigned bits, apr_pool_t *pool)
{
    unsigned char *bytes = address->ipaddr_ptr;
    char *text = NULL;

    for (unsigned i = 0; i < (unsigned)address->ipaddr_len; i++) {
        unsigned kept = bits > 8 * i ? bits - 8 * i : 0;

        if (kept < 8) {
            bytes[i] &= (unsigned char)(0xff00 >> kept);
        }
    }
    apr_sockaddr_ip_get(&text, address);
    return apr_psprintf(pool, "%s/%u", text, bits);
}

const char *cidr_parse(cidr_t *cidr, const char *text, apr_pool_t *pool)
{
    const char *slash = strchr(text, '/');
    const char *host =
        slash != NULL ? apr_pstrmemdup(pool, text, (apr_size_t)(slash - text)) : text;
    int family = strchr(host, ':') != NULL ? APR_INET6 : APR_INET;
    unsigned width = family == APR_INET6 ? 128 : 32;
    apr_int64_t bits = width;

    if (strchr(host, '%') != NULL) {
        return "a network without an interface; it is matched on every link";
    }
    apr_sockaddr_t *address = parse_address(host, family, pool);

    if (address == NULL) {
        return EXPECTED_NETWORK;
    }
    if (slash != NULL && (parse_number(slash + 1, &bits) != APR_SUCCESS || bits > width)) {
        return apr_psprintf(pool, "a prefix of 0 to %u bits behind the slash", width);
    }
    endpoint_t endpoint = endpoint_of(address);
    address_key_t mask = mask_of((unsigned)bits + 128 - width);
    address_key_t key = address_key_of(&endpoint);

    cidr->first = (address_key_t){key.high & mask.high, key.low & mask.low};
    cidr->last = (address_key_t){key.high | ~mask.high, key.low | ~mask.low};
    return address_key_equal(cidr->first, key)
               ? NULL
               : apr_psprintf(pool, "%s, or %s for that host alone",
                              network_of(address, (unsigned)bits, pool), host);
}
