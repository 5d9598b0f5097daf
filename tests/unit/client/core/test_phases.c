/* When, within a common interval, each peer is asked. */

#include "unit.h"

#include "client/core/phases.h"

#define SECOND APR_USEC_PER_SEC

static void the_first_ones_divide_the_interval_evenly(void **state)
{
    phases_t phases = phases_create(SECOND, *state);

    assert_int_equal(phases_add_even(&phases, 0, 4), 0);
    assert_int_equal(phases_add_even(&phases, 1, 4), 250000);
    assert_int_equal(phases_add_even(&phases, 2, 4), 500000);
    assert_int_equal(phases_add_even(&phases, 3, 4), 750000);
}

/* An interval that the number does not divide is not cut at its end. */
static void no_gap_is_longer_than_the_others_by_more_than_the_rounding(void **state)
{
    phases_t phases = phases_create(1000, *state);
    apr_interval_time_t last = phases_add_even(&phases, 0, 7);

    for (unsigned i = 1; i < 7; i++) {
        apr_interval_time_t phase = phases_add_even(&phases, i, 7);

        assert_in_range(phase - last, 142, 143);
        last = phase;
    }
    assert_in_range(1000 - last, 142, 143);
}

static void the_longest_interval_has_room_for_the_most_peers(void **state)
{
    apr_interval_time_t interval = APR_INT64_MAX / 8192;
    phases_t phases = phases_create(interval, *state);
    apr_interval_time_t phase = phases_add_even(&phases, 4095, 4096);

    assert_true(phase > interval / 4096 * 4094 && phase < interval);
}

static void a_later_one_goes_in_the_middle_of_the_widest_gap(void **state)
{
    phases_t phases = phases_create(SECOND, *state);

    assert_int_equal(phases_add(&phases), 0);
    assert_int_equal(phases_add(&phases), 500000);
    assert_int_equal(phases_add(&phases), 250000);
    assert_int_equal(phases_add(&phases), 750000);
    assert_int_equal(phases_add(&phases), 125000);
}

static void the_widest_gap_may_lie_across_the_end_of_the_interval(void **state)
{
    phases_t phases = phases_create(SECOND, *state);

    phases_add_even(&phases, 2, 10);
    phases_add_even(&phases, 5, 10);
    assert_int_equal(phases_add(&phases), 850000); /* from 500000 to 1200000 */
    phases_remove(&phases, 850000);
    phases_add_even(&phases, 6, 10);
    assert_int_equal(phases_add(&phases), 900000);
    phases_remove(&phases, 900000);
    phases_add_even(&phases, 9, 10);
    phases_remove(&phases, 600000);
    assert_int_equal(phases_add(&phases), 700000);
}

static void a_phase_that_is_given_back_is_taken_again(void **state)
{
    phases_t phases = phases_create(SECOND, *state);

    for (unsigned i = 0; i < 5; i++) {
        phases_add_even(&phases, i, 5);
    }
    phases_remove(&phases, 600000);
    assert_int_equal(phases_add(&phases), 600000);
    phases_remove(&phases, 800000);
    phases_remove(&phases, 0);
    assert_int_equal(phases_add(&phases), 900000);
}

static void several_may_have_the_same_phase(void **state)
{
    phases_t phases = phases_create(2, *state);

    assert_int_equal(phases_add(&phases), 0);
    assert_int_equal(phases_add(&phases), 1);
    apr_interval_time_t third = phases_add(&phases);

    assert_in_range(third, 0, 1);
    phases_remove(&phases, third);
    assert_int_equal(phases.sorted->nelts, 2);
    phases_remove(&phases, 1);
    phases_remove(&phases, 0);
    assert_int_equal(phases.sorted->nelts, 0);
}

static void the_next_time_of_a_phase_is_not_in_the_past(void **state)
{
    phases_t phases = phases_create(SECOND, *state);
    apr_time_t origin = 123456789;

    assert_int_equal(phases_next(&phases, 0, origin, origin), origin);
    assert_int_equal(phases_next(&phases, 300000, origin, origin), origin + 300000);
    assert_int_equal(phases_next(&phases, 300000, origin, origin + 300000), origin + 300000);
    assert_int_equal(phases_next(&phases, 300000, origin, origin + 300001), origin + 1300000);
    assert_int_equal(phases_next(&phases, 0, origin, origin + 7 * SECOND + 1), origin + 8 * SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_first_ones_divide_the_interval_evenly),
        scene(no_gap_is_longer_than_the_others_by_more_than_the_rounding),
        scene(the_longest_interval_has_room_for_the_most_peers),
        scene(a_later_one_goes_in_the_middle_of_the_widest_gap),
        scene(the_widest_gap_may_lie_across_the_end_of_the_interval),
        scene(a_phase_that_is_given_back_is_taken_again),
        scene(several_may_have_the_same_phase),
        scene(the_next_time_of_a_phase_is_not_in_the_past),
    };

    return cmocka_run_group_tests_name("phases", tests, NULL, NULL);
}
