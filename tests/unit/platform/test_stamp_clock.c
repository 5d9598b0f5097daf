/* Time stamps of a kernel whose wall clock is set meanwhile. */

#include "unit.h"

#include "readiness/stamp_clock.h"

#define SECOND APR_USEC_PER_SEC
#define WALL   apr_time_from_sec(1800000000) /* when NOW is */
#define NOW    apr_time_from_sec(5000)

static stamp_clock_t begun(void)
{
    return stamp_clock_begin(WALL, NOW, 1);
}

static void a_stamp_is_as_old_as_it_is(void **state)
{
    stamp_clock_t clock = begun();

    (void)state;
    stamp_clock_read(&clock, WALL + SECOND, NOW + SECOND, 1);
    assert_int_equal(stamp_clock_time(&clock, WALL + SECOND), NOW + SECOND);
    assert_int_equal(stamp_clock_time(&clock, WALL + SECOND - 300), NOW + SECOND - 300);
}

/* A process that was stopped for an hour reads what arrived at once. */
static void no_age_is_too_old_while_nobody_sets_the_clock(void **state)
{
    stamp_clock_t clock = begun();

    (void)state;
    stamp_clock_read(&clock, WALL + 3600 * SECOND, NOW + 3600 * SECOND, 1);
    assert_int_equal(stamp_clock_time(&clock, WALL + 300), NOW + 300);
}

static void a_clock_that_was_set_says_nothing_of_what_came_before(void **state)
{
    static const apr_interval_time_t steps[] = {-3600 * SECOND, -SECOND, -20000,
                                                20000,          SECOND,  3600 * SECOND};

    (void)state;
    for (unsigned i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        stamp_clock_t clock = begun();
        apr_time_t wall = WALL + steps[i];

        /* Stamped at 1 s by the old clock, read at 2 s. */
        stamp_clock_read(&clock, wall + 2 * SECOND, NOW + 2 * SECOND, 1);
        assert_int_equal(stamp_clock_time(&clock, WALL + SECOND), NOW + 2 * SECOND);
        /* Another of the same time is read later; one of the new clock is known. */
        stamp_clock_read(&clock, wall + 3 * SECOND, NOW + 3 * SECOND, 1);
        if (steps[i] > 0) {
            assert_int_equal(stamp_clock_time(&clock, WALL + SECOND), NOW + 3 * SECOND);
        }
        assert_int_equal(stamp_clock_time(&clock, wall + 3 * SECOND - 500), NOW + 3 * SECOND - 500);
    }
}

/* The process had to wait for its processor between reading the one and the other. */
static void a_doubtful_reading_is_no_step(void **state)
{
    stamp_clock_t clock = begun();

    (void)state;
    stamp_clock_read(&clock, WALL + SECOND - 90000, NOW + SECOND, 100000);
    assert_int_equal(stamp_clock_time(&clock, WALL + SECOND / 2), NOW + SECOND / 2 + 90000);
    stamp_clock_read(&clock, WALL + 2 * SECOND, NOW + 2 * SECOND, 1);
    assert_int_equal(stamp_clock_time(&clock, WALL + SECOND / 2), NOW + SECOND / 2);
}

static void the_clocks_of_this_system_are_read(void **state)
{
    stamp_clock_t clock = stamp_clock_begin_here();
    apr_time_t stamp = apr_time_now();
    apr_time_t at;

    (void)state;
    stamp_clock_read_here(&clock);
    at = stamp_clock_time(&clock, stamp);
    assert_true(at >= clock.since && at <= clock.now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_stamp_is_as_old_as_it_is),
        scene(no_age_is_too_old_while_nobody_sets_the_clock),
        scene(a_clock_that_was_set_says_nothing_of_what_came_before),
        scene(a_doubtful_reading_is_no_step),
        scene(the_clocks_of_this_system_are_read),
    };

    return cmocka_run_group_tests_name("stamp clock", tests, NULL, NULL);
}
