/* Lines of the log as the texts of events. */

#include "unit.h"

#include "os/windows/event_log.h"
#include "os/windows/wide.h"

static const char *text_of(const char *line, apr_pool_t *pool)
{
    static wchar_t text[EVENT_TEXT_MAX];

    event_text(text, line, strlen(line));
    return narrow(text, pool);
}

static void a_line_loses_its_end_only(void **state)
{
    assert_string_equal(text_of("info serving host=\"f\xc3\xbcnf\"\n", *state),
                        "info serving host=\"f\xc3\xbcnf\"");
    assert_string_equal(text_of("", *state), "");
}

static void nothing_is_left_that_a_viewer_would_fill_in(void **state)
{
    assert_string_equal(text_of("address=[fe80::1%12]:7 100%\n", *state),
                        "address=[fe80::1% 12]:7 100%");
    assert_string_equal(text_of("%a %%1 %", *state), "%a %% 1 %");
}

static void the_longest_line_fits(void **state)
{
    static char line[40000];

    for (size_t i = 0; i + 1 < sizeof line; i++) {
        line[i] = i % 2 == 0 ? '%' : '1';
    }
    assert_true(strlen(text_of(line, *state)) < EVENT_TEXT_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_line_loses_its_end_only),
        scene(nothing_is_left_that_a_viewer_would_fill_in),
        scene(the_longest_line_fits),
    };

    return cmocka_run_group_tests_name("event log", tests, NULL, NULL);
}
