/* The core, without a socket or a clock: the tests own both. */

#include "unit.h"

#include <apr_siphash.h>

#include "core/access_list.h"
#include "core/echo.h"
#include "core/own_addresses.h"
#include "core/rate_limit.h"
#include "core/source_ports.h"
#include "core/token_bucket.h"
#include "echo_batches.h"

#define OURS          0x0a000001 /* 10.0.0.1 */
#define OUR_BROADCAST 0x0a0000ff

static void the_default_is_to_serve_without_limit(void **state)
{
    echo_t *echo = endless_echo(*state);
    batch_t batch = batch_of(BATCH_MAX);

    for (int i = 0; i < 100; i++) {
        echo_step(echo, &batch, NOW + i * APR_USEC_PER_SEC);
        assert_int_equal(echoes_in(&batch), BATCH_MAX);
        settle_sent(echo, BATCH_MAX);
    }
    assert_int_equal(echo_timeout(echo, NOW), -1);
    assert_false(echo_done(echo));
    assert_int_equal(echo_end(echo), ECHO_END_NONE);
}

static void an_empty_datagram_is_echoed(void **state)
{
    echo_t *echo = endless_echo(*state);
    batch_t batch = batch_of(1);

    batch.at[0]->length = 0;
    echo_step(echo, &batch, NOW);
    assert_int_equal(batch.at[0]->verdict, VERDICT_ECHO);
}

static void a_truncated_datagram_is_dropped(void **state)
{
    echo_t *echo = endless_echo(*state);
    batch_t batch = batch_of(2);

    batch.at[0]->truncated = 1;
    assert_null(echo_step(echo, &batch, NOW)); /* which is no limit */
    assert_int_equal(batch.at[0]->verdict, VERDICT_TRUNCATED);
    assert_int_equal(batch.at[1]->verdict, VERDICT_ECHO);
    assert_int_equal(counted(echo, COUNTER_DROPPED + VERDICT_TRUNCATED), 1);
}

static void a_datagram_whose_arrival_is_not_all_told_is_dropped(void **state)
{
    echo_t *echo = endless_echo(*state);
    batch_t batch = batch_of(2);

    batch.at[0]->control_truncated = 1;
    assert_null(echo_step(echo, &batch, NOW));
    assert_int_equal(batch.at[0]->verdict, VERDICT_CONTROL_TRUNCATED);
    assert_int_equal(batch.at[1]->verdict, VERDICT_ECHO);
    assert_int_equal(counted(echo, COUNTER_DROPPED + VERDICT_CONTROL_TRUNCATED), 1);
}

static void broadcast_and_multicast_are_dropped(void **state)
{
    echo_t *echo = endless_echo(*state);
    batch_t batch = batch_of(4);

    batch.at[0]->broadcast = 1;
    batch.at[1]->to.sa.v4.sin_addr.s_addr = htonl(0xe0000001); /* 224.0.0.1 */
    batch.at[2]->to.sa.v4.sin_addr.s_addr = htonl(0xffffffff);
    batch.at[3]->to.sa.v6.sin6_family = APR_INET6;
    batch.at[3]->to.sa.v6.sin6_addr.s6_addr[0] = 0xff;
    echo_step(echo, &batch, NOW);
    assert_int_equal(echoes_in(&batch), 0);
    assert_int_equal(counted(echo, COUNTER_DROPPED + VERDICT_NOT_UNICAST), 4);
}

/* The judges' answers have tests of their own; here it is shown that they are asked. */
static echo_t *echo_of_host(apr_pool_t *pool)
{
    apr_array_header_t *listeners = apr_array_make(pool, 1, sizeof(endpoint_t));
    apr_array_header_t *host = apr_array_make(pool, 1, sizeof(host_address_t));
    echo_policy_t *policy = apr_pcalloc(pool, sizeof *policy);

    APR_ARRAY_PUSH(listeners, endpoint_t) = ipv4(0, 7);
    APR_ARRAY_PUSH(host, host_address_t) =
        (host_address_t){.address = ipv4(OURS, 0), .broadcast.s_addr = htonl(OUR_BROADCAST)};
    policy->quota = echo_quota_create(0, pool);
    policy->own = own_addresses_create(listeners, host, pool);
    return echo_create(policy, NOW, pool);
}

