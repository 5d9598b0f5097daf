/* What replies come to each way, with clocks that are synchronised or apart by anything. */

#include "unit.h"

#include "client/core/directions.h"

#define EPOCH   APR_INT64_C(1800000000000000000) /* nanoseconds since 1970 */
#define MICRO   APR_INT64_C(1000)
#define YEAR    (APR_INT64_C(365) * 86400 * 1000000000)
#define PERIOD  (((apr_int64_t)1 << 32) * MICRO)
#define FORWARD 300 /* microseconds */
#define KEPT    20
#define BACK    200

/* Two hosts. */
typedef struct hosts {
    directions_t *directions;
    apr_int64_t apart;   /* the peer's clock is ahead by this, nanoseconds */
    apr_int64_t period;  /* of the peer's clock */
    apr_int64_t set;     /* this host's clock is set forward by this while a request is away */
    int is_synchronised; /* the peer's */
    apr_int64_t error;
    apr_uint32_t number, peer_number;
    unsigned flow;
    apr_int64_t now;
} hosts_t;

static hosts_t hosts_of(directions_options_t options, apr_pool_t *pool)
{
    options.flows = options.flows > 0 ? options.flows : 1;
    return (hosts_t){
        .directions = directions_create(&options, pool), .error = 5 * MICRO, .now = EPOCH};
}

static one_way_t exchange(hosts_t *hosts, apr_int64_t forward, apr_int64_t back)
{
    reflection_t reflection = {.number = hosts->number++,
                               .peer_number = hosts->peer_number++,
                               .is_intact = 1,
                               .t1 = hosts->now,
                               .t2 = hosts->now + forward * MICRO + hosts->apart,
                               .t3 = hosts->now + (forward + KEPT) * MICRO + hosts->apart,
                               .is_synchronised = hosts->is_synchronised,
                               .error = hosts->error,
                               .period = hosts->period};
    reply_t reply = {.reflection = &reflection,
                     .verdict = REPLY_ANSWER,
                     .flow = hosts->flow,
                     .has_sequence = 1,
                     .round_trip = forward + back,
                     .kept = KEPT};
    apr_int64_t t4 = hosts->now + (forward + KEPT + back) * MICRO + hosts->set;

    if (hosts->period > 0) {
        reflection.t2 = (reflection.t2 % hosts->period + hosts->period) % hosts->period;
        reflection.t3 = (reflection.t3 % hosts->period + hosts->period) % hosts->period;
    }
    hosts->now += 1000000 * MICRO;
    return directions_add(hosts->directions, &reply, t4, 60, 46 << 2);
}

static void nothing_comes_to_nothing(void **state)
{
    hosts_t hosts = hosts_of((directions_options_t){.is_shared = 1}, *state);
    directions_summary_t summary = directions_summary(hosts.directions);

    assert_false(summary.is_counted);
    assert_false(summary.is_true);
    assert_int_equal(summary.clocks, CLOCKS_UNTOLD);
    assert_int_equal(summary.kept_count, 0);
}

static void synchronised_clocks_tell_the_delays(void **state)
{
    hosts_t hosts = hosts_of((directions_options_t){.flows = 1}, *state);
    directions_summary_t summary;
    one_way_t one_way;

    hosts.is_synchronised = 1;
    directions_set_clock(hosts.directions, (own_clock_t){1, 7 * MICRO});
    one_way = exchange(&hosts, FORWARD, BACK);
    assert_true(one_way.is_true);
    assert_int_equal(one_way.forward, FORWARD);
    assert_int_equal(one_way.backward, BACK);
    exchange(&hosts, FORWARD + 100, BACK);
    summary = directions_summary(hosts.directions);
    assert_int_equal(summary.clocks, CLOCKS_SYNCHRONISED);
    assert_true(summary.is_true);
    assert_int_equal(summary.own_error, 7 * MICRO);
    assert_int_equal(summary.peer_error, 5 * MICRO);
    assert_int_equal(summary.forward.minimum, FORWARD);
    assert_int_equal(summary.forward.mean, FORWARD + 50);
    assert_int_equal(summary.forward.maximum, FORWARD + 100);
    assert_int_equal(summary.backward.maximum, BACK);
    assert_int_equal(summary.kept_mean, KEPT);
    assert_int_equal(histogram_between(summary.forward_histogram, FORWARD - 5, FORWARD + 5), 1);
    assert_int_equal(histogram_between(summary.backward_histogram, BACK - 5, BACK + 5), 2);
}

