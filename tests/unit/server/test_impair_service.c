/* The memory for delayed replies over reloads. What --impair does is tested in the system tests. */

#include "unit.h"

#include "server/impair_service.h"

static settings_t settings_of(const char *impair, apr_int64_t buffer, apr_pool_t *pool)
{
    settings_t settings = settings_default(pool);

    if (impair != NULL) {
        settings.impair = apr_array_make(pool, 1, sizeof(const char *));
        APR_ARRAY_PUSH(settings.impair, const char *) = impair;
    }
    settings.impair_buffer = buffer;
    return settings;
}

static void memory_stays_as_long_as_its_size_does(void **state)
{
    settings_t none = settings_of(NULL, 1 << 20, *state);
    settings_t delays = settings_of("delay=1s", 1 << 20, *state);
    settings_t drops = settings_of("drop=1%", 1 << 20, *state);
    settings_t larger = settings_of("drop=1%", 2 << 20, *state);
    settings_t none_larger = settings_of(NULL, 3 << 20, *state);
    impair_lines_t *lines;
    impair_lines_t *next;

    impair_lines_take(&lines, NULL, &none, 2, *state);
    assert_null(lines);
    impair_lines_take(&lines, NULL, &delays, 2, *state);
    assert_int_equal(lines->bytes, 1 << 20);
    assert_ptr_not_equal(lines->of_worker[0], lines->of_worker[1]);
    impair_lines_take(&next, lines, &drops, 2, *state);
    assert_ptr_equal(next, lines);
    impair_lines_free(lines, next); /* they are kept */
    impair_lines_take(&next, lines, &larger, 2, *state);
    assert_ptr_not_equal(next, lines);
    assert_int_equal(next->bytes, 2 << 20);
    assert_int_equal(lines->bytes, 1 << 20);
    impair_lines_free(lines, next);
    impair_lines_take(&lines, next, &none_larger, 2, *state); /* for those that still wait */
    assert_ptr_equal(lines, next);
    impair_lines_free(lines, NULL);
    impair_lines_free(NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(memory_stays_as_long_as_its_size_does),
    };

    return cmocka_run_group_tests_name("impair_service", tests, NULL, NULL);
}