static void check_sources(echo_t *echo, const endpoint_t *sources, unsigned count,
                          verdict_t verdict)
{
    batch_t batch = batch_of(count);

    for (unsigned i = 0; i < count; i++) {
        batch.at[i]->from = sources[i];
    }
    echo_step(echo, &batch, NOW);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(batch.at[i]->verdict, verdict);
    }
    if (verdict != VERDICT_ECHO) {
        assert_int_equal(counted(echo, COUNTER_DROPPED + verdict), count);
    }
}

static void a_broadcast_is_known_by_its_address_where_the_system_does_not_tell(void **state)
{
    echo_t *echo = echo_of_host(*state);
    batch_t batch = batch_of(2);

    batch.at[0]->to = ipv4(OUR_BROADCAST, 7);
    echo_step(echo, &batch, NOW);
    assert_int_equal(batch.at[0]->verdict, VERDICT_NOT_UNICAST);
    assert_int_equal(batch.at[1]->verdict, VERDICT_ECHO);
}

static void a_source_that_is_no_host_is_dropped(void **state)
{
    const endpoint_t sources[] = {
        ipv4(0, 9999),          ipv4(0xe0000001, 9999),    ipv4(0xff000001, 9999),
        ipv4(0xffffffff, 9999), ipv4(OUR_BROADCAST, 9999), ipv6(0, 0, 0, 9999),
        ipv6(0xff, 2, 1, 9999), mapped(0xe0000001, 9999),  mapped(OUR_BROADCAST, 9999),
    };

    check_sources(echo_of_host(*state), sources, sizeof sources / sizeof *sources,
                  VERDICT_SOURCE_INVALID);
}

static void a_source_that_is_a_listener_of_ours_is_dropped(void **state)
{
    const endpoint_t sources[] = {ipv4(OURS, 7), ipv4(LOOPBACK, 7), mapped(OURS, 7)};

    check_sources(echo_of_host(*state), sources, 3, VERDICT_SOURCE_SELF);
}

static void a_datagram_that_claims_to_come_from_where_it_went_is_dropped(void **state)
{
    const endpoint_t to_itself = ipv4(LOOPBACK, 7);

    check_sources(endless_echo(*state), &to_itself, 1, VERDICT_SOURCE_SELF);
}

static void source_ports_are_refused_or_throttled(void **state)
{
    apr_pool_t *pool = *state;
    echo_policy_t policy = {.quota = echo_quota_create(0, pool)};
    echo_t *echo = echo_create(&policy, NOW, pool);
    const endpoint_t refused[] = {ipv4(OURS, 0), ipv4(OURS, 7), ipv6(0, 0, 1, 7)};
    const endpoint_t throttled = ipv4(OURS, 1900);

    assert_null(source_ports_create(&policy.ports, "7", pool));
    check_sources(echo, refused, 3, VERDICT_SOURCE_PORT);
    for (int i = 0; i < THROTTLED_PER_SECOND; i++) {
        check_sources(echo, &throttled, 1, VERDICT_ECHO);
    }
    check_sources(echo, &throttled, 1, VERDICT_THROTTLED_PORT);
}

static void a_denied_source_is_dropped_and_uses_no_quota(void **state)
{
    apr_pool_t *pool = *state;
    echo_policy_t policy = {.quota = echo_quota_create(0, pool)};
    apr_array_header_t *rules = apr_array_make(pool, 1, sizeof(access_rule_t));
    access_rule_t deny = {.origin = "test"};
    endpoint_t denied[BATCH_MAX];
    const endpoint_t other = ipv4(OURS + 1, 1900);
    access_list_t *list;

    assert_null(cidr_parse(&deny.network, "10.0.0.1", pool));
    APR_ARRAY_PUSH(rules, access_rule_t) = deny;
    assert_null(access_list_create(&list, rules, 1, NULL, pool));
    assert_null(source_ports_create(&policy.ports, SOURCE_PORTS_DEFAULT, pool));
    policy.access = list;
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        denied[i] = ipv4(OURS, 1900);
    }
    echo_t *echo = echo_create(&policy, NOW, pool);

    check_sources(echo, denied, BATCH_MAX, VERDICT_ACCESS);
    check_sources(echo, &other, 1, VERDICT_ECHO);
}

static void clients_on_this_host_are_answered(void **state)
{
    const endpoint_t sources[] = {ipv4(LOOPBACK, 9999), ipv4(OURS, 9999), ipv6(0, 0, 1, 7)};

    check_sources(echo_of_host(*state), sources, 3, VERDICT_ECHO);
}