/* Delays are never told then, whichever clock it is. */
static void a_clock_that_is_not_synchronised_tells_no_delay(void **state)
{
    static const clocks_t expected[2][2] = {{CLOCKS_BOTH_UNKNOWN, CLOCKS_OWN_UNKNOWN},
                                            {CLOCKS_PEER_UNKNOWN, CLOCKS_SYNCHRONISED}};

    for (int own = 0; own <= 1; own++) {
        for (int peer = 0; peer <= 1; peer++) {
            hosts_t hosts = hosts_of((directions_options_t){.flows = 1}, *state);
            directions_summary_t summary;

            directions_set_clock(hosts.directions, (own_clock_t){own, 7 * MICRO});
            hosts.is_synchronised = peer;
            assert_int_equal(exchange(&hosts, FORWARD, BACK).is_true, own && peer);
            summary = directions_summary(hosts.directions);
            assert_int_equal(summary.clocks, expected[own][peer]);
            assert_int_equal(summary.is_true, own && peer);
            assert_false(summary.is_estimated);
        }
    }
}

static void each_reply_tells_how_much_longer_it_took(void **state)
{
    hosts_t hosts = hosts_of((directions_options_t){.flows = 2}, *state);

    hosts.apart = 40 * YEAR;
    exchange(&hosts, FORWARD, BACK + 30);
    one_way_t one_way = exchange(&hosts, FORWARD + 100, BACK);

    assert_int_equal(one_way.forward_above, 100);
    assert_int_equal(one_way.backward_above, 0);
    one_way = exchange(&hosts, FORWARD, BACK + 7);
    assert_int_equal(one_way.forward_above, 0);
    assert_int_equal(one_way.backward_above, 7);
    hosts.flow = 1; /* whose path may be longer */
    one_way = exchange(&hosts, FORWARD + 500, BACK + 500);
    assert_int_equal(one_way.forward_above, 0);
    assert_int_equal(one_way.backward_above, 0);
}

static void losses_are_told_before_the_summary(void **state)
{
    hosts_t hosts = hosts_of((directions_options_t){.flows = 1}, *state);
    loss_counts_t losses;

    assert_false(directions_losses(hosts.directions, &losses));
    exchange(&hosts, FORWARD, BACK);
    hosts.number += 3;
    hosts.peer_number += 1; /* of four, two were lost there, and the reply to one here */
    exchange(&hosts, FORWARD, BACK);
    assert_true(directions_losses(hosts.directions, &losses));
    assert_int_equal(losses.forward, 2);
    assert_int_equal(losses.backward, 1);
}

static void one_reply_without_synchronisation_is_enough(void **state)
{
    hosts_t hosts = hosts_of((directions_options_t){.flows = 1}, *state);

    directions_set_clock(hosts.directions, (own_clock_t){1, 0});
    hosts.is_synchronised = 1;
    exchange(&hosts, FORWARD, BACK);
    hosts.is_synchronised = 0;
    exchange(&hosts, FORWARD, BACK);
    hosts.is_synchronised = 1;
    exchange(&hosts, FORWARD, BACK);
    assert_false(directions_summary(hosts.directions).is_true);
}

static void clocks_that_say_so_and_differ_are_found_out(void **state)
{
    static const apr_int64_t apart[] = {-1000000000, 1000000000, 37 * APR_INT64_C(1000000000)};

    for (unsigned i = 0; i < 3; i++) {
        hosts_t hosts = hosts_of((directions_options_t){.flows = 1}, *state);
        directions_summary_t summary;

        directions_set_clock(hosts.directions, (own_clock_t){1, 7 * MICRO});
        hosts.is_synchronised = 1;
        hosts.apart = apart[i];
        exchange(&hosts, FORWARD, BACK);
        summary = directions_summary(hosts.directions);
        assert_int_equal(summary.clocks, CLOCKS_CONTRADICTORY);
        assert_false(summary.is_true);
    }
}

