/* Schedules of --impair, from files that are right or not. */

#include "unit.h"

#include <apr_strings.h>

#include "server/impair_schedule_file.h"
#include "written_file.h"

#define FILE_NAME "test-impair-schedule.txt"
#define LINE_SIZE 32

static const char *read_schedule(impair_schedule_t *schedule, const char *content, apr_pool_t *pool)
{
    impair_profile_t whose = {.seed = 5, .queue = IMPAIR_QUEUE_DEFAULT};
    apr_status_t refusal = APR_SUCCESS;

    write_file(FILE_NAME, content, pool);
    const char *error = impair_schedule_file_read(schedule, &whose, FILE_NAME, &refusal, pool);

    apr_file_remove(FILE_NAME, pool);
    assert_int_equal(refusal, APR_SUCCESS);
    return error;
}

static void lines_are_steps(void **state)
{
    impair_schedule_t schedule;

    assert_null(read_schedule(&schedule,
                              "# an hour of a bad network\n"
                              "\n"
                              "after=10s,drop=1/2 # at first\r\n"
                              " \tafter=1m,none\n"
                              "after=1h,repeat",
                              *state));
    assert_false(schedule.counts_replies);
    assert_int_equal(schedule.period, 3600 * APR_USEC_PER_SEC);
    assert_int_equal(schedule.count, 2);
    assert_int_equal(schedule.steps[0].after, 10 * APR_USEC_PER_SEC);
    assert_int_equal(schedule.steps[0].profile.chance[IMPAIR_DROP].every, 2);
    assert_int_equal(schedule.steps[0].profile.seed, 5);
    assert_int_equal(schedule.steps[1].after, 60 * APR_USEC_PER_SEC);
    assert_int_equal(schedule.steps[1].profile.chance[IMPAIR_DROP].every, 0);

    assert_null(read_schedule(&schedule, "after-replies=0,delay=1s\n", *state));
    assert_true(schedule.counts_replies);
    assert_int_equal(schedule.period, 0);
    assert_int_equal(schedule.count, 1);
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
    static const char *const wrong[][2] = {
        {"", ": expected a line such as after=30s,drop=1%"},
        {"# nothing\n", ": expected a line such as after=30s,drop=1%"},
        {"after=1s,drop=2\n", ":1: after=1s,drop=2: expected a percentage above 0, up to 100%, "
                              "such as 0.25%, or 1/N for every Nth as the value of drop"},
        {"\nafter=1s, none\n", ":2: after=1s, none: expected no spaces"},
        {"after=1s,none\nafter=1s,drop=1%\n",
         ":2: after=1s,drop=1%: expected a line that begins later than the one before it"},
        {"after=1s,none\nafter-replies=5,none\n",
         ":2: after-replies=5,none: expected after in all lines, or after-replies in all lines"},
        {"after=1s,repeat\n", ":1: after=1s,repeat: expected a line without repeat before it"},
        {"after=1s,none\nafter=1s,repeat\n",
         ":2: after=1s,repeat: expected a line that begins later than the one before it"},
        {"after=1s,none\nafter=2s,repeat\nafter=3s,none\n",
         ":3: after=3s,none: expected no line after the one with repeat"},
    };
    impair_schedule_t schedule;

    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const char *error = read_schedule(&schedule, wrong[i][0], *state);

        assert_non_null(error);
        assert_string_equal(error, apr_pstrcat(*state, FILE_NAME, wrong[i][1], NULL));
    }
}

static char *lines_of(unsigned count, apr_pool_t *pool)
{
    char *content = apr_palloc(pool, count * LINE_SIZE + 1);
    char *end = content;

    *end = '\0';
    for (unsigned i = 0; i < count; i++) {
        end += apr_snprintf(end, LINE_SIZE, "after-replies=%u,none\n", i);
    }
    return content;
}

static void lines_have_a_limit(void **state)
{
    impair_schedule_t schedule;

    assert_null(read_schedule(&schedule, lines_of(IMPAIR_STEPS_MAX, *state), *state));
    assert_int_equal(schedule.count, IMPAIR_STEPS_MAX);
    assert_string_equal(read_schedule(&schedule, lines_of(IMPAIR_STEPS_MAX + 1, *state), *state),
                        FILE_NAME ":10001: after-replies=10000,none: expected at most 10000 lines");
}

static void a_file_that_is_not_there_is_refused(void **state)
{
    impair_profile_t whose = {.seed = 5};
    impair_schedule_t schedule;
    apr_status_t refusal = APR_SUCCESS;

    assert_non_null(impair_schedule_file_read(&schedule, &whose, "no-such-file", &refusal, *state));
    assert_true(APR_STATUS_IS_ENOENT(refusal));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(lines_are_steps),
        scene(what_is_wrong_is_told_with_its_line),
        scene(lines_have_a_limit),
        scene(a_file_that_is_not_there_is_refused),
    };

    return cmocka_run_group_tests_name("impair_schedule_file", tests, NULL, NULL);
}
