/* Mean, deviation, jitter and quantiles of round trips, and of those of several flows together. */

#include "unit.h"

#include "client/core/round_trips.h"

static void add_all(round_trips_t *trips, const apr_interval_time_t *values, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        round_trips_add(trips, values[i]);
    }
}

static void none_have_nothing_in_common(void **state)
{
    round_trips_t none = {0};
    round_trips_t also_none = {0};

    (void)state;
    round_trips_merge(&none, &also_none);
    assert_int_equal(none.count, 0);
    assert_int_equal(round_trips_mean(&none), 0);
    assert_int_equal(round_trips_deviation(&none), 0);
    assert_int_equal(round_trips_jitter(&none), 0);
    assert_int_equal(round_trips_quantile(&none, 0.5), 0);
}

static void one_is_all_of_them_and_deviates_from_nothing(void **state)
{
    round_trips_t trips = {0};

    (void)state;
    round_trips_add(&trips, 1234567);
    assert_int_equal(trips.minimum, 1234567);
    assert_int_equal(trips.maximum, 1234567);
    assert_int_equal(trips.sum, 1234567);
    assert_int_equal(round_trips_mean(&trips), 1234567);
    assert_int_equal(round_trips_deviation(&trips), 0);
    assert_int_equal(round_trips_jitter(&trips), 0);
    assert_int_equal(round_trips_quantile(&trips, 0.5), 1234567); /* not the bucket's middle */
}

static void results_are_rounded_to_the_nearest_microsecond(void **state)
{
    static const apr_interval_time_t values[] = {2, 4, 4, 4, 5, 5, 7, 9, 9};
    round_trips_t trips = {0};

    (void)state;
    add_all(&trips, values, 8);
    assert_int_equal(round_trips_mean(&trips), 5);
    assert_int_equal(round_trips_deviation(&trips), 2);
    add_all(&trips, values + 8, 1);
    assert_int_equal(round_trips_mean(&trips), 5);      /* 5.44 */
    assert_int_equal(round_trips_deviation(&trips), 2); /* 2.27 */
    round_trips_add(&trips, 9);
    assert_int_equal(round_trips_mean(&trips), 6); /* 5.8 */
}

static void jitter_follows_the_differences_by_a_sixteenth(void **state)
{
    static const apr_interval_time_t values[] = {1000, 1160, 1000};
    round_trips_t trips = {0};

    (void)state;
    add_all(&trips, values, 2);
    assert_int_equal(round_trips_jitter(&trips), 10);
    add_all(&trips, values + 2, 1);
    assert_int_equal(round_trips_jitter(&trips), 19); /* 10 + (160 - 10) / 16 */
    for (unsigned i = 0; i < 1000; i++) {
        round_trips_add(&trips, values[i % 2]);
    }
    assert_int_equal(round_trips_jitter(&trips), 160);
}

/* An hour's round trips that differ by two microseconds: their squares need 64 bits each, and a
 * double has 53 for the sum of ten million. */
static void long_round_trips_that_are_much_alike_keep_their_deviation(void **state)
{
    apr_interval_time_t hour = apr_time_from_sec(3600);
    round_trips_t trips = {0};

    (void)state;
    for (unsigned i = 0; i < 10000000; i++) {
        round_trips_add(&trips, hour + (i % 2 ? 2 : -2));
    }
    assert_int_equal(round_trips_mean(&trips), hour);
    assert_int_equal(round_trips_deviation(&trips), 2);
}

static void merged_flows_are_as_if_all_had_been_one_but_for_the_jitter(void **state)
{
    round_trips_t flows[3] = {{0}};
    round_trips_t merged = {0};
    round_trips_t all = {0};

    (void)state;
    for (unsigned i = 0; i < 9000; i++) {
        apr_interval_time_t round_trip = 100000 * (1 + i % 3) + i * i % 1009;

        round_trips_add(&flows[i % 3], round_trip);
        round_trips_add(&all, round_trip);
    }
    for (unsigned i = 0; i < 3; i++) {
        round_trips_merge(&merged, &flows[i]);
    }
    assert_int_equal(merged.count, all.count);
    assert_int_equal(merged.sum, all.sum);
    assert_int_equal(merged.minimum, all.minimum);
    assert_int_equal(merged.maximum, all.maximum);
    assert_int_equal(round_trips_mean(&merged), round_trips_mean(&all));
    assert_int_equal(round_trips_deviation(&merged), round_trips_deviation(&all));
    assert_memory_equal(&merged.histogram, &all.histogram, sizeof all.histogram);
    assert_true(round_trips_jitter(&merged) < 1000);
    assert_true(round_trips_jitter(&all) > 100000);
}

static void the_jitter_of_merged_flows_is_their_mean_by_count(void **state)
{
    round_trips_t steady = {0};
    round_trips_t unsteady = {0};
    round_trips_t merged = {0};

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        round_trips_add(&steady, 500);
        if (i % 3 == 0) {
            round_trips_add(&unsteady, i % 2 ? 100 : 500);
        }
    }
    assert_int_equal(round_trips_jitter(&steady), 0);
    assert_int_equal(round_trips_jitter(&unsteady), 400);
    round_trips_merge(&merged, &unsteady);
    round_trips_merge(&merged, &steady);
    assert_int_equal(round_trips_jitter(&merged), 100);
}

static void no_quantile_lies_outside_of_what_there_was(void **state)
{
    static const apr_interval_time_t values[] = {1000000, 1000001, 1000002};
    round_trips_t high_in_its_bucket = {0};
    round_trips_t trips = {0};

    (void)state;
    round_trips_add(&high_in_its_bucket, 999423);
    assert_int_equal(round_trips_quantile(&high_in_its_bucket, 0.5), 999423);
    add_all(&trips, values, 3);
    assert_in_range(round_trips_quantile(&trips, 0), 1000000, 1000002);
    assert_in_range(round_trips_quantile(&trips, 0.5), 1000000, 1000002);
    assert_in_range(round_trips_quantile(&trips, 1), 1000000, 1000002);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(none_have_nothing_in_common),
        scene(one_is_all_of_them_and_deviates_from_nothing),
        scene(results_are_rounded_to_the_nearest_microsecond),
        scene(jitter_follows_the_differences_by_a_sixteenth),
        scene(long_round_trips_that_are_much_alike_keep_their_deviation),
        scene(merged_flows_are_as_if_all_had_been_one_but_for_the_jitter),
        scene(the_jitter_of_merged_flows_is_their_mean_by_count),
        scene(no_quantile_lies_outside_of_what_there_was),
    };

    return cmocka_run_group_tests_name("round_trips", tests, NULL, NULL);
}
