/* What is sent from here would come back here. */

#include "unit.h"

#include "core/own_addresses.h"
#include "endpoints.h"

#define LOOPBACK 0x7f000001
#define OURS     0x0a000001 /* 10.0.0.1 */
#define OTHERS   0x0a000009

#define LOOPBACK_INTERFACE 1
#define ETHERNET           2

typedef struct scenery {
    apr_array_header_t *listeners;
    apr_array_header_t *host;
    apr_pool_t *pool;
} scenery_t;

static void add_address(scenery_t *scenery, endpoint_t address, apr_uint32_t broadcast,
                        unsigned network_interface)
{
    host_address_t *added = apr_array_push(scenery->host);

    *added = (host_address_t){.address = address,
                              .broadcast.s_addr = htonl(broadcast),
                              .network_interface = network_interface};
}

static scenery_t scenery(apr_pool_t *pool)
{
    scenery_t made = {apr_array_make(pool, 4, sizeof(endpoint_t)),
                      apr_array_make(pool, 4, sizeof(host_address_t)), pool};
    endpoint_t link_local = ipv6(0xfe, 0x80, 1, 0);

    link_local.sa.v6.sin6_scope_id = 2;
    add_address(&made, link_local, 0, ETHERNET);
    add_address(&made, ipv4(OURS, 0), 0x0a0000ff, ETHERNET);
    add_address(&made, ipv6(0, 0, 1, 0), 0, LOOPBACK_INTERFACE);
    add_address(&made, ipv4(LOOPBACK, 0), 0x7fffffff, LOOPBACK_INTERFACE);
    add_address(&made, ipv4(0x0a010001, 0), 0x0a0100ff, ETHERNET);
    return made;
}

static own_addresses_t *listen_on(scenery_t *scenery, endpoint_t listener)
{
    APR_ARRAY_PUSH(scenery->listeners, endpoint_t) = listener;
    return own_addresses_create(scenery->listeners, scenery->host, scenery->pool);
}

static int is_listener(const own_addresses_t *own, endpoint_t endpoint)
{
    return own_is_listener(own, &endpoint, 0);
}

static int is_broadcast(const own_addresses_t *own, endpoint_t endpoint)
{
    return own_is_broadcast(own, &endpoint);
}

static void a_bound_address_is_a_listener_at_its_port_only(void **state)
{
    scenery_t host = scenery(*state);
    own_addresses_t *own = listen_on(&host, ipv4(OURS, 7));

    assert_true(is_listener(own, ipv4(OURS, 7)));
    assert_true(is_listener(own, mapped(OURS, 7)));
    assert_false(is_listener(own, ipv4(OURS, 8)));
    assert_false(is_listener(own, ipv4(LOOPBACK, 7))); /* ours, but nobody listens there */
    assert_false(is_listener(own, ipv4(OTHERS, 7)));
    assert_false(is_listener(own, ipv6(0, 0, 1, 7)));
}

static void a_wildcard_is_a_listener_at_every_address_of_its_family(void **state)
{
    scenery_t host = scenery(*state);
    own_addresses_t *own = listen_on(&host, ipv4(0, 7));

    assert_true(is_listener(own, ipv4(OURS, 7)));
    assert_true(is_listener(own, ipv4(0x0a010001, 7)));
    assert_true(is_listener(own, ipv4(LOOPBACK, 7)));
    assert_false(is_listener(own, ipv4(OURS, 8)));
    assert_false(is_listener(own, ipv4(OTHERS, 7)));
    assert_false(is_listener(own, ipv6(0, 0, 1, 7)));
    own = listen_on(&host, ipv6(0, 0, 0, 8));
    assert_true(is_listener(own, ipv6(0, 0, 1, 8)));
    assert_true(is_listener(own, ipv4(OURS, 7)));
    assert_false(is_listener(own, ipv4(OURS, 8)));
}

static void the_whole_network_of_the_loopback_is_ours(void **state)
{
    scenery_t host = scenery(*state);
    own_addresses_t *own = listen_on(&host, ipv4(0, 7));

    assert_true(is_listener(own, ipv4(0x7f010203, 7)));
    assert_false(is_listener(own, ipv4(0x80000001, 7)));
}

