/* Addresses and networks: what is written of them is read back to the same, and a correction that
 * an error proposes is one. An input is an endpoint and then a text. */

#include "fuzz.h"

#include <apr_strings.h>

#include "common/address.h"
#include "common/cidr.h"
#include "common/endpoint_text.h"
#include "common/ip_address.h"
#include "udpecho/datagram.h"

#define OTHER_PORT 4321

/* ---- Text ---- */

static int same_text(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static void check_address(const char *text, apr_pool_t *pool)
{
    address_t address;
    address_t again;

    if (address_parse(&address, text, 1234, pool) != NULL) {
        return;
    }
    const char *host = address.host != NULL ? address.host : "*";
    int is_ipv6 = strchr(host, ':') != NULL;
    const char *device = address.scope != NULL ? address.scope : address.device;
    const char *written =
        apr_psprintf(pool, is_ipv6 ? "[%s%s%s]:%u" : "%s%s%s:%u", host, device != NULL ? "%" : "",
                     device != NULL ? device : "", (unsigned)address.port);

    require(address_parse(&again, written, OTHER_PORT, pool) == NULL);
    require(same_text(again.host, address.host));
    require(same_text(again.scope, address.scope));
    require(same_text(again.device, address.device));
    require(again.port == address.port);
}

static unsigned bits_of(cidr_t cidr)
{
    apr_uint64_t high = cidr.first.high ^ cidr.last.high;
    apr_uint64_t low = cidr.first.low ^ cidr.last.low;
    unsigned bits = 128;

    for (; low > 0; low >>= 1) {
        bits--;
    }
    for (; high > 0; high >>= 1) {
        bits--;
    }
    return bits;
}

static const char *write_network(cidr_t cidr, apr_pool_t *pool)
{
    address_key_t key = cidr.first;
    unsigned bits = bits_of(cidr);
    const char *text = "";

    if (address_key_is_ipv4(key) && bits >= 96) {
        return apr_psprintf(pool, "%u.%u.%u.%u/%u", (unsigned)(key.low >> 24) & 0xff,
                            (unsigned)(key.low >> 16) & 0xff, (unsigned)(key.low >> 8) & 0xff,
                            (unsigned)key.low & 0xff, bits - 96);
    }
    for (int shift = 48; shift >= 0; shift -= 16) {
        text = apr_psprintf(pool, "%s%x:", text, (unsigned)(key.high >> shift) & 0xffff);
    }
    for (int shift = 48; shift >= 0; shift -= 16) {
        text = apr_psprintf(pool, "%s%x%s", text, (unsigned)(key.low >> shift) & 0xffff,
                            shift > 0 ? ":" : "");
    }
    return apr_psprintf(pool, "%s/%u", text, bits);
}

static void check_network(const char *text, apr_pool_t *pool)
{
    cidr_t cidr;
    cidr_t again;
    const char *expected = cidr_parse(&cidr, text, pool);

    if (expected == NULL) {
        require(cidr_parse(&again, write_network(cidr, pool), pool) == NULL);
        require(address_key_equal(again.first, cidr.first));
        require(address_key_equal(again.last, cidr.last));
    } else if (strncmp(expected, "a ", 2) != 0) {
        const char *correction = apr_pstrmemdup(pool, expected, strcspn(expected, ","));

        require(cidr_parse(&again, correction, pool) == NULL);
    }
}

/* ---- Endpoints ---- */

static endpoint_t take_endpoint(input_t *input)
{
    endpoint_t endpoint = {.length = 0};

    if (take_byte(input) % 2 == 0) {
        endpoint.length = sizeof endpoint.sa.v4;
        endpoint.sa.v4.sin_family = APR_INET;
        take_bytes(input, &endpoint.sa.v4.sin_port, sizeof endpoint.sa.v4.sin_port);
        take_bytes(input, &endpoint.sa.v4.sin_addr, sizeof endpoint.sa.v4.sin_addr);
        return endpoint;
    }
    endpoint.length = sizeof endpoint.sa.v6;
    endpoint.sa.v6.sin6_family = APR_INET6;
    take_bytes(input, &endpoint.sa.v6.sin6_port, sizeof endpoint.sa.v6.sin6_port);
    take_bytes(input, &endpoint.sa.v6.sin6_addr, sizeof endpoint.sa.v6.sin6_addr);
    if (IN6_IS_ADDR_LINKLOCAL(&endpoint.sa.v6.sin6_addr)) {
        endpoint.sa.v6.sin6_scope_id = 1; /* an interface that there is: the loopback */
    }
    return endpoint;
}

/* An IPv4-mapped address is read as the IPv4 address in it. */
static endpoint_t unmapped(const endpoint_t *endpoint, apr_pool_t *pool)
{
    apr_sockaddr_t *address = ip_address_to_apr(endpoint, pool);

    require(address != NULL);
    ip_address_unmap(address);
    return endpoint_of(address);
}

static void check_endpoint(const endpoint_t *endpoint, apr_pool_t *pool)
{
    char *text = malloc(ENDPOINT_TEXT_MAX);
    address_t address;
    apr_sockaddr_t *found;

    require(text != NULL);
    endpoint_format(text, endpoint);
    require(address_parse(&address, text, OTHER_PORT, pool) == NULL);
    require(address_resolve(&found, &address, pool) == APR_SUCCESS);
    endpoint_t again = endpoint_of(found);
    endpoint_t expected = unmapped(endpoint, pool);

    require(endpoint_equal(&again, &expected));
    require(found->next == NULL);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input_t input = {data, size};
    apr_pool_t *pool = pool_create();
    endpoint_t endpoint = take_endpoint(&input);
    char *text = take_text(&input);

    check_endpoint(&endpoint, pool);
    check_address(text, pool);
    check_network(text, pool);
    free(text);
    apr_pool_destroy(pool);
    return 0;
}