static void another_policy_holds_from_the_next_batch_on(void **state)
{
    apr_pool_t *pool = *state;
    echo_policy_t bare = {.quota = echo_quota_create(0, pool)};
    echo_t *echo = echo_of_host(pool);
    endpoint_t source = ipv4(OURS, 7);

    check_sources(echo, &source, 1, VERDICT_SOURCE_SELF);
    echo_apply(echo, &bare);
    assert_false(echo_reads(echo, &bare)); /* between batches it reads none */
    check_sources(echo, &source, 1, VERDICT_ECHO);
}

static void limits_of_another_policy_hold_from_the_next_batch_on(void **state)
{
    echo_policy_t wide = {.quota = echo_quota_create(0, *state)};
    echo_policy_t narrow = wide;
    echo_t *echo = echo_create(&wide, NOW, *state);
    batch_t batch = batch_of(2);

    narrow.datagrams = token_bucket_create(1, NOW, *state);
    echo_apply(echo, &narrow);
    echo_step(echo, &batch, NOW);
    assert_int_equal(batch.at[0]->verdict, VERDICT_ECHO);
    assert_int_equal(batch.at[1]->verdict, VERDICT_MAX_RATE);
    echo_apply(echo, &wide);
    echo_step(echo, &batch, NOW);
    assert_int_equal(batch.at[1]->verdict, VERDICT_ECHO);
}

static void a_loop_is_ended_if_there_is_a_key_to_detect_it_by(void **state)
{
    static const unsigned char key[] = "not a random key";
    echo_policy_t policy = {.quota = echo_quota_create(0, *state)};
    echo_t *without = echo_create(&policy, NOW, *state);

    policy.loop_key = key;
    echo_t *with = echo_create(&policy, NOW, *state);
    batch_t batch = batch_of(1);

    for (apr_time_t now = NOW; now < NOW + APR_USEC_PER_SEC; now += 100) {
        echo_step(without, &batch, now);
        assert_int_equal(batch.at[0]->verdict, VERDICT_ECHO);
    }
    for (apr_time_t now = NOW; batch.at[0]->verdict == VERDICT_ECHO; now += 100) {
        assert_true(now < NOW + APR_USEC_PER_SEC);
        echo_step(with, &batch, now);
    }
    assert_int_equal(batch.at[0]->verdict, VERDICT_LOOP);
    assert_int_equal(counted(with, COUNTER_DROPPED + VERDICT_LOOP), 1);
}

/* A limit of ten a second for each source, except in 192.0.2.0/24. */
static echo_policy_t rate_limited(apr_pool_t *pool)
{
    static const unsigned char key[] = "not a random key";
    apr_array_header_t *rules = apr_array_make(pool, 1, sizeof(access_rule_t));
    access_rule_t rule = {.allowed = 1};
    access_list_t *exempt;

    assert_null(cidr_parse(&rule.network, "192.0.2.0/24", pool));
    APR_ARRAY_PUSH(rules, access_rule_t) = rule;
    assert_null(access_list_create(&exempt, rules, 0, NULL, pool));
    return (echo_policy_t){.quota = echo_quota_create(0, pool),
                           .per_source = rate_limit_create(10, key, NOW, pool),
                           .exempt = exempt};
}

static void a_source_is_limited_unless_it_is_exempt(void **state)
{
    echo_policy_t policy = rate_limited(*state);
    echo_t *echo = echo_create(&policy, NOW, *state);
    batch_t batch = batch_of(BATCH_MAX);

    assert_null(echo_step(echo, &batch, NOW));
    assert_int_equal(echoes_in(&batch), BATCH_MAX);
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        batch.at[i]->from = ipv4(0xc6336401, 40000);
    }
    assert_int_equal(echo_step(echo, &batch, NOW)->verdict, VERDICT_RATE_LIMITED);
    assert_in_range(echoes_in(&batch), 10, 10 + BATCH_MAX / 8); /* some go before others */
    assert_int_equal(counted(echo, COUNTER_DROPPED + VERDICT_RATE_LIMITED),
                     BATCH_MAX - echoes_in(&batch));
}

