/* How long replies may be to leave together, peer by peer. */

#include "unit.h"

#include "endpoints.h"
#include "offload/gather_limits.h"

static gather_limits_t limits;

static int allows(endpoint_t peer, apr_size_t length)
{
    return gather_limits_allow(&limits, &peer, length);
}

static void lower(endpoint_t peer, apr_size_t length)
{
    gather_limits_lower(&limits, &peer, length);
}

static int forget_all(void **state)
{
    limits = (gather_limits_t){.segment_max = PAYLOAD_MAX_IPV6};
    return make_pool(state);
}

#undef scene
#define scene(function) cmocka_unit_test_setup_teardown(function, forget_all, destroy_pool)

static void a_refusal_is_one_peers_alone(void **state)
{
    endpoint_t one_port = ipv4(0x0a000009, 1);
    endpoint_t other_port = ipv4(0x0a000009, 2);

    (void)state;
    lower(one_port, 1400);
    lower(ipv6(0xfd, 0, 9, 1), 1300);
    assert_false(endpoint_equal(&one_port, &other_port));
    assert_false(allows(one_port, 1400));
    assert_false(allows(other_port, 1500));
    assert_true(allows(ipv4(0x0a000009, 1), 1399));
    assert_true(allows(ipv4(0x0a000008, 1), 1400));
    assert_false(allows(ipv6(0xfd, 0, 9, 2), 1300));
    assert_true(allows(ipv6(0xfd, 0, 9, 2), 1299));
    assert_true(allows(ipv6(0xfd, 0, 8, 2), 1300));
}

/* Runs of several lengths may be refused in one batch. */
static void the_shortest_that_was_refused_counts(void **state)
{
    (void)state;
    lower(ipv4(0x0a000009, 1), 500);
    lower(ipv4(0x0a000009, 2), 700);
    assert_false(allows(ipv4(0x0a000009, 1), 600));
    lower(ipv4(0x0a000009, 2), 400);
    assert_false(allows(ipv4(0x0a000009, 1), 400));
    assert_true(allows(ipv4(0x0a000009, 1), 399));
}

static void it_is_tried_again(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        lower(ipv4(0x0a000009, 1), 1400);
        for (int i = 0; i < GATHER_RETRY_RUNS; i++) {
            assert_false(allows(ipv4(0x0a000009, 1), 1400));
            assert_true(allows(ipv4(0x0a000009, 1), 100)); /* which does not count */
        }
        assert_true(allows(ipv4(0x0a000009, 1), 1400));
    }
}

/* However many are refused, nobody else is, whose place may be one of theirs. */
static void refusals_of_many_hosts_do_not_affect_others(void **state)
{
    (void)state;
    for (apr_uint32_t host = 0; host < 10000; host++) {
        lower(ipv4(0x0b000000 + host, 1), 1);
    }
    for (apr_uint32_t host = 0; host < 10000; host++) {
        assert_true(allows(ipv4(0x0a000000 + host, 1), 1400));
    }
    assert_false(allows(ipv4(0x0b000000 + 9999, 1), 1400));
}

/* How many of 1,000 runs to these hosts in turn are begun, and refused. */
static int runs_refused(const endpoint_t *hosts, unsigned count)
{
    int refused = 0;

    limits = (gather_limits_t){.segment_max = PAYLOAD_MAX_IPV6};
    for (unsigned i = 0; i < GATHER_RETRY_RUNS; i++) {
        if (allows(hosts[i % count], 1400)) {
            refused++;
            lower(hosts[i % count], 1400);
        }
    }
    return refused;
}

/* Hosts behind one tunnel differ in the last byte of their addresses. */
static void neighbours_do_not_displace_each_other(void **state)
{
    endpoint_t one = ipv4(0x0a080002, 1);
    int last_octet = 0;
    int last_byte = 0;

    (void)state;
    for (unsigned other = 3; other <= 254; other++) {
        endpoint_t of_ipv4[] = {one, ipv4(0x0a080000 + other, 1)};
        endpoint_t of_ipv6[] = {ipv6(0xfd, 0, 2, 1), ipv6(0xfd, 0, (unsigned char)other, 1)};

        last_octet += runs_refused(of_ipv4, 2) == 2;
        last_byte += runs_refused(of_ipv6, 2) == 2;
    }
    /* All but one or two of 252: where words are stored the other way round, others share a place.
     */
    assert_true(last_octet >= 250);
    assert_true(last_byte >= 250);
}

static void nothing_is_gathered_above_the_most(void **state)
{
    (void)state;
    limits.segment_max = 0;
    assert_false(allows(ipv4(0x0a000009, 1), 1));
    limits.segment_max = 1000;
    assert_false(allows(ipv4(0x0a000009, 1), 1001));
    lower(ipv4(0x0a000009, 1), 500);
    assert_false(allows(ipv4(0x0a000008, 1), 1001));
    assert_true(allows(ipv4(0x0a000008, 1), 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_refusal_is_one_peers_alone),
        scene(the_shortest_that_was_refused_counts),
        scene(it_is_tried_again),
        scene(refusals_of_many_hosts_do_not_affect_others),
        scene(neighbours_do_not_displace_each_other),
        scene(nothing_is_gathered_above_the_most),
    };

    return cmocka_run_group_tests_name("gather_limits", tests, NULL, NULL);
}
