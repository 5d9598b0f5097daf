#include "unit.h"

#include "server/observe/counter_table.h"

static void every_counter_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNTERS_TOLD; i++) {
        assert_non_null(counter_row(i)->name);
        assert_ptr_equal(counter_row_named(counter_row(i)->name), counter_row(i));
    }
    assert_null(counter_row_named("receive"));
}

static void every_counter_has_a_metric_or_a_label_of_its_own(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COUNTERS_TOLD; i++) {
        const counter_row_t *row = counter_row(i);

        assert_non_null(row->metric);
        assert_non_null(row->help);
        for (unsigned j = 0; j < i; j++) {
            if (strcmp(row->metric, counter_row(j)->metric) == 0) {
                assert_string_equal(row->label, counter_row(j)->label);
                assert_string_not_equal(row->value, counter_row(j)->value);
                assert_string_equal(row->help, counter_row(j)->help);
            }
        }
    }
}

/* Prometheus wants what is told of a metric in one place. */
static void counters_of_one_metric_follow_each_other(void **state)
{
    (void)state;
    for (unsigned i = 1; i < COUNTERS_TOLD; i++) {
        for (unsigned j = 0; j + 1 < i; j++) {
            if (strcmp(counter_row(i)->metric, counter_row(j)->metric) == 0) {
                assert_string_equal(counter_row(i)->metric, counter_row(i - 1)->metric);
            }
        }
    }
}

static void a_verdict_is_named_like_its_counter(void **state)
{
    (void)state;
    assert_string_equal(verdict_name(VERDICT_TRUNCATED), "truncated");
    assert_string_equal(counter_row(COUNTER_DROPPED + VERDICT_TRUNCATED)->name,
                        "dropped_truncated");
    assert_string_equal(verdict_name(VERDICT_PAST_COUNT), "past_count");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(every_counter_has_a_name_of_its_own),
        scene(every_counter_has_a_metric_or_a_label_of_its_own),
        scene(counters_of_one_metric_follow_each_other),
        scene(a_verdict_is_named_like_its_counter),
    };

    return cmocka_run_group_tests_name("table of counters", tests, NULL, NULL);
}
