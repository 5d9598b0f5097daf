#include "unit.h"

#include "common/address.h"
#include "common/endpoint_text.h"
#include "udpecho/datagram.h"

static void assert_parts(const char *text, const char *host, const char *scope, apr_port_t port,
                         apr_pool_t *pool)
{
    address_t address;
    const char *error = address_parse(&address, text, 8888, pool);

    if (error != NULL) {
        fail_msg("%s was refused: %s", text, error);
    }
    assert_int_equal(address.host == NULL, host == NULL);
    if (host != NULL) {
        assert_string_equal(address.host, host);
    }
    assert_int_equal(address.scope == NULL, scope == NULL);
    if (scope != NULL) {
        assert_string_equal(address.scope, scope);
    }
    assert_int_equal(address.port, port);
}

static void addresses_are_taken_apart(void **state)
{
    assert_parts("192.0.2.1", "192.0.2.1", NULL, 8888, *state);
    assert_parts("192.0.2.1:7", "192.0.2.1", NULL, 7, *state);
    assert_parts("192.0.2.1:0", "192.0.2.1", NULL, 0, *state);
    assert_parts("echo.example:65535", "echo.example", NULL, 65535, *state);
    assert_parts("7echo:7", "7echo", NULL, 7, *state);
    assert_parts("*", NULL, NULL, 8888, *state);
    assert_parts("*:7", NULL, NULL, 7, *state);
    assert_parts("[::1]", "::1", NULL, 8888, *state);
    assert_parts("[2001:db8::1]:7", "2001:db8::1", NULL, 7, *state);
    assert_parts("[fe80::1%eth0]:7", "fe80::1", "eth0", 7, *state);
    assert_parts("[fe8::1]:7", "fe8::1", NULL, 7, *state); /* 0fe8::1 */
    assert_parts("[ff02::1]:7", "ff02::1", NULL, 7, *state);
    assert_parts("[ff02::1%eth0]:7", "ff02::1", "eth0", 7, *state);
    assert_parts("[FF11::101%1]", "FF11::101", "1", 8888, *state);
}

static void any_address_may_have_an_interface(void **state)
{
    static const struct {
        const char *text, *host, *device;
    } cases[] = {
        {"192.0.2.1%eth0:7", "192.0.2.1", "eth0"},
        {"*%eth0.100:7", NULL, "eth0.100"},
        {"echo.example%vrf-blue:7", "echo.example", "vrf-blue"},
        {"[2001:db8::1%eth0]:7", "2001:db8::1", "eth0"},
        {"[ff05::1%lo]:7", "ff05::1", "lo"},
        {"[ff2::1%lo]:7", "ff2::1", "lo"}, /* 0ff2::1 */
        {"*%interface_of_15:7", NULL, "interface_of_15"},
        {"192.0.2.1:7", "192.0.2.1", NULL},
        {"[fe80::1%eth0]:7", "fe80::1", NULL},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        address_t address;

        assert_parts(cases[i].text, cases[i].host, i == 8 ? "eth0" : NULL, 7, *state);
        assert_null(address_parse(&address, cases[i].text, 8888, *state));
        assert_int_equal(address.device == NULL, cases[i].device == NULL);
        if (cases[i].device != NULL) {
            assert_string_equal(address.device, cases[i].device);
        }
    }
}

static void mistakes_are_refused_with_advice(void **state)
{
    static const struct {
        const char *text;
        const char *advice; /* part of the answer */
    } cases[] = {
        {"", "address is missing"},
        {":7", "address is missing"},
        {"8888", "number alone"},
        {"8888:7", "number alone"},
        {"::1", "brackets"},
        {"2001:db8::1:7", "brackets"},
        {"127.0.0.1.:7", "four numbers"},
        {"127.1:7", "four numbers"},
        {"010.0.0.1:7", "four numbers"},
        {"[::g]:7", "2001:db8::1"},
        {"[1:2]:7", "2001:db8::1"},
        {"[::1", "not closed"},
        {"[::1]7", ":PORT"},
        {"[::1]:", "0 to 65535"},
        {"[127.0.0.1]:7", "IPv6 addresses only"},
        {"[fe80::1%]:7", "interface"},
        {"[fe80::1]:7", "needs its interface"},
        {"[FEBF::1]:7", "needs its interface"},
        {"[2001:db8::1%]:7", "interface is missing"},
        {"192.0.2.1%:7", "interface is missing"},
        {"*%:7", "interface is missing"},
        {"%eth0:7", "address is missing"},
        {"*%interface_of_016:7", "at most 15"},
        {"[2001:db8::1%interface_of_016]:7", "at most 15"},
        {"[ff02::1%]:7", "interface is missing"},
        {"127.0.0.1:", "0 to 65535"},
        {"127.0.0.1:65536", "0 to 65535"},
        {"127.0.0.1:echo", "0 to 65535"},
        {"127.0.0.1:-1", "0 to 65535"},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        address_t address;
        const char *error = address_parse(&address, cases[i].text, 8888, *state);

        if (error == NULL || strstr(error, cases[i].advice) == NULL) {
            fail_msg("\"%s\": %s", cases[i].text, error != NULL ? error : "was taken");
        }
    }
}