/* The largest that a reflector can say, as some always do: 17,000 years. */
static void an_error_may_be_larger_than_all_time(void **state)
{
    hosts_t hosts = hosts_of((directions_options_t){.flows = 1}, *state);

    directions_set_clock(hosts.directions, (own_clock_t){1, 7 * MICRO});
    hosts.is_synchronised = 1;
    hosts.error = APR_INT64_MAX;
    exchange(&hosts, FORWARD, BACK);
    assert_int_equal(directions_summary(hosts.directions).clocks, CLOCKS_SYNCHRONISED);
}

static void how_delays_vary_is_known_with_any_clocks(void **state)
{
    static const apr_int64_t apart[] = {0, 12345678, -40 * YEAR, 30 * YEAR};

    for (unsigned i = 0; i < 4; i++) {
        hosts_t hosts = hosts_of((directions_options_t){.flows = 1}, *state);
        directions_summary_t summary;

        hosts.apart = apart[i];
        for (unsigned j = 0; j < 100; j++) {
            exchange(&hosts, FORWARD + j, BACK + (j % 2) * 50);
        }
        summary = directions_summary(hosts.directions);
        assert_int_equal(summary.forward.maximum - summary.forward.minimum, 99);
        assert_in_range(summary.forward.p50 - summary.forward.minimum, 46, 52);
        assert_int_equal(summary.backward.maximum - summary.backward.minimum, 50);
        assert_int_equal(summary.backward.deviation, 25);
        assert_int_equal(histogram_between(summary.backward_histogram, 0, 5), 50);
    }
}

/* The clock of UDPEchoPlus, which wraps every 71 minutes. */
static void a_clock_that_begins_anew_changes_nothing(void **state)
{
    static const apr_int64_t before[] = {0, 310, 330, 5000000, 10500000};

    for (unsigned i = 0; i < 5; i++) {
        hosts_t hosts = hosts_of((directions_options_t){.is_shared = 1}, *state);
        directions_summary_t summary;

        hosts.period = PERIOD;
        hosts.apart = PERIOD - EPOCH % PERIOD - before[i] * MICRO;
        for (unsigned j = 0; j < 20; j++) {
            exchange(&hosts, FORWARD + j, BACK);
        }
        summary = directions_summary(hosts.directions);
        assert_int_equal(summary.forward.maximum - summary.forward.minimum, 19);
        assert_int_equal(summary.backward.maximum - summary.backward.minimum, 0);
        assert_false(summary.is_true);
    }
}

/* A flow that is first answered when the peer's clock has begun anew. */
static void a_clock_that_begins_anew_does_so_for_all_flows(void **state)
{
    hosts_t hosts = hosts_of((directions_options_t){.flows = 2, .is_shared = 1}, *state);

    hosts.period = PERIOD;
    hosts.apart = PERIOD - EPOCH % PERIOD - 5000000 * MICRO;
    for (unsigned i = 0; i < 10; i++) {
        exchange(&hosts, FORWARD, BACK);
    }
    hosts.flow = 1;
    exchange(&hosts, FORWARD + 7, BACK);
    directions_summary_t summary = directions_summary(hosts.directions);

    assert_int_equal(summary.forward.maximum - summary.forward.minimum, 7);
    assert_int_equal(summary.backward.maximum - summary.backward.minimum, 0);
}

static void the_minimum_is_an_estimate_if_it_is_asked_for(void **state)
{
    hosts_t hosts = hosts_of((directions_options_t){.offset = OFFSET_MINIMUM}, *state);
    directions_summary_t summary;

    hosts.apart = 777 * MICRO;
    exchange(&hosts, 250, 250);
    exchange(&hosts, 350, 250);
    exchange(&hosts, 250, 450);
    summary = directions_summary(hosts.directions);
    assert_false(summary.is_true);
    assert_true(summary.is_estimated);
    assert_int_equal(summary.offset, 777);
    assert_int_equal(summary.forward.minimum, 250);
    assert_int_equal(summary.forward.maximum, 350);
    assert_int_equal(summary.backward.minimum, 250);
    assert_int_equal(summary.backward.maximum, 450);
}

