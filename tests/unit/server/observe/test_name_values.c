#include "unit.h"

#include <apr_strings.h>

#include "server/observe/name_values.h"

static apr_array_header_t *some_values(apr_pool_t *pool)
{
    apr_array_header_t *values = apr_array_make(pool, 1, sizeof(name_value_t));
    apr_array_header_t *list = apr_array_make(pool, 2, sizeof(const char *));

    APR_ARRAY_PUSH(list, const char *) = "127.0.0.1:7";
    APR_ARRAY_PUSH(list, const char *) = "[::1]:7";
    name_values_add_text(values, "port_sharing", "shared socket");
    name_values_add_number(values, "received", APR_INT64_C(5000000000));
    name_values_add_list(values, "listening", list);
    name_values_add_list(values, "none", apr_array_make(pool, 1, sizeof(const char *)));
    return values;
}

static void they_are_found_and_told_in_words(void **state)
{
    apr_array_header_t *values = some_values(*state);

    assert_string_equal(name_value_title(name_values_find(values, "port_sharing"), *state),
                        "port sharing");
    assert_string_equal(name_value_words(name_values_find(values, "port_sharing"), *state),
                        "shared socket");
    assert_string_equal(name_value_words(name_values_find(values, "received"), *state),
                        "5000000000");
    assert_string_equal(name_value_words(name_values_find(values, "listening"), *state),
                        "127.0.0.1:7,[::1]:7");
    assert_null(name_values_find(values, "receive"));
}

static void as_json_they_are_read_back(void **state)
{
    apr_array_header_t *read = apr_array_make(*state, 1, sizeof(name_value_t));

    const char *json = name_values_json(some_values(*state), *state);

    assert_string_equal(json, "\"port_sharing\":\"shared socket\",\"received\":5000000000,"
                              "\"listening\":[\"127.0.0.1:7\",\"[::1]:7\"],\"none\":[]");
    assert_true(name_values_read_json(read, apr_pstrcat(*state, "{", json, "}", NULL), *state));
    assert_int_equal(read->nelts, 4);
    assert_string_equal(name_values_find(read, "port_sharing")->text, "shared socket");
    assert_int_equal(name_values_find(read, "received")->number, APR_INT64_C(5000000000));
    assert_string_equal(name_value_words(name_values_find(read, "listening"), *state),
                        "127.0.0.1:7,[::1]:7");
    assert_int_equal(name_values_find(read, "none")->list->nelts, 0);
}

static void numbers_and_truths_in_a_list_have_no_quotes(void **state)
{
    apr_array_header_t *values = apr_array_make(*state, 1, sizeof(name_value_t));
    apr_array_header_t *read = apr_array_make(*state, 1, sizeof(name_value_t));
    apr_array_header_t *numbers = apr_array_make(*state, 2, sizeof(const char *));
    apr_array_header_t *truths = apr_array_make(*state, 2, sizeof(const char *));

    APR_ARRAY_PUSH(numbers, const char *) = "0";
    APR_ARRAY_PUSH(numbers, const char *) = "18446744073709551615";
    APR_ARRAY_PUSH(truths, const char *) = "true";
    APR_ARRAY_PUSH(truths, const char *) = "false";
    name_values_add_bare_list(values, "requests", numbers);
    name_values_add_bare_list(values, "enabled", truths);
    name_values_add_truth(values, "ready", 1);
    name_values_add_truth(values, "drained", 0);
    const char *json = name_values_json(values, *state);

    assert_string_equal(json, "\"requests\":[0,18446744073709551615],\"enabled\":[true,false],"
                              "\"ready\":true,\"drained\":false");
    assert_true(name_values_read_json(read, apr_pstrcat(*state, "{", json, "}", NULL), *state));
    assert_string_equal(name_values_json(read, *state), json);
    assert_string_equal(name_value_words(name_values_find(read, "enabled"), *state), "true,false");
}

/* The name of a network interface can have nearly any byte. */
static void what_json_escapes_is_read_back(void **state)
{
    apr_array_header_t *values = apr_array_make(*state, 1, sizeof(name_value_t));
    apr_array_header_t *read = apr_array_make(*state, 1, sizeof(name_value_t));
    const char *text = "[fe80::1%a\"b\\c\n\x01\xff\u00e9]:7";

    name_values_add_text(values, "listening", text);
    assert_true(name_values_read_json(
        read, apr_pstrcat(*state, "{", name_values_json(values, *state), "}", NULL), *state));
    assert_string_equal(name_values_find(read, "listening")->text, text);
}

static void what_is_something_else_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "{",
        "{}",
        "[1]",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":}",
        "{\"a\":\"b}",
        "{\"a\":\"\\\"}",
        "{\"a\":\"\\",
        "{\"a\":\"\\q\"}",
        "{\"a\":\"\\u004\"}",
        "{\"a\":\"\\u1234\"}",
        "{\"a\":1,}",
        "{\"a\":1",
        "{a:1}",
        "{\"a\":[",
        "{\"a\":[}",
        "{\"a\":[\"b\"}",
        "{\"a\":[\"b\",]}",
        "{\"a\":[-1]}",
        "{\"a\":[1,\"b\"]}",
        "{\"a\":[\"b\",1]}",
        "{\"a\":[null]}",
        "{\"a\":[true",
        "{\"a\":t}",
        "{\"a\":falsehood}",
    };

    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        apr_array_header_t *read = apr_array_make(*state, 1, sizeof(name_value_t));

        assert_false(name_values_read_json(read, wrong[i], *state));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(they_are_found_and_told_in_words),
        scene(as_json_they_are_read_back),
        scene(numbers_and_truths_in_a_list_have_no_quotes),
        scene(what_json_escapes_is_read_back),
        scene(what_is_something_else_is_refused),
    };

    return cmocka_run_group_tests_name("names and values", tests, NULL, NULL);
}