/* A route may make a network local while no interface has an address in it. */
static void what_comes_by_the_loopback_from_the_port_of_a_wildcard_is_ours(void **state)
{
    scenery_t host = scenery(*state);
    own_addresses_t *own = listen_on(&host, ipv4(0, 7));
    endpoint_t routed = ipv4(OTHERS, 7);
    endpoint_t other_port = ipv4(OTHERS, 8);
    endpoint_t other_family = ipv6(0x20, 1, 1, 7);

    assert_true(own_is_listener(own, &routed, LOOPBACK_INTERFACE));
    assert_false(own_is_listener(own, &routed, ETHERNET));
    assert_false(own_is_listener(own, &other_port, LOOPBACK_INTERFACE));
    assert_false(own_is_listener(own, &other_family, LOOPBACK_INTERFACE));
}

static void what_comes_by_the_loopback_from_the_port_of_another_address_is_not(void **state)
{
    scenery_t host = scenery(*state);
    own_addresses_t *own = listen_on(&host, ipv4(OURS, 7));
    endpoint_t routed = ipv4(OTHERS, 7);

    assert_false(own_is_listener(own, &routed, LOOPBACK_INTERFACE));
}

static void addresses_are_ours_without_a_listener_too(void **state)
{
    scenery_t host = scenery(*state);
    own_addresses_t *own = listen_on(&host, ipv4(LOOPBACK, 7));
    endpoint_t ours = ipv4(OURS, 8);
    endpoint_t loopback = ipv4(0x7f010203, 8);
    endpoint_t others = ipv4(OTHERS, 7);

    assert_true(own_is_address(own, &ours));
    assert_true(own_is_address(own, &loopback));
    assert_false(own_is_address(own, &others));
}

static void a_link_local_address_is_ours_on_its_link_only(void **state)
{
    scenery_t host = scenery(*state);
    own_addresses_t *own = listen_on(&host, ipv6(0, 0, 0, 7));
    endpoint_t from = ipv6(0xfe, 0x80, 1, 7);

    from.sa.v6.sin6_scope_id = 2;
    assert_true(is_listener(own, from));
    from.sa.v6.sin6_scope_id = 3;
    assert_false(is_listener(own, from));
}

static void broadcast_addresses_are_those_of_the_hosts_networks(void **state)
{
    scenery_t host = scenery(*state);
    own_addresses_t *own = listen_on(&host, ipv4(OURS, 7));

    assert_true(is_broadcast(own, ipv4(0x0a0000ff, 7)));
    assert_true(is_broadcast(own, ipv4(0x0a0100ff, 7)));
    assert_true(is_broadcast(own, ipv4(0x7fffffff, 7)));
    assert_true(is_broadcast(own, mapped(0x0a0000ff, 7)));
    assert_false(is_broadcast(own, ipv4(OURS, 7)));
    assert_false(is_broadcast(own, ipv4(0x0a0200ff, 7)));
    assert_false(is_broadcast(own, ipv6(0, 0, 0, 7)));
}

static void a_host_without_known_addresses_knows_its_listeners(void **state)
{
    scenery_t host = {apr_array_make(*state, 1, sizeof(endpoint_t)),
                      apr_array_make(*state, 0, sizeof(host_address_t)), *state};
    own_addresses_t *own = listen_on(&host, ipv4(OURS, 65535));

    assert_true(is_listener(own, ipv4(OURS, 65535)));
    assert_false(is_listener(own, ipv4(OURS, 0)));
    assert_false(is_broadcast(own, ipv4(0x0a0000ff, 7)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_bound_address_is_a_listener_at_its_port_only),
        scene(a_wildcard_is_a_listener_at_every_address_of_its_family),
        scene(the_whole_network_of_the_loopback_is_ours),
        scene(what_comes_by_the_loopback_from_the_port_of_a_wildcard_is_ours),
        scene(what_comes_by_the_loopback_from_the_port_of_another_address_is_not),
        scene(addresses_are_ours_without_a_listener_too),
        scene(a_link_local_address_is_ours_on_its_link_only),
        scene(broadcast_addresses_are_those_of_the_hosts_networks),
        scene(a_host_without_known_addresses_knows_its_listeners),
    };

    return cmocka_run_group_tests_name("own addresses", tests, NULL, NULL);
}