static void what_is_known_is_not_estimated(void **state)
{
    hosts_t hosts = hosts_of((directions_options_t){.offset = OFFSET_MINIMUM}, *state);
    directions_summary_t summary;

    directions_set_clock(hosts.directions, (own_clock_t){1, 0});
    hosts.is_synchronised = 1;
    exchange(&hosts, FORWARD, BACK);
    summary = directions_summary(hosts.directions);
    assert_true(summary.is_true);
    assert_false(summary.is_estimated);
    assert_int_equal(summary.forward.minimum, FORWARD);
}

static void a_clock_that_is_set_meanwhile_tells_no_delay(void **state)
{
    hosts_t hosts = hosts_of((directions_options_t){.flows = 1}, *state);
    directions_summary_t summary;

    exchange(&hosts, FORWARD, BACK);
    hosts.set = 1000000000;
    assert_false(exchange(&hosts, FORWARD, BACK).has_delays);
    hosts.set = -50 * 1000000;
    assert_false(exchange(&hosts, FORWARD, BACK).has_delays);
    hosts.set = 0;
    exchange(&hosts, FORWARD, BACK);
    summary = directions_summary(hosts.directions);
    assert_int_equal(summary.forward.count, 2);
    assert_int_equal(summary.kept_count, 4);
    assert_int_equal(summary.forward.maximum, summary.forward.minimum);
}

static void a_peer_counts_if_anything_shows_it(void **state)
{
    hosts_t echo_plus = hosts_of((directions_options_t){.is_shared = 1}, *state);
    hosts_t told = hosts_of((directions_options_t){.counting = COUNTING_SESSION}, *state);
    hosts_t shown = hosts_of((directions_options_t){.flows = 1}, *state);
    hosts_t denied = hosts_of((directions_options_t){.counting = COUNTING_NONE}, *state);

    exchange(&echo_plus, FORWARD, BACK);
    assert_true(directions_summary(echo_plus.directions).is_counted);
    exchange(&told, FORWARD, BACK);
    assert_true(directions_summary(told.directions).is_counted);
    exchange(&shown, FORWARD, BACK);
    assert_false(directions_summary(shown.directions).is_counted);
    shown.number++; /* which was lost on its way there */
    exchange(&shown, FORWARD, BACK);
    assert_true(directions_summary(shown.directions).is_counted);
    assert_int_equal(directions_summary(shown.directions).losses.forward, 1);
    exchange(&denied, FORWARD, BACK);
    denied.number++;
    exchange(&denied, FORWARD, BACK);
    assert_false(directions_summary(denied.directions).is_counted);
    assert_int_equal(directions_flow_losses(shown.directions, 0).forward, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(nothing_comes_to_nothing),
        scene(synchronised_clocks_tell_the_delays),
        scene(a_clock_that_is_not_synchronised_tells_no_delay),
        scene(each_reply_tells_how_much_longer_it_took),
        scene(losses_are_told_before_the_summary),
        scene(one_reply_without_synchronisation_is_enough),
        scene(clocks_that_say_so_and_differ_are_found_out),
        scene(an_error_may_be_larger_than_all_time),
        scene(how_delays_vary_is_known_with_any_clocks),
        scene(a_clock_that_begins_anew_changes_nothing),
        scene(a_clock_that_begins_anew_does_so_for_all_flows),
        scene(the_minimum_is_an_estimate_if_it_is_asked_for),
        scene(what_is_known_is_not_estimated),
        scene(a_clock_that_is_set_meanwhile_tells_no_delay),
        scene(a_peer_counts_if_anything_shows_it),
    };

    return cmocka_run_group_tests_name("directions", tests, NULL, NULL);
}
