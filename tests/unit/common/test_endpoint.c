#include "unit.h"

#include "common/endpoint_text.h"
#include "endpoints.h"

static void endpoints_are_written_as_people_write_them(void **state)
{
    char text[ENDPOINT_TEXT_MAX];
    endpoint_t endpoint = ipv4(0xc0000201, 7);

    (void)state;
    endpoint_format(text, &endpoint);
    assert_string_equal(text, "192.0.2.1:7");
    endpoint = ipv6(0, 0, 1, 65535);
    endpoint_format(text, &endpoint);
    assert_string_equal(text, "[::1]:65535");
    memset(&endpoint.sa.v6.sin6_addr, 0xfd, sizeof endpoint.sa.v6.sin6_addr);
    endpoint_format(text, &endpoint);
    assert_string_equal(text, "[fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd]:65535");
}

static void a_link_local_address_names_its_interface(void **state)
{
    char text[ENDPOINT_TEXT_MAX];
    endpoint_t endpoint = ipv6(0xfe, 0x80, 1, 9);

    (void)state;
    endpoint.sa.v6.sin6_scope_id = 1; /* the loopback, on every system that has one */
    endpoint_format(text, &endpoint);
    assert_memory_equal(text, "[fe80::1%lo", strlen("[fe80::1%lo"));
    endpoint.sa.v6.sin6_scope_id = 0;
    endpoint_format(text, &endpoint);
    assert_string_equal(text, "[fe80::1]:9");
}

static void an_unknown_family_is_said_to_be_unknown(void **state)
{
    char text[ENDPOINT_TEXT_MAX];
    endpoint_t endpoint = {.length = 0};

    (void)state;
    endpoint_format(text, &endpoint);
    assert_string_equal(text, "unknown");
}

static void equal_means_address_port_and_scope(void **state)
{
    endpoint_t one = ipv4(1, 7);
    endpoint_t other = ipv4(1, 7);
    endpoint_t six = ipv6(0, 0, 1, 7);
    endpoint_t scoped = six;

    (void)state;
    assert_true(endpoint_equal(&one, &other));
    other = ipv4(1, 8);
    assert_false(endpoint_equal(&one, &other));
    other = ipv4(2, 7);
    assert_false(endpoint_equal(&one, &other));
    assert_false(endpoint_equal(&one, &six));
    assert_true(endpoint_equal(&six, &scoped));
    scoped.sa.v6.sin6_scope_id = 3;
    assert_false(endpoint_equal(&six, &scoped));
}

static void multicast_is_told_from_unicast(void **state)
{
    static const struct {
        apr_uint32_t address;
        int multicast;
    } cases[] = {
        {0xdfffffff, 0}, /* 223.255.255.255 */
        {0xe0000000, 1}, /* 224.0.0.0 */
        {0xefffffff, 1}, /* 239.255.255.255 */
        {0xf0000000, 0}, /* 240.0.0.0 */
        {0xffffffff, 1}, {0xfffffffe, 0}, {0x7f000001, 0},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        endpoint_t endpoint = ipv4(cases[i].address, 7);

        assert_int_equal(endpoint_is_multicast(&endpoint), cases[i].multicast);
    }
    endpoint_t group = ipv6(0xff, 0x02, 1, 7);
    endpoint_t link_local = ipv6(0xfe, 0x80, 1, 7);

    assert_true(endpoint_is_multicast(&group));
    assert_false(endpoint_is_multicast(&link_local));
}

static void a_single_host_is_told_from_what_cannot_be_answered(void **state)
{
    static const struct {
        apr_uint32_t address;
        int host;
    } cases[] = {
        {0, 0},          {0x00ffffff, 0}, /* 0.0.0.0/8 */
        {0x01000000, 1}, {0x7f000001, 1}, {0xdfffffff, 1}, {0xe0000000, 0}, {0xefffffff, 0},
        {0xf0000000, 1}, {0xfeffffff, 1}, {0xff000000, 0}, {0xffffffff, 0},
    };
    endpoint_t any = ipv6(0, 0, 0, 7);
    endpoint_t loopback = ipv6(0, 0, 1, 7);
    endpoint_t group = ipv6(0xff, 0x02, 1, 7);
    endpoint_t link_local = ipv6(0xfe, 0x80, 1, 7);

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        endpoint_t endpoint = ipv4(cases[i].address, 7);
        endpoint_t in_ipv6 = mapped(cases[i].address, 7);

        assert_int_equal(endpoint_is_host(&endpoint), cases[i].host);
        assert_int_equal(endpoint_is_host(&in_ipv6), cases[i].host);
    }
    assert_false(endpoint_is_host(&any));
    assert_true(endpoint_is_host(&loopback));
    assert_false(endpoint_is_host(&group));
    assert_true(endpoint_is_host(&link_local));
}

static void the_wildcard_is_told_from_other_addresses(void **state)
{
    endpoint_t any = ipv4(0, 7);
    endpoint_t some = ipv4(1, 7);

    (void)state;
    assert_true(endpoint_is_wildcard(&any));
    assert_false(endpoint_is_wildcard(&some));
    any = ipv6(0, 0, 0, 7);
    some = ipv6(0, 0, 1, 7);
    assert_true(endpoint_is_wildcard(&any));
    assert_false(endpoint_is_wildcard(&some));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(endpoints_are_written_as_people_write_them),
        scene(a_link_local_address_names_its_interface),
        scene(an_unknown_family_is_said_to_be_unknown),
        scene(equal_means_address_port_and_scope),
        scene(multicast_is_told_from_unicast),
        scene(a_single_host_is_told_from_what_cannot_be_answered),
        scene(the_wildcard_is_told_from_other_addresses),
    };

    return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
