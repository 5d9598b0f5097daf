#include "unit.h"

#include "core/counters.h"

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
        scene(sums_add_up_over_workers),
    };

    return cmocka_run_group_tests_name("counters", tests, NULL, NULL);
}
