/* --allow and --deny as they are given, and the files that they name. */

#include "unit.h"

#include <apr_strings.h>

#include "server/access_rules.h"
#include "written_file.h"

#define FILE_NAME "test-access-rules.txt"

typedef struct outcome {
    apr_array_header_t *rules;
    const char *error;
} outcome_t;

static outcome_t read_values(const char *const *values, apr_pool_t *pool)
{
    outcome_t outcome = {apr_array_make(pool, 4, sizeof(access_rule_t)), NULL};
    apr_array_header_t *array = apr_array_make(pool, 4, sizeof(const char *));

    for (; *values != NULL; values++) {
        assert_null(access_rules_check(*values, pool));
        APR_ARRAY_PUSH(array, const char *) = *values;
    }
    apr_status_t refusal;

    outcome.error = access_rules_read(outcome.rules, "deny", 0, array, &refusal, pool);
    return outcome;
}

static outcome_t read_file(const char *content, apr_pool_t *pool)
{
    static const char *const values[] = {"@" FILE_NAME, NULL};

    write_file(FILE_NAME, content, pool);
    outcome_t outcome = read_values(values, pool);

    apr_file_remove(FILE_NAME, pool);
    return outcome;
}

/* The rules' origins, separated by spaces. */
static const char *origins(const outcome_t *outcome, apr_pool_t *pool)
{
    const char *text = "";

    assert_null(outcome->error);
    for (int i = 0; i < outcome->rules->nelts; i++) {
        const access_rule_t *rule = &APR_ARRAY_IDX(outcome->rules, i, access_rule_t);

        assert_false(rule->allowed);
        text = apr_pstrcat(pool, text, i > 0 ? " " : "", rule->origin, NULL);
    }
    return text;
}

static void networks_are_taken_one_by_one(void **state)
{
    static const char *const values[] = {"10.0.0.0/8", "::1", NULL};
    outcome_t outcome = read_values(values, *state);

    assert_string_equal(origins(&outcome, *state), "--deny=10.0.0.0/8 --deny=::1");
}

static void a_file_has_one_on_each_line(void **state)
{
    outcome_t outcome = read_file("# a comment\n\n10.0.0.0/8\n\t ::1 # another\r\n1.2.3.4", *state);

    assert_string_equal(origins(&outcome, *state), "--deny=10.0.0.0/8 --deny=::1 --deny=1.2.3.4");
}

static void a_mistake_in_a_file_is_told_with_its_line(void **state)
{
    outcome_t outcome = read_file("10.0.0.0/8\n10.0.0.1/8\n", *state);

    assert_string_equal(outcome.error, FILE_NAME ":2: 10.0.0.1/8: expected 10.0.0.0/8, or 10.0.0.1 "
                                                 "for that host alone");
    outcome = read_file("10.0.0.0/8 10.0.0.0/16\n", *state);
    assert_non_null(strstr(outcome.error, FILE_NAME ":1: 10.0.0.0/8 10.0.0.0/16: expected "));
    outcome = read_file("@other", *state); /* files name no files */
    assert_non_null(outcome.error);
}

static void a_file_that_is_not_there_is_an_error(void **state)
{
    static const char *const values[] = {"@no-such-file", NULL};
    outcome_t outcome = read_values(values, *state);

    assert_non_null(strstr(outcome.error, "no-such-file: cannot be read"));
}

static void a_value_is_checked_without_reading_files(void **state)
{
    assert_null(access_rules_check("@no-such-file", *state));
    assert_string_equal(access_rules_check("@", *state), "the name of a file after @");
    assert_non_null(access_rules_check("no-such-file", *state));
}

static void an_option_that_is_not_given_says_nothing(void **state)
{
    apr_array_header_t *rules = apr_array_make(*state, 1, sizeof(access_rule_t));

    apr_status_t refusal;

    assert_null(access_rules_read(rules, "allow", 1, NULL, &refusal, *state));
    assert_int_equal(rules->nelts, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(networks_are_taken_one_by_one),
        scene(a_file_has_one_on_each_line),
        scene(a_mistake_in_a_file_is_told_with_its_line),
        scene(a_file_that_is_not_there_is_an_error),
        scene(a_value_is_checked_without_reading_files),
        scene(an_option_that_is_not_given_says_nothing),
    };

    return cmocka_run_group_tests_name("access rules", tests, NULL, NULL);
}
