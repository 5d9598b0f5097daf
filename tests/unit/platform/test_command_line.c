/* Command lines of Windows, taken apart again by Windows. */

#include "unit.h"

#include <shellapi.h>

#include "os/windows/command_line.h"
#include "os/windows/wide.h"

static const char *join(const char *program, const char *const *arguments, apr_pool_t *pool)
{
    apr_array_header_t *list = apr_array_make(pool, 8, sizeof(const char *));

    for (; *arguments != NULL; arguments++) {
        APR_ARRAY_PUSH(list, const char *) = *arguments;
    }
    return command_line_join(program, list, pool);
}

static void only_what_needs_quotes_gets_them(void **state)
{
    static const char *const arguments[] = {"--service", "--config=C:\\ProgramData\\u.conf", "a b",
                                            NULL};

    assert_string_equal(join("C:\\udpechod.exe", arguments, *state),
                        "\"C:\\udpechod.exe\" --service --config=C:\\ProgramData\\u.conf \"a b\"");
}

static void windows_takes_it_apart_as_it_was(void **state)
{
    static const char *const arguments[] = {
        "plain",       "",           "with space", "tab\there",   "quote\"d",    "\"",
        "back\\slash", "end\\",      "end sp\\",   "end sp\\\\",  "\\\"",        "a\\\\\"b c",
        "C:\\a b\\c",  "\xc3\xbc x", "100%",       "^&|<>%PATH%", "--x=\"y z\"", NULL};
    const char *program = "C:\\Program Files\\udp echo\\udpechod.exe";
    const char *joined = join(program, arguments, *state);
    int count = 0;
    LPWSTR *words = CommandLineToArgvW(wide(joined, *state), &count);

    assert_int_equal(count, sizeof arguments / sizeof arguments[0]);
    assert_string_equal(narrow(words[0], *state), program);
    for (int i = 1; i < count; i++) {
        assert_string_equal(narrow(words[i], *state), arguments[i - 1]);
    }
    LocalFree(words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(only_what_needs_quotes_gets_them),
        scene(windows_takes_it_apart_as_it_was),
    };

    return cmocka_run_group_tests_name("command line", tests, NULL, NULL);
}
