#include "unit.h"

#include <apr_thread_proc.h>

#include "core/rate_limit.h"
#include "random.h"

#define START  apr_time_from_sec(1000)
#define SECOND APR_USEC_PER_SEC

static const unsigned char key[] = "not a random key";

static endpoint_t ipv4(apr_uint32_t address)
{
    endpoint_t endpoint = {.length = sizeof endpoint.sa.v4};

    endpoint.sa.v4.sin_family = APR_INET;
    endpoint.sa.v4.sin_addr.s_addr = htonl(address);
    return endpoint;
}

/* In 2001:db8::/32; `bits` are those from the 33rd to the 64th. */
static endpoint_t ipv6(apr_uint32_t bits, apr_uint64_t interface_id)
{
    static const unsigned char prefix[] = {0x20, 0x01, 0x0d, 0xb8};
    endpoint_t endpoint = {.length = sizeof endpoint.sa.v6};
    unsigned char *address = endpoint.sa.v6.sin6_addr.s6_addr;

    endpoint.sa.v6.sin6_family = APR_INET6;
    memcpy(address, prefix, sizeof prefix);
    for (unsigned i = 0; i < 4; i++) {
        address[4 + i] = (unsigned char)(bits >> (24 - 8 * i));
    }
    for (unsigned i = 0; i < 8; i++) {
        address[8 + i] = (unsigned char)(interface_id >> (56 - 8 * i));
    }
    return endpoint;
}

/* How many of `count` datagrams, evenly spread over `duration`, are admitted. */
static unsigned admitted(rate_limit_t *limit, endpoint_t from, unsigned count, apr_time_t start,
                         apr_interval_time_t duration)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < count; i++) {
        sum += rate_limit_admits(limit, &from, start + duration * i / count) != 0;
    }
    return sum;
}

static void a_source_within_its_limit_loses_nothing(void **state)
{
    rate_limit_t *limit = rate_limit_create(100, key, START, *state);

    for (int second = 0; second < 100; second++) {
        /* All at once, then evenly: both are a hundred in a second. */
        apr_interval_time_t duration = second % 2 * SECOND;

        assert_int_equal(
            admitted(limit, ipv4(0xc0000201), 100, START + 2 * second * SECOND, duration), 100);
    }
}

static void a_source_above_its_limit_is_served_up_to_it(void **state)
{
    rate_limit_t *limit = rate_limit_create(100, key, START, *state);
    unsigned sum = admitted(limit, ipv4(0xc0000201), 1000000, START, 100 * SECOND);

    /* A second's worth to begin with, another one for the few that go first, whose cost is random.
     */
    assert_in_range(sum, 10000, 10000 + 2 * 100 + 300);
    assert_int_equal(admitted(limit, ipv4(0xc0a80001), 100, START + 100 * SECOND, 0), 100);
}

/* What `hosts` sources get in ten seconds that ask for twice their limit of 100 a second. */
static unsigned served(endpoint_t (*host)(unsigned), unsigned hosts, apr_pool_t *pool)
{
    rate_limit_t *limit = rate_limit_create(100, key, START, pool);
    unsigned sum = 0;

    for (unsigned i = 0; i < 10 * 2 * 100 * hosts; i++) {
        endpoint_t from = host(i % hosts);

        sum += rate_limit_admits(limit, &from, START + i * SECOND / (2 * 100 * hosts)) != 0;
    }
    return sum;
}

static endpoint_t host_of_24(unsigned i)
{
    return ipv4(0xc6336400 + i % 256);
}

static endpoint_t host_of_20(unsigned i)
{
    return ipv4(0xc6336000 + i * 251 % 4096);
}

static endpoint_t host_of_64(unsigned i)
{
    return ipv6(0x00010001, i);
}

static endpoint_t host_of_56(unsigned i)
{
    return ipv6(0x00010000 + i % 256, i);
}

static endpoint_t host_of_48(unsigned i)
{
    return ipv6(0x00010000 + i * 251 % 65536, i);
}

static void networks_have_limits_in_proportion(void **state)
{
    static const struct {
        endpoint_t (*host)(unsigned);
        unsigned hosts;
        unsigned times;
    } networks[] = {{host_of_24, 200, 32},
                    {host_of_20, 1000, 256},
                    {host_of_64, 40, 4},
                    {host_of_56, 60, 16},
                    {host_of_48, 200, 64}};

    for (unsigned i = 0; i < sizeof networks / sizeof networks[0]; i++) {
        unsigned fair = 10 * 100 * networks[i].times;

        /* The limit allows 10 seconds' worth, one at the start, and one for the first sources. */
        assert_in_range(served(networks[i].host, networks[i].hosts, *state), fair,
                        fair + 2 * fair / 10 + fair / 100);
    }
}

/* However long it was away. At the highest limit the time that buckets are kept in runs over within
 * these two hours. */
static void a_source_that_comes_back_is_never_limited(void **state)
{
    rate_limit_t *limit = rate_limit_create(RATE_LIMIT_MAX, key, START, *state);
    apr_time_t now = START;

    for (apr_interval_time_t away = 2 * SECOND; away < 7200 * SECOND; away += SECOND / 2) {
        endpoint_t from = ipv4(0xc0000201);

        now += away;
        assert_true(rate_limit_admits(limit, &from, now));
    }
}

