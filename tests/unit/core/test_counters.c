#include "unit.h"

#include "udpecho/counters.h"

static void every_counter_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNTER_KINDS; i++) {
        assert_non_null(counter_name(i));
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(counter_name(i), counter_name(j));
        }
    }
}

static void a_verdict_is_named_like_its_counter(void **state)
{
    (void)state;
    assert_string_equal(verdict_name(VERDICT_TRUNCATED), "truncated");
    assert_string_equal(counter_name(COUNTER_DROPPED + VERDICT_TRUNCATED), "dropped_truncated");
    assert_string_equal(verdict_name(VERDICT_PAST_COUNT), "past_count");
}

static void sums_add_up_over_workers(void **state)
{
    counters_t one = {{0}};
    counters_t other = {{0}};
    counter_totals_t totals = {{0}};

    (void)state;
    counters_add(&one, COUNTER_RECEIVED, 3);
    counters_add(&one, COUNTER_RECEIVED, 4);
    counters_add(&other, COUNTER_RECEIVED, 5);
    counters_add(&other, COUNTER_FAILED + SEND_OTHER, 1);
    counters_sum(&totals, &one);
    counters_sum(&totals, &other);
    assert_int_equal(totals.value[COUNTER_RECEIVED], 12);
    assert_int_equal(totals.value[COUNTER_FAILED + SEND_OTHER], 1);
    assert_int_equal(totals.value[COUNTER_ECHOED], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(every_counter_has_a_name_of_its_own),
        scene(a_verdict_is_named_like_its_counter),
        scene(sums_add_up_over_workers),
    };

    return cmocka_run_group_tests_name("counters", tests, NULL, NULL);
}
