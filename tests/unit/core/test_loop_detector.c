/* The detector against loops of servers that all have one, and against clients. Times are those of
 * the test; no datagram is sent. */

#include "unit.h"

#include "core/loop_detector.h"
#include "endpoints.h"

#define START  apr_time_from_sec(1000)
#define SECOND APR_USEC_PER_SEC

static const unsigned char key[] = "not a random key";

static datagram_t datagram_from(unsigned port, const void *data, apr_size_t length)
{
    return (datagram_t){.from = ipv4(0xc0000201, (apr_port_t)port),
                        .data = (unsigned char *)data,
                        .length = length};
}

/* ---- Loops ---- */

#define SERVERS_MAX 5

/* Lets `copies` of one datagram go round `servers`, of which `guarded` have a detector, each hop in
 * `hop_us`. Returns how many datagrams were sent until the last was dropped, and sets `end` to that
 * time; 0 if they live after ten seconds. */
static unsigned run_ring(unsigned servers, unsigned guarded, unsigned copies,
                         apr_interval_time_t hop_us, apr_time_t *end, apr_pool_t *pool)
{
    loop_detector_t *detectors[SERVERS_MAX];
    datagram_t datagram = datagram_from(40007, "forged", 6);
    unsigned sent = copies;

    for (unsigned i = 0; i < guarded; i++) {
        detectors[i] = loop_detector_create(key, pool);
    }
    *end = START;
    for (unsigned hop = 0; *end < START + 10 * SECOND; hop++, *end += hop_us) {
        unsigned here = hop % servers;
        unsigned answered = 0;

        for (unsigned i = 0; i < copies; i++) {
            answered +=
                here >= guarded || loop_detector_passes(detectors[here], &datagram, *end) != 0;
        }
        copies = answered;
        sent += answered;
        if (copies == 0) {
            return sent;
        }
    }
    return 0;
}

static void every_fast_loop_is_dead_in_a_second(void **state)
{
    static const apr_interval_time_t hops_us[] = {10, 30, 70, 150};

    for (unsigned servers = 2; servers <= SERVERS_MAX; servers++) {
        for (unsigned i = 0; i < sizeof hops_us / sizeof hops_us[0]; i++) {
            apr_time_t end;
            unsigned sent = run_ring(servers, servers, 1, hops_us[i], &end, *state);

            print_message("%u servers, %d us a hop: dead after %u datagrams, %d us\n", servers,
                          (int)hops_us[i], sent, (int)(end - START));
            assert_int_not_equal(sent, 0);
            assert_in_range(end - START, 0, SECOND);
        }
    }
}

static void one_guarded_server_ends_the_loop(void **state)
{
    apr_time_t end;

    assert_int_not_equal(run_ring(2, 1, 1, 30, &end, *state), 0);
    assert_int_not_equal(run_ring(5, 1, 1, 30, &end, *state), 0);
}

static void a_loop_of_many_copies_dies_as_well(void **state)
{
    apr_time_t end;

    assert_int_not_equal(run_ring(2, 2, 1000, 30, &end, *state), 0);
    assert_in_range(end - START, 0, LOOP_WATCH_US + 10000);
}

static void a_loop_that_is_set_off_again_dies_again(void **state)
{
    loop_detector_t *detector = loop_detector_create(key, *state);
    datagram_t datagram = datagram_from(40007, "forged", 6);
    apr_time_t now = START;

    for (unsigned times = 0; times < 10; times++) {
        apr_time_t start = now;

        while (loop_detector_passes(detector, &datagram, now)) {
            now += 50;
        }
        assert_in_range(now - start, LOOP_WATCH_US, LOOP_WATCH_US + 1000);
        now += SECOND / 2;
    }
}

/* As many as fit into a receive buffer. */
#define COPIES_MAX 300

static void a_loop_that_is_duplicated_dies_where_suspects_are_not(void **state)
{
    loop_detector_t *detector = loop_detector_create(key, *state);
    datagram_t datagram = datagram_from(40007, "forged", 6);
    unsigned copies = 1;
    int has_filled_the_buffer = 0;
    apr_time_t now = START;

    for (; copies > 0 && now < START + 10 * SECOND; now += 2000) {
        unsigned sent = 0;

        for (unsigned i = 0; i < copies; i++) {
            int passes = loop_detector_passes(detector, &datagram, now);

            sent += passes == LOOP_SUSPECTED ? 1 : passes ? 2 : 0;
        }
        copies = sent < COPIES_MAX ? sent : COPIES_MAX;
        has_filled_the_buffer |= sent >= COPIES_MAX;
    }
    assert_int_equal(copies, 0);
    assert_true(has_filled_the_buffer);
}

static void a_slow_loop_lives(void **state)
{
    apr_time_t end;

    assert_int_equal(run_ring(2, 2, 1, 600, &end, *state), 0);
}

/* ---- Clients ---- */

/* How many of the datagrams are dropped that a client sends for `duration` without waiting for
 * answers: `burst` at a time, `gap_us` from one to the next, `rate` in a second in all. */
static unsigned dropped(unsigned rate, unsigned burst, apr_interval_time_t gap_us,
                        apr_interval_time_t duration, apr_pool_t *pool)
{
    loop_detector_t *detector = loop_detector_create(key, pool);
    datagram_t datagram = datagram_from(50000, "constant", 8);
    unsigned sum = 0;

    for (apr_interval_time_t time = 0; time < duration; time += SECOND / rate * burst) {
        for (unsigned i = 0; i < burst; i++) {
            sum += !loop_detector_passes(detector, &datagram, START + time + i * gap_us);
        }
    }
    return sum;
}

