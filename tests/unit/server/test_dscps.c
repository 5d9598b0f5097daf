/* Sets of DSCPs as --stamp-dscp takes them. */

#include "unit.h"

#include "server/dscps.h"

static apr_uint64_t parsed(const char *text, apr_pool_t *pool)
{
    apr_uint64_t dscps;

    assert_true(dscps_parse(&dscps, text, pool));
    return dscps;
}

static void numbers_and_ranges_are_a_set(void **state)
{
    assert_true(parsed("none", *state) == 0);
    assert_true(parsed("all", *state) == ~APR_UINT64_C(0));
    assert_true(parsed("0", *state) == 1);
    assert_true(parsed("63", *state) == APR_UINT64_C(1) << 63);
    assert_true(parsed("0-63", *state) == parsed("all", *state));
    assert_true(parsed("8,10,40-42,8", *state) ==
                (APR_UINT64_C(1) << 8 | APR_UINT64_C(1) << 10 | APR_UINT64_C(7) << 40));
}

static void names_are_numbers(void **state)
{
    assert_true(parsed("EF", *state) == APR_UINT64_C(1) << 46);
    assert_true(parsed("cs1,AF11-af13", *state) == parsed("8,10-14", *state));
}

static void all_else_is_refused(void **state)
{
    static const char *const wrong[] = {"",    "64",     "-1",    "1-",  "2-1",   "8,",
                                        ",8",  "8;9",    "0x10",  "e",   "1-2-3", "EFF",
                                        "EF-", "EF-CS1", "all,8", "8 9", "8-9x"};
    apr_uint64_t dscps;

    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(dscps_parse(&dscps, wrong[i], *state));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(numbers_and_ranges_are_a_set),
        scene(names_are_numbers),
        scene(all_else_is_refused),
    };

    return cmocka_run_group_tests_name("dscps", tests, NULL, NULL);
}
