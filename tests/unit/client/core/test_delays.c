/* One-way delays between clocks that may be apart by anything. */

#include "unit.h"

#include "client/core/delays.h"

#define YEAR (APR_INT64_C(365) * 86400 * 1000000)

static void add_all(delays_t *delays, const apr_int64_t *values, unsigned count, apr_int64_t apart)
{
    for (unsigned i = 0; i < count; i++) {
        delays_add(delays, values[i] + apart, 600);
    }
}

static void none_have_nothing_in_common(void **state)
{
    static delays_t none, also_none;
    delay_summary_t summary;

    (void)state;
    delays_merge(&none, &also_none);
    summary = delays_summary(&none);
    assert_int_equal(summary.count, 0);
    assert_int_equal(summary.minimum, 0);
    assert_int_equal(summary.p999, 0);
}

static void one_is_all_of_them(void **state)
{
    static delays_t delays;
    delay_summary_t summary;

    (void)state;
    delays_add(&delays, -12345, 20);
    summary = delays_summary(&delays);
    assert_int_equal(summary.count, 1);
    assert_int_equal(summary.minimum, -12345);
    assert_int_equal(summary.mean, -12345);
    assert_int_equal(summary.maximum, -12345);
    assert_int_equal(summary.p50, -12345);
    assert_int_equal(summary.deviation, 0);
}

/* The order in which they come, lower and lower among them, changes nothing of this. */
static void how_far_apart_the_clocks_are_changes_no_difference(void **state)
{
    static const apr_int64_t values[] = {500, 450, 400, 300, 210, 120, 100, 160, 140, 180};
    static const apr_int64_t distances[] = {0, 37, -1000000, 5 * YEAR, -30 * YEAR};

    (void)state;
    for (unsigned i = 0; i < sizeof distances / sizeof distances[0]; i++) {
        delays_t delays = {0};
        delay_summary_t summary;

        add_all(&delays, values, 10, distances[i]);
        summary = delays_summary(&delays);
        assert_int_equal(summary.count, 10);
        assert_int_equal(summary.minimum - distances[i], 100);
        assert_int_equal(summary.maximum - distances[i], 500);
        assert_int_equal(summary.mean - distances[i], 256);
        assert_int_equal(summary.deviation, 139);
        assert_in_range(summary.p50 - distances[i], 178, 182); /* the fifth is 180 */
        assert_in_range(summary.p90 - distances[i], 446, 454);
    }
}

static void a_reference_that_falls_all_the_time_loses_little(void **state)
{
    static delays_t delays;
    delay_summary_t summary;

    (void)state;
    for (apr_int64_t i = 0; i < 10000; i++) {
        delays_add(&delays, 10000 - i, 500);
    }
    summary = delays_summary(&delays);
    assert_int_equal(summary.minimum, 1);
    assert_int_equal(summary.maximum, 10000);
    assert_in_range(summary.p50, 4900, 5100);
    assert_in_range(summary.p99, 9700, 10000);
    assert_int_equal(summary.jitter, 1);
}

/* A host without a clock of its own begins in 1970 and is set while it is measured. */
static void a_clock_that_is_set_makes_up_no_delay(void **state)
{
    static delays_t set_forward, set_back;
    static const apr_int64_t values[] = {100, 110, 120, 130};

    (void)state;
    add_all(&set_forward, values, 4, -56 * YEAR);
    add_all(&set_forward, values, 4, 0);
    add_all(&set_back, values, 4, 0);
    add_all(&set_back, values, 4, -56 * YEAR);
    for (unsigned i = 0; i < 2; i++) {
        delay_summary_t summary = delays_summary(i == 0 ? &set_forward : &set_back);

        assert_in_range(summary.p50, -56 * YEAR + 100, -56 * YEAR + 130);
        assert_int_equal(summary.p90, 130);
        assert_int_equal(summary.maximum, 130);
    }
}

static void two_flows_together_are_what_all_of_them_are(void **state)
{
    static const apr_int64_t one[] = {-100, 100, 300}, other[] = {-2000, 2000};
    static delays_t together, alone, first, second;
    delay_summary_t expected, merged;

    (void)state;
    add_all(&alone, one, 3, YEAR);
    add_all(&alone, other, 2, YEAR);
    expected = delays_summary(&alone);
    add_all(&first, one, 3, YEAR);
    add_all(&second, other, 2, YEAR);
    delays_merge(&together, &first);
    delays_merge(&together, &second);
    merged = delays_summary(&together);
    assert_int_equal(merged.count, expected.count);
    assert_int_equal(together.above.sum, alone.above.sum);
    assert_int_equal(merged.minimum, expected.minimum);
    assert_int_equal(merged.maximum, expected.maximum);
    assert_int_equal(merged.mean, expected.mean);
    assert_int_equal(merged.deviation, expected.deviation);
    assert_in_range(merged.p50 - YEAR, 90, 110);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(none_have_nothing_in_common),
        scene(one_is_all_of_them),
        scene(how_far_apart_the_clocks_are_changes_no_difference),
        scene(a_reference_that_falls_all_the_time_loses_little),
        scene(a_clock_that_is_set_makes_up_no_delay),
        scene(two_flows_together_are_what_all_of_them_are),
    };

    return cmocka_run_group_tests_name("delays", tests, NULL, NULL);
}