static void a_client_that_repeats_its_payload_up_to_the_bound_loses_nothing(void **state)
{
    static const unsigned rates[] = {1, 10, 100, 500, LOOP_RATE};

    for (unsigned i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        assert_int_equal(dropped(rates[i], 1, 0, 60 * SECOND, *state), 0);
    }
}

/* It sends what it is behind with as fast as it can, after a time in which it did not get to run;
 * each datagram is received on its own. */
static void a_client_that_was_held_up_loses_nothing(void **state)
{
    loop_detector_t *detector = loop_detector_create(key, *state);
    datagram_t datagram = datagram_from(50000, "constant", 8);
    apr_time_t now = START;

    for (unsigned i = 0; i < 60 * 900; i++) {
        apr_time_t due = START + i * SECOND / 900;

        now += 10;
        if (due > now) {
            now = due + (i % 700 == 0 ? i % 6 * SECOND / 10 : 0);
        }
        assert_true(loop_detector_passes(detector, &datagram, now));
    }
}

static void a_burst_of_one_payload_is_no_loop(void **state)
{
    /* Ten thousand as fast as a client can, each received on its own. */
    assert_int_equal(dropped(1, 10000, 3, SECOND, *state), 0);
    /* The same every second for a minute: 600,000 in all. */
    assert_int_equal(dropped(10000, 10000, 3, 60 * SECOND, *state), 0);
}

/* It is thinned once a minute: a sixteenth of two seconds is less than half a percent of that. */
static void a_client_that_floods_one_payload_loses_little(void **state)
{
    static const unsigned rates[] = {1100, 5000, 20000, 100000};
    static const unsigned bursts_per_second[] = {20, 100};

    for (unsigned i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        unsigned bound = 66 * rates[i] / 200;

        assert_in_range(dropped(rates[i], 1, 0, 66 * SECOND, *state), 1, bound);
        for (unsigned j = 0; j < sizeof bursts_per_second / sizeof bursts_per_second[0]; j++) {
            unsigned burst = rates[i] / bursts_per_second[j];

            assert_in_range(dropped(rates[i], burst, 0, 66 * SECOND, *state), 1, bound);
            assert_in_range(dropped(rates[i], burst, 3, 66 * SECOND, *state), 1, bound);
        }
    }
}

/* Its gaps are anything up to twice their mean. */
static void an_uneven_flood_of_one_payload_loses_little(void **state)
{
    loop_detector_t *detector = loop_detector_create(key, *state);
    datagram_t datagram = datagram_from(50000, "constant", 8);
    apr_uint32_t randomness = 1;
    unsigned sum = 0;

    for (apr_time_t now = START; now < START + 66 * SECOND; now += (randomness >> 16) % 1600) {
        randomness = randomness * 1664525 + 1013904223;
        sum += !loop_detector_passes(detector, &datagram, now);
    }
    assert_in_range(sum, 1, 66 * 1250 / 200);
}

static void a_client_that_numbers_its_datagrams_is_never_taken_for_a_loop(void **state)
{
    loop_detector_t *detector = loop_detector_create(key, *state);
    unsigned char head[64] = {0};
    unsigned char tail[64] = {0};
    apr_time_t now = START;

    for (unsigned number = 0; number < 1000000; number++) {
        memcpy(head, &number, sizeof number);
        memcpy(tail + sizeof tail - sizeof number, &number, sizeof number);
        datagram_t numbered_in_front = datagram_from(50000, head, sizeof head);
        datagram_t numbered_at_the_end = datagram_from(50001, tail, sizeof tail);
        datagram_t numbered_only = datagram_from(50002, &number, sizeof number);

        assert_true(loop_detector_passes(detector, &numbered_in_front, now));
        assert_true(loop_detector_passes(detector, &numbered_at_the_end, now));
        assert_true(loop_detector_passes(detector, &numbered_only, now++));
    }
}

static void clients_with_one_payload_are_told_apart(void **state)
{
    loop_detector_t *detector = loop_detector_create(key, *state);
    apr_time_t now = START;

    /* Each sends 500 a second, all together 100,000. */
    for (unsigned i = 0; i < 1000000; i++) {
        datagram_t datagram = datagram_from(50000 + i % 200, "constant", 8);

        assert_true(loop_detector_passes(detector, &datagram, now));
        now += 10;
    }
}

static void an_empty_datagram_has_a_stream_too(void **state)
{
    loop_detector_t *detector = loop_detector_create(key, *state);
    datagram_t datagram = datagram_from(40007, NULL, 0);
    apr_time_t now = START;

    while (loop_detector_passes(detector, &datagram, now)) {
        now += 50;
    }
    assert_in_range(now - START, LOOP_WATCH_US, LOOP_WATCH_US + 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(every_fast_loop_is_dead_in_a_second),
        scene(one_guarded_server_ends_the_loop),
        scene(a_loop_of_many_copies_dies_as_well),
        scene(a_loop_that_is_set_off_again_dies_again),
        scene(a_loop_that_is_duplicated_dies_where_suspects_are_not),
        scene(a_slow_loop_lives),
        scene(a_client_that_repeats_its_payload_up_to_the_bound_loses_nothing),
        scene(a_client_that_was_held_up_loses_nothing),
        scene(a_burst_of_one_payload_is_no_loop),
        scene(a_client_that_floods_one_payload_loses_little),
        scene(an_uneven_flood_of_one_payload_loses_little),
        scene(a_client_that_numbers_its_datagrams_is_never_taken_for_a_loop),
        scene(clients_with_one_payload_are_told_apart),
        scene(an_empty_datagram_has_a_stream_too),
    };

    return cmocka_run_group_tests_name("loop_detector", tests, NULL, NULL);
}
