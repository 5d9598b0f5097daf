#include "common/cidr.h"

#include <apr_strings.h>
#include <string.h>
#if APR_HAVE_ARPA_INET_H
#include <arpa/inet.h>
#endif

#include "common/endpoint_text.h"
#include "common/ip_address.h"
#include "common/units.h"

#define EXPECTED_NETWORK "a network such as 192.0.2.0/24 or 2001:db8::/32"

/* An IPv4-mapped address (RFC 4291 section 2.5.5.2) would be a second way to write an IPv4 one. */
static int parse_address(endpoint_t *endpoint, const char *text)
{
    return ip_address_parse(endpoint, text) && (endpoint->sa.any.sa_family == AF_INET ||
                                                !IN6_IS_ADDR_V4MAPPED(&endpoint->sa.v6.sin6_addr));
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

/* The network that `endpoint` lies in, as text. */
static const char *network_of(endpoint_t *endpoint, unsigned bits, apr_pool_t *pool)
{
    int family = endpoint->sa.any.sa_family;
    void *address =
        family == AF_INET6 ? (void *)&endpoint->sa.v6.sin6_addr : (void *)&endpoint->sa.v4.sin_addr;
    unsigned char *bytes = address;
    char text[ENDPOINT_TEXT_MAX] = "";

    for (unsigned i = 0; i < (family == AF_INET6 ? 16 : 4); i++) {
        unsigned kept = bits > 8 * i ? bits - 8 * i : 0;

        if (kept < 8) {
            bytes[i] &= (unsigned char)(0xff00 >> kept);
        }
    }
    inet_ntop(family, address, text, sizeof text);
    return apr_psprintf(pool, "%s/%u", text, bits);
}

const char *cidr_parse(cidr_t *cidr, const char *text, apr_pool_t *pool)
{
    const char *slash = strchr(text, '/');
    const char *host =
        slash != NULL ? apr_pstrmemdup(pool, text, (apr_size_t)(slash - text)) : text;
    unsigned width = strchr(host, ':') != NULL ? 128 : 32;
    apr_int64_t bits = width;
    endpoint_t endpoint;

    if (strchr(host, '%') != NULL) {
        return "a network without an interface; it is matched on every link";
    }
    if (!parse_address(&endpoint, host)) {
        return EXPECTED_NETWORK;
    }
    if (slash != NULL && (parse_number(slash + 1, &bits) != APR_SUCCESS || bits > width)) {
        return apr_psprintf(pool, "a prefix length of 0 to %u after the slash", width);
    }
    address_key_t mask = mask_of((unsigned)bits + 128 - width);
    address_key_t key = address_key_of(&endpoint);

    cidr->first = (address_key_t){key.high & mask.high, key.low & mask.low};
    cidr->last = (address_key_t){key.high | ~mask.high, key.low | ~mask.low};
    return address_key_equal(cidr->first, key)
               ? NULL
               : apr_psprintf(pool, "%s, or %s for that host alone",
                              network_of(&endpoint, (unsigned)bits, pool), host);
}
