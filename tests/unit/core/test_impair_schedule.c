#include "unit.h"

#include "core/impair_schedule.h"

#define STEPS 1000

static impair_step_t steps[STEPS];

/* Steps at 7, 14, 21 and so on, whose delay is their number, from 1. */
static impair_schedule_t schedule_of(unsigned count, apr_int64_t period)
{
    for (unsigned i = 0; i < count; i++) {
        steps[i].after = 7 * (i + 1);
        steps[i].profile.delay = i + 1;
    }
    return (impair_schedule_t){.period = period, .count = count, .steps = steps};
}

static apr_interval_time_t delay_at(const impair_schedule_t *schedule, apr_int64_t position,
                                    atomic_uint *begun)
{
    const impair_profile_t *profile = impair_schedule_at(schedule, position, begun);

    return profile != NULL ? profile->delay : 0;
}

static void a_step_lasts_until_the_next(void **state)
{
    impair_schedule_t schedule = schedule_of(STEPS, 0);
    atomic_uint begun = 0;

    (void)state;
    for (apr_int64_t position = 0; position < 7 * STEPS + 100; position++) {
        assert_int_equal(delay_at(&schedule, position, &begun),
                         position < 7 * STEPS ? position / 7 : STEPS);
    }
    assert_int_equal(delay_at(&schedule, IMPAIR_AFTER_MAX_US, &begun), STEPS);
}

/* Several workers ask, each with its own time or number. */
static void the_order_of_positions_makes_no_difference(void **state)
{
    impair_schedule_t schedule = schedule_of(STEPS, 7 * STEPS + 3);
    atomic_uint begun = 0;
    apr_uint32_t seed = 1;

    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        seed = seed * 1664525 + 1013904223;
        apr_int64_t position = (apr_int64_t)seed << (seed & 15);

        assert_int_equal(delay_at(&schedule, position, &begun), position % (7 * STEPS + 3) / 7);
    }
}

static void one_step_is_enough(void **state)
{
    impair_schedule_t schedule = schedule_of(1, 10);
    atomic_uint begun = 0;

    (void)state;
    for (apr_int64_t position = 0; position < 100; position++) {
        assert_int_equal(delay_at(&schedule, position, &begun), position % 10 >= 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_step_lasts_until_the_next),
        scene(the_order_of_positions_makes_no_difference),
        scene(one_step_is_enough),
    };

    return cmocka_run_group_tests_name("impair_schedule", tests, NULL, NULL);
}