static void a_host_to_ask_is_refused_with_advice(void **state)
{
    static const struct {
        const char *text;
        const char *advice; /* NULL: it is taken */
    } cases[] = {
        {"http://localhost:8888", "HOST:PORT"},
        {"localhost:8888:9", "HOST:PORT"},
        {"::1:8888", "[ADDRESS]:PORT"},
        {"::192.0.2.1", "no host has this address"},
        {"8888", "number alone"},
        {"%eth0", "address is missing"},
        {"::", NULL},
        {"::1", NULL},
        {"::1%lo", NULL},
        {"2001:db8::1:8888", NULL},
        {"[::1:8888]:7", NULL}, /* asked for by name */
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        address_t address;
        const char *error = address_parse_host(&address, cases[i].text, 7, *state);

        if (cases[i].advice == NULL ? error != NULL
                                    : error == NULL || strstr(error, cases[i].advice) == NULL) {
            fail_msg("\"%s\": %s", cases[i].text, error != NULL ? error : "was taken");
        }
        /* Only addresses to listen at get this advice. */
        assert_true(error == NULL || strstr(error, "*:PORT") == NULL);
    }
}

static void the_wildcard_is_one_address_of_each_family(void **state)
{
    address_t address;
    apr_sockaddr_t *list;

    assert_null(address_parse(&address, "*:7", 8888, *state));
    assert_int_equal(address_resolve(&list, &address, *state), APR_SUCCESS);
    assert_int_equal(list->family, APR_INET);
    assert_int_equal(list->port, 7);
    assert_int_equal(list->next->family, APR_INET6);
    assert_int_equal(list->next->port, 7);
    assert_null(list->next->next);
}

static void numeric_addresses_need_no_resolver(void **state)
{
    address_t address;
    apr_sockaddr_t *list;

    assert_null(address_parse(&address, "[::1]:7", 8888, *state));
    assert_int_equal(address_resolve(&list, &address, *state), APR_SUCCESS);
    assert_int_equal(list->family, APR_INET6);
    assert_null(list->next);
    assert_null(address_parse(&address, "127.0.0.1:7", 8888, *state));
    assert_int_equal(address_resolve(&list, &address, *state), APR_SUCCESS);
    assert_int_equal(list->family, APR_INET);
    assert_null(list->next);
}

static void a_mapped_address_is_the_ipv4_address_in_it(void **state)
{
    address_t address;
    apr_sockaddr_t *list;
    char *text;

    assert_null(address_parse(&address, "[::ffff:192.0.2.1]:9", 8888, *state));
    assert_int_equal(address_resolve(&list, &address, *state), APR_SUCCESS);
    assert_int_equal(list->family, APR_INET);
    assert_int_equal(list->salen, sizeof list->sa.sin);
    assert_int_equal(list->sa.sin.sin_family, APR_INET);
    assert_int_equal(ntohs(list->sa.sin.sin_port), 9);
    assert_int_equal(apr_sockaddr_ip_get(&text, list), APR_SUCCESS);
    assert_string_equal(text, "192.0.2.1");
    assert_null(list->next);
}

