#include "unit.h"

#include "client/output/plot/series.h"

#define HOUR (3600 * APR_USEC_PER_SEC)

static void a_bin_has_what_happened_in_its_time(void **state)
{
    series_t *series = series_create(4, 1, *state);

    series_answer(series, 1500, 300, 0);
    series_answer(series, 1600, 100, 1);
    series_answer(series, 1700, 200, 2);
    series_answer(series, 1800, -1, 3);
    series_mark(series, 3900, MARK_LOST, 4);
    assert_int_equal(series->width, 1000);
    assert_int_equal(series->bin[0].answered, 0);
    assert_int_equal(series->bin[1].answered, 4);
    assert_int_equal(series->bin[1].timed, 3);
    assert_int_equal(series->bin[1].minimum, 100);
    assert_int_equal(series->bin[1].maximum, 300);
    assert_int_equal(series_median(series, 1), 201); /* as exact as histogram.h says */
    assert_int_equal(series->bin[3].marks[MARK_LOST], 1);
}

/* Its memory is taken at the start. */
static void no_run_is_too_long(void **state)
{
    series_t *series = series_create(8, 1, *state);
    apr_uint64_t timed = 0, lost = 0;

    for (unsigned i = 0; i < 1000; i++) {
        if (i % 10 == 3) {
            series_mark(series, i * HOUR, MARK_LOST, i);
        } else {
            series_answer(series, i * HOUR, 1000 + i, i);
        }
    }
    for (unsigned i = 0; i < series->bins; i++) {
        timed += series->bin[i].timed;
        lost += series->bin[i].marks[MARK_LOST];
        assert_int_equal(histogram_total(&series->round_trips[i]), series->bin[i].timed);
    }
    assert_int_equal(timed, 900);
    assert_int_equal(lost, 100);
    assert_true(series->width * 8 > 999 * HOUR);
    assert_true(series->width * 4 <= 999 * HOUR);
    assert_int_equal(series->bin[0].minimum, 1000);
    assert_true(series->bin[1].minimum > series->bin[0].maximum);
}

static void the_first_datagrams_are_kept_one_by_one(void **state)
{
    series_t *series = series_create(8, 1, *state);

    for (unsigned i = 0; i < POINTS_MAX; i++) {
        series_answer(series, i, 5, i);
    }
    assert_int_equal(series->points, POINTS_MAX);
    assert_false(series->is_cut);
    series_answer(series, POINTS_MAX, 5, POINTS_MAX);
    assert_int_equal(series->points, POINTS_MAX);
    assert_true(series->is_cut);
}

static void a_late_answer_takes_back_the_loss(void **state)
{
    series_t *series = series_create(8, 1, *state);

    series_mark(series, 500, MARK_LOST, 7);
    series_mark(series, 1010, MARK_LOST, 8);
    series_not_lost(series, 990, 8); /* it was told a little late, in the next bin */
    assert_int_equal(series->points, 1);
    assert_int_equal(series->point[0].sequence, 7);
    assert_int_equal(series->bin[0].marks[MARK_LOST] + series->bin[1].marks[MARK_LOST], 1);
}

static void what_came_before_the_start_counts_as_then(void **state)
{
    series_t *series = series_create(2, 0, *state);

    series_answer(series, -5, 1, 0);
    assert_int_equal(series->bin[0].answered, 1);
    assert_null(series->point);
    assert_null(series->round_trips);
}

/* Clocks that are years apart leave their differences exact. */
static void ways_are_sums_of_differences(void **state)
{
    series_t *series = series_create(2, 0, *state);
    apr_int64_t years = APR_INT64_C(1769860800000000);

    series_ways(series, 10, years + 100, 50 - years);
    series_ways(series, 20, years + 140, 30 - years);
    assert_int_equal(series->bin[0].ways, 2);
    assert_true(series->bin[0].forward == 40);
    assert_true(series->bin[0].backward == -20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_bin_has_what_happened_in_its_time),       scene(no_run_is_too_long),
        scene(the_first_datagrams_are_kept_one_by_one),   scene(a_late_answer_takes_back_the_loss),
        scene(what_came_before_the_start_counts_as_then), scene(ways_are_sums_of_differences),
    };

    return cmocka_run_group_tests_name("series", tests, NULL, NULL);
}