static void a_time_before_the_limit_is_its_start(void **state)
{
    rate_limit_t *limit = rate_limit_create(10, key, START, *state);

    assert_int_equal(admitted(limit, ipv4(0xc0000201), 10, START - 5, 0), 10);
    assert_int_equal(admitted(limit, ipv4(0xc0000201), 10, START + SECOND, 0), 10);
}

static void millions_of_forged_sources_cost_a_modest_one_nothing(void **state)
{
    rate_limit_t *limit = rate_limit_create(100, key, START, *state);
    endpoint_t modest = ipv4(0xc0000201);
    apr_uint64_t randomness = 1;
    unsigned count = is_under_qemu() ? 1000000 : 16000000; /* which takes minutes there */
    unsigned lost = 0;
    unsigned forged_lost = 0;

    /* A million a second; the modest source sends one in ten thousand, as much as it may. */
    for (unsigned i = 0; i < count; i++) {
        apr_time_t now = START + i;
        endpoint_t forged = ipv4(next_random(&randomness));

        forged_lost += !rate_limit_admits(limit, &forged, now);
        lost += i % 10000 == 0 && !rate_limit_admits(limit, &modest, now);
    }
    assert_int_equal(lost, 0);
    assert_int_equal(forged_lost, 0); /* none of them sent more than a few */
}

static void forged_sources_do_not_make_it_forget_a_greedy_one(void **state)
{
    rate_limit_t *limit = rate_limit_create(10, key, START, *state);
    endpoint_t greedy = ipv4(0xc0000201);
    apr_uint64_t randomness = 1;
    unsigned sum = 0;

    /* Enough sources that they occupy all buckets and displace each other. */
    for (unsigned i = 0; i < 4000000; i++) {
        apr_time_t now = START + i;
        endpoint_t forged = ipv4(next_random(&randomness));

        rate_limit_admits(limit, &forged, now);
        sum += i % 1000 == 0 && rate_limit_admits(limit, &greedy, now);
    }
    assert_in_range(sum, 40, 40 + 2 * 10 + 10);
}

static void a_sender_that_forges_an_address_does_not_silence_it(void **state)
{
    rate_limit_t *limit = rate_limit_create(10, key, START, *state);
    endpoint_t victim = ipv4(0xc0000201);
    unsigned seconds = is_under_qemu() ? 1000 : 10000;
    unsigned answered = 0;

    /* Forged datagrams at a hundred times the limit, and the victim's, one a second, always at the
     * same time after a token has become free and has been taken. */
    for (apr_time_t now = START; now < START + seconds * SECOND; now += SECOND / 1000) {
        rate_limit_admits(limit, &victim, now);
        if ((now - START) % SECOND == 50000) {
            answered += rate_limit_admits(limit, &victim, now + 500) != 0;
        }
    }
    /* One in a hundred, as anybody's. */
    assert_in_range(answered, seconds / 200, seconds / 50);
}

static void a_source_that_was_silent_for_long_finds_a_full_bucket(void **state)
{
    rate_limit_t *limit = rate_limit_create(RATE_LIMIT_MAX, key, START, *state);
    apr_time_t now = START;

    for (apr_interval_time_t pause = 3 * SECOND; pause < 4000000 * SECOND; pause += pause / 2) {
        now += pause;
        assert_int_equal(admitted(limit, ipv4(0xc0000201), 1000, now, 0), 1000);
    }
}

/* ---- Several workers ---- */

#define THREADS 4
#define EACH    20000

static rate_limit_t *shared;
static unsigned admitted_by[THREADS];

static void *APR_THREAD_FUNC ask(apr_thread_t *thread, void *data)
{
    (void)thread;
    *(unsigned *)data = admitted(shared, ipv4(0xc0000201), EACH, START, 0);
    return NULL;
}

static void workers_share_one_limit(void **state)
{
    apr_thread_t *threads[THREADS];
    unsigned sum = 0;

    shared = rate_limit_create(10000, key, START, *state);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(apr_thread_create(&threads[i], NULL, ask, &admitted_by[i], *state),
                         APR_SUCCESS);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        apr_status_t status;

        apr_thread_join(&status, threads[i]);
        sum += admitted_by[i];
    }
    /* The limit, and a sixteenth of those above it. */
    assert_in_range(sum, 10000, 10000 + (THREADS * EACH - 10000) / 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_source_within_its_limit_loses_nothing),
        scene(a_source_above_its_limit_is_served_up_to_it),
        scene(networks_have_limits_in_proportion),
        scene(a_source_that_comes_back_is_never_limited),
        scene(a_time_before_the_limit_is_its_start),
        scene(millions_of_forged_sources_cost_a_modest_one_nothing),
        scene(forged_sources_do_not_make_it_forget_a_greedy_one),
        scene(a_sender_that_forges_an_address_does_not_silence_it),
        scene(a_source_that_was_silent_for_long_finds_a_full_bucket),
        scene(workers_share_one_limit),
    };

    return cmocka_run_group_tests_name("rate_limit", tests, NULL, NULL);
}