static void localhost_is_both_loopbacks_and_asks_nobody(void **state)
{
    static const char *const names[] = {"localhost:7", "LOCALHOST:7"};
    address_t address;
    apr_sockaddr_t *list;
    endpoint_t endpoint;
    char text[ENDPOINT_TEXT_MAX];

    for (unsigned i = 0; i < 2; i++) {
        assert_null(address_parse(&address, names[i], 8888, *state));
        assert_false(address_is_foreign_name(&address));
        assert_int_equal(address_resolve_own(&list, &address, *state), APR_SUCCESS);
        endpoint = endpoint_of(list);
        endpoint_format(text, &endpoint);
        assert_string_equal(text, "127.0.0.1:7");
        endpoint = endpoint_of(list->next);
        endpoint_format(text, &endpoint);
        assert_string_equal(text, "[::1]:7");
        assert_null(list->next->next);
    }
    assert_null(address_parse(&address, "localhost.example:7", 8888, *state));
    assert_true(address_is_foreign_name(&address));
}

static void a_scope_must_be_an_interface_of_ours(void **state)
{
    address_t address;
    apr_sockaddr_t *list;

    assert_null(address_parse(&address, "[fe80::1%1]:7", 8888, *state));
    assert_int_equal(address_resolve(&list, &address, *state), APR_SUCCESS);
    assert_int_equal(list->sa.sin6.sin6_scope_id, 1);
    assert_null(address_parse(&address, "[ff02::1%1]:7", 8888, *state));
    assert_int_equal(address_resolve(&list, &address, *state), APR_SUCCESS);
    assert_int_equal(list->sa.sin6.sin6_scope_id, 1);
    assert_null(address_parse(&address, "[fe80::1%nosuch0]:7", 8888, *state));
    assert_int_not_equal(address_resolve(&list, &address, *state), APR_SUCCESS);
    assert_null(address_parse(&address, "[ff02::1%nosuch0]:7", 8888, *state));
    assert_int_not_equal(address_resolve(&list, &address, *state), APR_SUCCESS);
}

/* Systems disagree on what they say of a name that is no interface's, so the number of a scope must
 * not depend on it. APR takes small numbers only, and only after ENODEV. */
static void a_scope_is_a_number_of_any_size(void **state)
{
    static const struct {
        const char *text;
        apr_uint32_t scope; /* 0: it is refused */
    } cases[] = {
        {"[fe80::1%32767]:7", 32767},
        {"[fe80::1%32768]:7", 32768},
        {"[ff02::1%4294967295]:7", 4294967295},
        {"[fe80::1%4294967296]:7", 0},
        {"[fe80::1%18446744073709551617]:7", 0},
        {"[fe80::1%0]:7", 0},
        {"[fe80::1%32768x]:7", 0},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        address_t address;
        apr_sockaddr_t *list;

        assert_null(address_parse(&address, cases[i].text, 8888, *state));
        if (cases[i].scope == 0) {
            assert_int_not_equal(address_resolve(&list, &address, *state), APR_SUCCESS);
        } else {
            assert_int_equal(address_resolve(&list, &address, *state), APR_SUCCESS);
            assert_int_equal(list->sa.sin6.sin6_scope_id, cases[i].scope);
        }
    }
}

static int is_loopback(const char *text, apr_pool_t *pool)
{
    address_t address;

    assert_null(address_parse(&address, text, 8888, pool));
    return address_is_loopback(&address, pool);
}

static void the_loopback_is_told_from_the_rest(void **state)
{
    assert_true(is_loopback("127.0.0.1:7", *state));
    assert_true(is_loopback("127.255.0.1:7", *state));
    assert_true(is_loopback("[::1]:7", *state));
    assert_true(is_loopback("localhost:7", *state));
    assert_false(is_loopback("*:7", *state));
    assert_false(is_loopback("128.0.0.1:7", *state));
    assert_false(is_loopback("[2001:db8::1]:7", *state));
    assert_false(is_loopback("[fe80::1%nosuch0]:7", *state));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(addresses_are_taken_apart),
        scene(any_address_may_have_an_interface),
        scene(mistakes_are_refused_with_advice),
        scene(a_host_to_ask_is_refused_with_advice),
        scene(the_wildcard_is_one_address_of_each_family),
        scene(a_mapped_address_is_the_ipv4_address_in_it),
        scene(numeric_addresses_need_no_resolver),
        scene(localhost_is_both_loopbacks_and_asks_nobody),
        scene(a_scope_must_be_an_interface_of_ours),
        scene(a_scope_is_a_number_of_any_size),
        scene(the_loopback_is_told_from_the_rest),
    };

    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
