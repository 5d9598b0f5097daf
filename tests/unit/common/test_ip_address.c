#include "unit.h"

#include "common/endpoint_text.h"
#include "common/ip_address.h"

static void what_is_printed_is_read(void **state)
{
    static const struct {
        const char *text;
        const char *again;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1:0"},
        {"0.0.0.0", "0.0.0.0:0"},
        {"255.255.255.255", "255.255.255.255:0"},
        {"::", "[::]:0"},
        {"2001:DB8:0::1", "[2001:db8::1]:0"},
        {"fe80::1", "[fe80::1]:0"},
        {"::ffff:192.0.2.1", "[::ffff:192.0.2.1]:0"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[ENDPOINT_TEXT_MAX];
        endpoint_t endpoint;

        assert_true(ip_address_parse(&endpoint, cases[i].text));
        endpoint_format(text, &endpoint);
        assert_string_equal(text, cases[i].again);
    }
}

static void anything_else_is_no_address(void **state)
{
    static const char *const cases[] = {
        "",          "10",         "10.",        "192.0.2.1.", "192.0.2.",      "10.1",
        "010.0.0.1", "0x7f.0.0.1", "256.0.0.1",  "1.2.3.4.5",  "192.0.2.1 ",    " 192.0.2.1",
        "localhost", "[::1]",      "fe80::1%lo", ":",          "1:2:3:4:5:6:7", "::1::",
        "::g",       "::1 ",       "1.2.3.4:7",  "::10.",      "2130706433",
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        endpoint_t endpoint;

        if (ip_address_parse(&endpoint, cases[i])) {
            fail_msg("\"%s\" was taken", cases[i]);
        }
    }
}

/* What APR makes by its resolver is the measure. */
static void apr_gets_what_it_would_make_itself(void **state)
{
    static const char *const cases[] = {"192.0.2.1", "2001:db8::1"};

    for (unsigned i = 0; i < 2; i++) {
        apr_sockaddr_t *expected;
        endpoint_t endpoint;

        assert_int_equal(
            apr_sockaddr_info_get(&expected, cases[i], i == 0 ? APR_INET : APR_INET6, 7, 0, *state),
            APR_SUCCESS);
        assert_true(ip_address_parse(&endpoint, cases[i]));
        endpoint.sa.v4.sin_port = htons(7);

        apr_sockaddr_t *address = ip_address_to_apr(&endpoint, *state);

        assert_int_equal(address->family, expected->family);
        assert_int_equal(address->port, expected->port);
        assert_int_equal(address->salen, expected->salen);
        assert_int_equal(address->ipaddr_len, expected->ipaddr_len);
        assert_int_equal(address->addr_str_len, expected->addr_str_len);
        assert_true(apr_sockaddr_equal(address, expected));
        assert_memory_equal(&address->sa, &expected->sa, (size_t)expected->salen);
        assert_null(address->next);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(what_is_printed_is_read),
        scene(anything_else_is_no_address),
        scene(apr_gets_what_it_would_make_itself),
    };

    return cmocka_run_group_tests_name("IP address", tests, NULL, NULL);
}
