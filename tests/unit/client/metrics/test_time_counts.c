#include "unit.h"

#include "client/metrics/time_counts.h"

static apr_uint64_t total(const time_counts_t *times)
{
    apr_uint64_t sum = 0;

    for (unsigned i = 0; i <= TIME_BOUNDS; i++) {
        sum += times->counts[i];
    }
    return sum;
}

static void the_bounds_are_powers_of_two_and_half_as_much_more(void **state)
{
    (void)state;
    assert_int_equal(time_bounds_us[0], 64);
    for (unsigned i = 0; i + 2 < TIME_BOUNDS; i++) {
        assert_int_equal(time_bounds_us[i + 2], 2 * time_bounds_us[i]);
        assert_true(time_bounds_us[i + 1] > time_bounds_us[i]);
    }
    assert_int_equal(time_bounds_us[TIME_BOUNDS - 1], 8388608);
}

static void a_time_is_counted_below_the_first_bound_that_it_does_not_reach(void **state)
{
    time_counts_t times = {.sum_us = 0};

    (void)state;
    time_counts_add(&times, -3);
    time_counts_add(&times, 0);
    time_counts_add(&times, 63);
    time_counts_add(&times, 64);
    time_counts_add(&times, 95);
    time_counts_add(&times, 96);
    time_counts_add(&times, 8388607);
    time_counts_add(&times, 8388608);
    assert_int_equal(times.counts[0], 3);
    assert_int_equal(times.counts[1], 2);
    assert_int_equal(times.counts[2], 1);
    assert_int_equal(times.counts[TIME_BOUNDS - 1], 1);
    assert_int_equal(times.counts[TIME_BOUNDS], 1);
    assert_int_equal(times.sum_us, 63 + 64 + 95 + 96 + 8388607 + 8388608);
}

/* Each on both sides of each bound, and some that are neither. */
static void a_histogram_is_counted_as_each_of_its_times_would_be(void **state)
{
    time_counts_t one_by_one = {.sum_us = 0}, together = {.sum_us = 0};
    static histogram_t histogram;
    apr_uint64_t sum = 0;

    (void)state;
    for (unsigned i = 0; i < TIME_BOUNDS; i++) {
        const apr_interval_time_t values[] = {time_bounds_us[i] - 1, time_bounds_us[i],
                                              time_bounds_us[i] * 9 / 8, 1 << i % 30};

        for (unsigned j = 0; j < 4; j++) {
            time_counts_add(&one_by_one, values[j]);
            histogram_add(&histogram, values[j]);
            sum += (apr_uint64_t)values[j];
        }
    }
    time_counts_add_histogram(&together, &histogram, sum);
    assert_memory_equal(&together, &one_by_one, sizeof together);
    assert_int_equal(total(&together), 4 * TIME_BOUNDS);
    time_counts_merge(&together, &one_by_one);
    assert_int_equal(total(&together), 8 * TIME_BOUNDS);
    assert_int_equal(together.sum_us, 2 * sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_bounds_are_powers_of_two_and_half_as_much_more),
        scene(a_time_is_counted_below_the_first_bound_that_it_does_not_reach),
        scene(a_histogram_is_counted_as_each_of_its_times_would_be),
    };

    return cmocka_run_group_tests_name("time counts", tests, NULL, NULL);
}