static void a_dry_run_counts_and_drops_nothing(void **state)
{
    echo_policy_t policy = rate_limited(*state);
    echo_t *real = echo_create(&policy, NOW, *state);
    echo_policy_t dry_policy = rate_limited(*state);

    dry_policy.per_source_dry_run = 1;
    echo_t *dry = echo_create(&dry_policy, NOW, *state);
    batch_t batch = batch_of(BATCH_MAX);

    for (unsigned i = 0; i < BATCH_MAX; i++) {
        batch.at[i]->from = ipv4(0xc6336401, 40000);
    }
    echo_step(real, &batch, NOW);
    echo_step(dry, &batch, NOW);
    assert_int_equal(echoes_in(&batch), BATCH_MAX);
    assert_int_equal(counted(dry, COUNTER_DROPPED + VERDICT_RATE_LIMITED), 0);
    assert_int_equal(counted(dry, COUNTER_WOULD_RATE_LIMIT),
                     counted(real, COUNTER_DROPPED + VERDICT_RATE_LIMITED));
}

static void what_all_workers_may_send_is_limited(void **state)
{
    enum { COUNT = 64 };
    echo_policy_t policy = {.quota = echo_quota_create(0, *state),
                            .datagrams = token_bucket_create(100, NOW, *state),
                            .bytes = token_bucket_create(1000, NOW, *state)};
    echo_t *one = echo_create(&policy, NOW, *state);
    echo_t *other = echo_create(&policy, NOW, *state);
    batch_t batch = batch_of(COUNT);

    echo_step(one, &batch, NOW);
    assert_int_equal(echoes_in(&batch), COUNT);
    echo_step(other, &batch, NOW);
    assert_int_equal(echoes_in(&batch), 100 - COUNT);
    assert_int_equal(counted(other, COUNTER_DROPPED + VERDICT_MAX_RATE), 2 * COUNT - 100);

    /* A second later there are 100 datagrams again, but no more than 1,000 bytes. */
    for (unsigned i = 0; i < COUNT; i++) {
        batch.at[i]->length = 20;
        batch.at[i]->data = payload;
    }
    echo_step(one, &batch, NOW + APR_USEC_PER_SEC);
    assert_int_equal(echoes_in(&batch), 50);
    assert_int_equal(counted(one, COUNTER_DROPPED + VERDICT_MAX_BANDWIDTH), COUNT - 50);
}

static void every_datagram_ends_in_one_counter(void **state)
{
    echo_t *echo = endless_echo(*state);
    batch_t batch = batch_of(6);
    send_outcome_t outcome = {
        .sent = 2, .sent_bytes = 20, .failed[SEND_EAGAIN] = 1, .failed[SEND_OTHER] = 1};
    apr_uint64_t endings = 0;

    batch.at[1]->truncated = 1;
    batch.at[1]->broadcast = 1; /* two reasons, one counter */
    batch.at[4]->broadcast = 1;
    echo_step(echo, &batch, NOW);
    assert_int_equal(echoes_in(&batch), 4);
    echo_settle(echo, &outcome);
    for (unsigned i = COUNTER_DROPPED; i < COUNTER_KINDS; i++) {
        endings += counted(echo, i);
    }
    assert_int_equal(counted(echo, COUNTER_RECEIVED), 6);
    assert_int_equal(counted(echo, COUNTER_RECEIVED_BYTES), 60);
    assert_int_equal(counted(echo, COUNTER_ECHOED), 2);
    assert_int_equal(counted(echo, COUNTER_ECHOED_BYTES), 20);
    assert_int_equal(counted(echo, COUNTER_ECHOED) + endings, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_default_is_to_serve_without_limit),
        scene(an_empty_datagram_is_echoed),
        scene(a_truncated_datagram_is_dropped),
        scene(a_datagram_whose_arrival_is_not_all_told_is_dropped),
        scene(broadcast_and_multicast_are_dropped),
        scene(a_broadcast_is_known_by_its_address_where_the_system_does_not_tell),
        scene(a_source_that_is_no_host_is_dropped),
        scene(a_source_that_is_a_listener_of_ours_is_dropped),
        scene(a_datagram_that_claims_to_come_from_where_it_went_is_dropped),
        scene(source_ports_are_refused_or_throttled),
        scene(a_denied_source_is_dropped_and_uses_no_quota),
        scene(clients_on_this_host_are_answered),
        scene(another_policy_holds_from_the_next_batch_on),
        scene(limits_of_another_policy_hold_from_the_next_batch_on),
        scene(a_loop_is_ended_if_there_is_a_key_to_detect_it_by),
        scene(a_source_is_limited_unless_it_is_exempt),
        scene(a_dry_run_counts_and_drops_nothing),
        scene(what_all_workers_may_send_is_limited),
        scene(every_datagram_ends_in_one_counter),
    };

    return cmocka_run_group_tests_name("echo", tests, NULL, NULL);
}
