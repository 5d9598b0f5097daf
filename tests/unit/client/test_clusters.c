/* Fisher's exact test against its own example, and against what is known of the correction. */

#include "unit.h"

#include <math.h>

#include "client/clusters.h"

/* "The Design of Experiments", 1935: of eight cups four were made otherwise, and a lady names four,
 * of which three or all four are right. Two ways to choose one of two rows, and 1 * 2. */
static void it_is_fishers_test(void **state)
{
    trials_t total = {4, 8};
    trials_t three = {3, 4};
    trials_t four = {4, 4};
    double correction = 2 * 2;

    (void)state;
    assert_true(fabs(exp(clusters_log_probability(three, 1, total, 2)) - correction * 17 / 70) <
                1e-9);
    assert_true(fabs(exp(clusters_log_probability(four, 1, total, 2)) - correction / 70) < 1e-9);
}

static void what_fails_no_more_than_the_rest_is_no_worse(void **state)
{
    trials_t total = {8, 40};
    trials_t worst = {2, 10};

    (void)state;
    assert_true(clusters_log_probability(worst, 1, total, 4) == 0);
}

static void one_trial_a_row_tells_nothing(void **state)
{
    trials_t rows[64] = {{0, 0}};

    (void)state;
    for (unsigned failed = 0; failed <= 64; failed++) {
        for (unsigned i = 0; i < 64; i++) {
            rows[i] = (trials_t){i < failed ? 1 : 0, 1};
        }
        assert_int_equal(clusters_find(rows, 64), 0);
    }
}

static void rows_without_a_trial_say_nothing(void **state)
{
    trials_t rows[] = {{10, 10}, {10, 10}, {0, 10}, {0, 10}, {0, 0}, {0, 0}};

    (void)state;
    assert_int_equal(clusters_find(rows, 6), 2);
    assert_int_equal(clusters_find(rows + 4, 2), 0);
    assert_int_equal(clusters_find(rows, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(it_is_fishers_test),
        scene(what_fails_no_more_than_the_rest_is_no_worse),
        scene(one_trial_a_row_tells_nothing),
        scene(rows_without_a_trial_say_nothing),
    };

    return cmocka_run_group_tests_name("clusters", tests, NULL, NULL);
}
