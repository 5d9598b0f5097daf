/* Keys of STAMP and the sessions that they are for, from a file that is safe or not. */

#include "unit.h"

#include <apr_strings.h>

#include "core/stamp_keys.h"
#include "secret_file.h"
#include "server/stamp_key_file.h"
#include "skip.h"
#include "written_file.h"

#define FILE_NAME "test-stamp-keys.txt"
#define PRIVATE   (APR_FPROT_UREAD | APR_FPROT_UWRITE)

typedef struct outcome {
    apr_array_header_t *lines;
    const char *error;
} outcome_t;

static outcome_t read_with(const char *content, apr_fileperms_t permissions, apr_pool_t *pool)
{
    outcome_t outcome = {apr_array_make(pool, 4, sizeof(stamp_key_line_t)), NULL};
    apr_status_t refusal = APR_SUCCESS;

    write_file(FILE_NAME, content, pool);
    keep_from_others(FILE_NAME);
    apr_file_perms_set(FILE_NAME, permissions);
    outcome.error = stamp_key_file_read(outcome.lines, FILE_NAME, &refusal, pool);
    apr_file_remove(FILE_NAME, pool);
    assert_int_equal(refusal, APR_SUCCESS);
    return outcome;
}

static outcome_t read_keys(const char *content, apr_pool_t *pool)
{
    return read_with(content, PRIVATE, pool);
}

static const stamp_key_line_t *line_at(const outcome_t *outcome, int index)
{
    return &APR_ARRAY_IDX(outcome->lines, index, stamp_key_line_t);
}

static void a_line_has_a_key_and_whom_it_is_for(void **state)
{
    outcome_t outcome = read_keys("# keys of the lab\n"
                                  "\n"
                                  "00ff0102030405060708090A0b0c0d0e # everybody\n"
                                  "ssid=7 \t aa\n"
                                  "  192.0.2.0/24 bb\r\n"
                                  "2001:db8::1 cc",
                                  *state);

    assert_null(outcome.error);
    assert_int_equal(outcome.lines->nelts, 4);
    assert_int_equal(line_at(&outcome, 0)->scope, STAMP_KEY_REST);
    assert_int_equal(line_at(&outcome, 0)->length, 16);
    assert_memory_equal(line_at(&outcome, 0)->key,
                        "\x00\xff\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e", 16);
    assert_int_equal(line_at(&outcome, 1)->scope, STAMP_KEY_SSID);
    assert_int_equal(line_at(&outcome, 1)->ssid, 7);
    assert_memory_equal(line_at(&outcome, 1)->key, "\xaa", 1);
    for (int i = 2; i < 4; i++) {
        cidr_t expected;

        cidr_parse(&expected, i == 2 ? "192.0.2.0/24" : "2001:db8::1", *state);
        assert_int_equal(line_at(&outcome, i)->scope, STAMP_KEY_NETWORK);
        assert_true(address_key_equal(line_at(&outcome, i)->network.first, expected.first) &&
                    address_key_equal(line_at(&outcome, i)->network.last, expected.last));
    }
}

static void assert_refused(const char *content, const char *expected, apr_pool_t *pool)
{
    assert_string_equal(read_keys(content, pool).error,
                        apr_pstrcat(pool, FILE_NAME, expected, NULL));
}

static void what_is_wrong_is_told_with_its_line_and_without_the_key(void **state)
{
    assert_refused("", ": expected a key", *state);
    assert_refused("# none\n", ": expected a key", *state);
    assert_refused("aa\nsecret\n", ":2: expected a key of pairs of hexadecimal digits", *state);
    assert_refused("abc", ":1: expected a key of pairs of hexadecimal digits", *state);
    assert_refused("ssid=0 aa", ":1: expected an SSID from 1 to 65535", *state);
    assert_refused("ssid=65536 aa", ":1: expected an SSID from 1 to 65535", *state);
    assert_refused("192.0.2.1/24 aa", ":1: expected KEY, ssid=N KEY, or NETWORK KEY", *state);
    assert_refused("aabb ccdd", ":1: expected KEY, ssid=N KEY, or NETWORK KEY", *state);
    assert_refused("ssid=1 aa bb", ":1: expected KEY, ssid=N KEY, or NETWORK KEY", *state);
}

static void sessions_have_one_key(void **state)
{
    static const char error[] = ":2: a line before this has a key for the same sessions";

    assert_refused("aa\nbb\n", error, *state);
    assert_refused("ssid=5 aa\nssid=05 bb\n", error, *state);
    assert_refused("192.0.2.7 aa\n192.0.2.7/32 bb\n", error, *state);
    assert_null(
        read_keys("192.0.2.0/24 aa\n192.0.2.0/25 aa\nssid=1 aa\nssid=2 aa\naa\n", *state).error);
}

/* Each packet is held against one after the other. */
static void there_are_not_more_than_can_be_looked_at(void **state)
{
    apr_array_header_t *lines = apr_array_make(*state, STAMP_KEYS_MAX + 1, sizeof(char *));

    for (int i = 1; i <= STAMP_KEYS_MAX; i++) {
        APR_ARRAY_PUSH(lines, const char *) = apr_psprintf(*state, "ssid=%d aa", i);
    }
    assert_null(read_keys(apr_array_pstrcat(*state, lines, '\n'), *state).error);
    APR_ARRAY_PUSH(lines, const char *) = "aa";
    assert_refused(apr_array_pstrcat(*state, lines, '\n'), ":1025: expected at most 1024 keys",
                   *state);
}

static void one_that_others_may_read_is_not_safe(void **state)
{
    static const apr_fileperms_t unsafe[] = {APR_FPROT_WREAD, APR_FPROT_WWRITE, APR_FPROT_GWRITE};

    if (apr_file_perms_set(FILE_NAME, PRIVATE) == APR_ENOTIMPL) {
        skip_test("this system has no permissions of owner, group and others");
    }
    for (unsigned i = 0; i < sizeof unsafe / sizeof unsafe[0]; i++) {
        outcome_t outcome = read_with("aa\n", PRIVATE | unsafe[i], *state);

        assert_non_null(outcome.error);
        assert_ptr_equal(strstr(outcome.error, FILE_NAME ": not safe to use: "), outcome.error);
    }
    assert_null(read_with("aa\n", PRIVATE | APR_FPROT_GREAD, *state).error);
}

static void one_that_cannot_be_read_is_told(void **state)
{
    apr_array_header_t *lines = apr_array_make(*state, 4, sizeof(stamp_key_line_t));
    apr_status_t refusal = APR_SUCCESS;
    const char *error = stamp_key_file_read(lines, "no-such-file", &refusal, *state);

    assert_ptr_equal(strstr(error, "no-such-file: cannot be read: "), error);
    assert_true(APR_STATUS_IS_ENOENT(refusal));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_line_has_a_key_and_whom_it_is_for),
        scene(what_is_wrong_is_told_with_its_line_and_without_the_key),
        scene(sessions_have_one_key),
        scene(there_are_not_more_than_can_be_looked_at),
        scene(one_that_others_may_read_is_not_safe),
        scene(one_that_cannot_be_read_is_told),
    };

    return cmocka_run_group_tests_name("stamp_key_file", tests, NULL, NULL);
}
