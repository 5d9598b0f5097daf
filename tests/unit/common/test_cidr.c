#include "unit.h"

#include "common/cidr.h"

#define IPV4(address) (ADDRESS_KEY_IPV4 | (address))
#define ONES          UINT64_MAX

static void networks_are_ranges_of_addresses(void **state)
{
    static const struct {
        const char *text;
        cidr_t network;
    } cases[] = {
        {"192.0.2.0/24", {{0, IPV4(0xc0000200)}, {0, IPV4(0xc00002ff)}}},
        {"192.0.2.1", {{0, IPV4(0xc0000201)}, {0, IPV4(0xc0000201)}}},
        {"192.0.2.1/32", {{0, IPV4(0xc0000201)}, {0, IPV4(0xc0000201)}}},
        {"0.0.0.0/0", {{0, IPV4(0)}, {0, IPV4(0xffffffff)}}},
        {"128.0.0.0/1", {{0, IPV4(0x80000000)}, {0, IPV4(0xffffffff)}}},
        {"2001:db8::/32", {{0x20010db800000000, 0}, {0x20010db8ffffffff, ONES}}},
        {"2001:DB8::/64", {{0x20010db800000000, 0}, {0x20010db800000000, ONES}}},
        {"2001:db8::/65", {{0x20010db800000000, 0}, {0x20010db800000000, ONES >> 1}}},
        {"::1", {{0, 1}, {0, 1}}},
        {"::/0", {{0, 0}, {ONES, ONES}}},
        {"fe80::/10", {{0xfe80000000000000, 0}, {0xfebfffffffffffff, ONES}}},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        cidr_t network;
        const char *expected = cidr_parse(&network, cases[i].text, *state);

        if (expected != NULL || !address_key_equal(network.first, cases[i].network.first) ||
            !address_key_equal(network.last, cases[i].network.last)) {
            fail_msg("%s: expected %s", cases[i].text, expected);
        }
    }
}

static void mistakes_are_refused_with_what_would_be_right(void **state)
{
    static const struct {
        const char *text;
        const char *right;
    } cases[] = {
        {"10.0.0.1/8", "10.0.0.0/8, or 10.0.0.1 for that host alone"},
        {"10.255.0.0/9", "10.128.0.0/9, or"},
        {"10.0.0.1/0", "0.0.0.0/0, or"},
        {"2001:db8::1/32", "2001:db8::/32, or 2001:db8::1 for that host alone"},
        {"2001:db8::1/127", "2001:db8::/127, or"},
        {"10.0.0.0/33", "0 to 32"},
        {"10.0.0.0/", "0 to 32"},
        {"10.0.0.0/-1", "0 to 32"},
        {"10.0.0.0/255.0.0.0", "0 to 32"},
        {"10.0.0.0/8/8", "0 to 32"},
        {"::/129", "0 to 128"},
        {"", "192.0.2.0/24"},
        {"/8", "192.0.2.0/24"},
        {"10", "192.0.2.0/24"},
        {"10/8", "192.0.2.0/24"},
        {"10.1/16", "192.0.2.0/24"},
        {"010.0.0.0/8", "192.0.2.0/24"},
        {"256.0.0.0/8", "192.0.2.0/24"},
        {"10.0.0.0.0", "192.0.2.0/24"},
        {"10./8", "192.0.2.0/24"},
        {"192.0.2.1.", "192.0.2.0/24"},
        {"10.0.0.0 /8", "192.0.2.0/24"},
        {"localhost", "192.0.2.0/24"},
        {"1:2:3", "192.0.2.0/24"},
        {"[::1]", "192.0.2.0/24"},
        {"10.0.0.1:7", "192.0.2.0/24"},
        {"::ffff:10.0.0.0/104", "192.0.2.0/24"},
        {"fe80::%eth0/64", "without an interface"},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        cidr_t network;
        const char *expected = cidr_parse(&network, cases[i].text, *state);

        if (expected == NULL || strstr(expected, cases[i].right) == NULL) {
            fail_msg("\"%s\": %s", cases[i].text, expected != NULL ? expected : "was taken");
        }
    }
}

static int contains(const char *network, const char *address, apr_pool_t *pool)
{
    cidr_t cidr;
    cidr_t host;

    assert_null(cidr_parse(&cidr, network, pool));
    assert_null(cidr_parse(&host, address, pool));
    return cidr_contains(&cidr, host.first);
}

static void ipv6_networks_contain_no_ipv4_address(void **state)
{
    assert_true(contains("0.0.0.0/0", "192.0.2.1", *state));
    assert_false(contains("0.0.0.0/0", "2001:db8::1", *state));
    assert_false(contains("0.0.0.0/0", "::1", *state));
    assert_true(contains("::/0", "2001:db8::1", *state));
    assert_true(contains("::/0", "::1", *state));
    assert_false(contains("::/0", "192.0.2.1", *state));
    assert_false(contains("::/80", "192.0.2.1", *state));
    assert_true(contains("192.0.2.0/24", "192.0.2.255", *state));
    assert_false(contains("192.0.2.0/24", "192.0.3.0", *state));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(networks_are_ranges_of_addresses),
        scene(mistakes_are_refused_with_what_would_be_right),
        scene(ipv6_networks_contain_no_ipv4_address),
    };

    return cmocka_run_group_tests_name("CIDR", tests, NULL, NULL);
}
