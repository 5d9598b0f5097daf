/* The addresses of this host as Windows lists them, where the test says what it lists. */

#include <winsock2.h>
#include <ws2tcpip.h>

#include <iphlpapi.h>

#include "unit.h"

#include "udpecho/machine.h"

static struct sockaddr_in ipv4 = {.sin_family = AF_INET};
static struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
static struct sockaddr strange = {.sa_family = AF_IPX};

static IP_ADAPTER_UNICAST_ADDRESS entries[] = {
    {.Address = {(struct sockaddr *)&ipv4, sizeof ipv4}, .OnLinkPrefixLength = 24},
    {.Address = {(struct sockaddr *)&ipv4, sizeof ipv4 - 1}},
    {.Address = {(struct sockaddr *)&ipv6, sizeof ipv6}, .OnLinkPrefixLength = 64},
    {.Address = {(struct sockaddr *)&ipv6, sizeof ipv6 - 1}},
    {.Address = {(struct sockaddr *)&ipv6, sizeof ipv4}},
    {.Address = {&strange, sizeof strange}},
    {.Address = {NULL, 0}},
    {.Address = {NULL, -1}},
};

#define ENTRIES (sizeof entries / sizeof entries[0])

static ULONG outcome;

/* In place of the one of the DLL. */
ULONG WINAPI GetAdaptersAddresses(ULONG family, ULONG flags, PVOID reserved,
                                  IP_ADAPTER_ADDRESSES *list, ULONG *size)
{
    (void)family, (void)flags, (void)reserved;
    assert_true(*size >= sizeof *list);
    memset(list, 0, sizeof *list);
    list->IfIndex = 7;
    list->FirstUnicastAddress = entries;
    for (unsigned i = 0; i + 1 < ENTRIES; i++) {
        entries[i].Next = &entries[i + 1];
    }
    *size = sizeof *list;
    return outcome;
}

static void what_is_no_whole_address_is_left_out(void **state)
{
    apr_array_header_t *addresses;
    const host_address_t *found;

    outcome = NO_ERROR;
    ipv4.sin_addr.s_addr = htonl(0xc0000201);
    ipv6.sin6_addr = (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
    assert_int_equal(host_addresses(&addresses, *state), APR_SUCCESS);
    assert_int_equal(addresses->nelts, 2);
    found = &APR_ARRAY_IDX(addresses, 0, host_address_t);
    assert_int_equal(found->address.length, sizeof ipv4);
    assert_memory_equal(&found->address.sa, &ipv4, sizeof ipv4);
    assert_int_equal(found->broadcast.s_addr, htonl(0xc00002ff));
    assert_int_equal(found->network_interface, 7);
    found = &APR_ARRAY_IDX(addresses, 1, host_address_t);
    assert_int_equal(found->address.length, sizeof ipv6);
    assert_memory_equal(&found->address.sa, &ipv6, sizeof ipv6);
}

static void a_host_may_have_no_address(void **state)
{
    static const ULONG nothing[] = {ERROR_NO_DATA, ERROR_ADDRESS_NOT_ASSOCIATED};
    apr_array_header_t *addresses;

    for (unsigned i = 0; i < 2; i++) {
        outcome = nothing[i];
        assert_int_equal(host_addresses(&addresses, *state), APR_SUCCESS);
        assert_int_equal(addresses->nelts, 0);
    }
    outcome = ERROR_NOT_SUPPORTED;
    assert_int_not_equal(host_addresses(&addresses, *state), APR_SUCCESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(what_is_no_whole_address_is_left_out),
        scene(a_host_may_have_no_address),
    };

    return cmocka_run_group_tests_name("addresses", tests, NULL, NULL);
}
