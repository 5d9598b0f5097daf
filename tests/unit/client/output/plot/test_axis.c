#include "unit.h"

#include "client/output/plot/axis.h"

static void assert_ticks(const axis_t *axis, const apr_int64_t *ticks, unsigned count)
{
    assert_int_equal(axis->ticks, count);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(axis->tick[i], ticks[i]);
    }
}

static void close_values_are_on_a_linear_axis(void **state)
{
    static const apr_int64_t ticks[] = {90, 95, 100, 105, 110, 115};
    axis_t axis = axis_for(91, 112, 100, 0, 6);

    (void)state;
    assert_false(axis.is_logarithmic);
    assert_ticks(&axis, ticks, 6);
    assert_true(axis_at(&axis, 90) == 100);
    assert_true(axis_at(&axis, 115) == 0);
    assert_true(axis_at(&axis, 102.5) == 50);
}

static void values_of_several_decades_are_on_a_logarithmic_axis(void **state)
{
    static const apr_int64_t ticks[] = {50, 100, 200, 500, 1000, 2000, 5000};
    axis_t axis = axis_for(80, 3000, 0, 100, 6);

    (void)state;
    assert_true(axis.is_logarithmic);
    assert_ticks(&axis, ticks, 7);
    assert_true(axis_at(&axis, 500) > 49.99 && axis_at(&axis, 500) < 50.01);
}

static void what_lies_beyond_is_at_the_end(void **state)
{
    axis_t axis = axis_for(100, 10000, 0, 100, 6);

    (void)state;
    assert_true(axis_at(&axis, 0) == 0);
    assert_true(axis_at(&axis, -5) == 0);
    assert_true(axis_at(&axis, 1e9) == 100);
}

static void many_decades_have_few_ticks(void **state)
{
    static const apr_int64_t powers[] = {10, 100, 1000, 10000, 100000, 1000000};
    axis_t axis = axis_for(10, 600000, 0, 1, 6);

    (void)state;
    assert_ticks(&axis, powers, 6);
    axis = axis_for(1, 68719476736, 0, 1, 6);
    assert_in_range(axis.ticks, 2, 8);
}

/* A single value, or very close ones, are not blown up. */
static void equal_values_have_some_space_around(void **state)
{
    axis_t axis = axis_for(1000, 1000, 0, 1, 6);

    (void)state;
    assert_true(axis.low <= 950 && axis.low > 0);
    assert_true(axis.high >= 1050);
    assert_in_range(axis.ticks, 2, 10);
    axis = axis_for(0, 0, 0, 1, 6);
    assert_true(axis.high > axis.low);
}

static void counts_begin_at_nothing(void **state)
{
    static const apr_int64_t ticks[] = {0, 20, 40, 60, 80};
    axis_t axis = axis_of_counts(74, 0, 1, 5);

    (void)state;
    assert_ticks(&axis, ticks, 5);
    axis = axis_of_counts(1, 0, 1, 5);
    assert_int_equal(axis.high, 1);
}

static void times_have_the_unit_that_suits_them(void **state)
{
    static const struct {
        apr_interval_time_t high;
        const char *unit;
        apr_int64_t second_tick; /* in that unit */
    } times[] = {
        {0, "milliseconds", 1},
        {900000, "milliseconds", 100},
        {3 * APR_USEC_PER_SEC, "seconds", 1},
        {3600 * APR_USEC_PER_SEC, "minutes", 10},
        {5 * 3600 * APR_USEC_PER_SEC, "hours", 1},
        {21 * 86400 * APR_USEC_PER_SEC, "days", 5},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof times / sizeof times[0]; i++) {
        const time_unit_t *unit;
        axis_t axis = axis_of_time(times[i].high, 0, 1, &unit);

        assert_string_equal(unit->name, times[i].unit);
        assert_int_equal(axis.tick[1], times[i].second_tick * unit->length);
        assert_in_range(axis.ticks, 2, 11);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(close_values_are_on_a_linear_axis),
        scene(values_of_several_decades_are_on_a_logarithmic_axis),
        scene(what_lies_beyond_is_at_the_end),
        scene(many_decades_have_few_ticks),
        scene(equal_values_have_some_space_around),
        scene(counts_begin_at_nothing),
        scene(times_have_the_unit_that_suits_them),
    };

    return cmocka_run_group_tests_name("axis", tests, NULL, NULL);
}
