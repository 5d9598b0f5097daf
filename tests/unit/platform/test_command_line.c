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

static void the_program_stands_before_the_rest(void **state)
{
    const char *rest;

    assert_string_equal(
        command_line_program("\"C:\\a b\\u.exe\" --service \"--config=C:\\c d\"", &rest, *state),
        "C:\\a b\\u.exe");
    assert_string_equal(rest, " --service \"--config=C:\\c d\"");
    assert_string_equal(command_line_program("\"u.exe\"", &rest, *state), "u.exe");
    assert_string_equal(rest, "");
    assert_null(command_line_program("C:\\u.exe --service", &rest, *state));
    assert_null(command_line_program("\"C:\\u.exe", &rest, *state));
    assert_null(command_line_program("", &rest, *state));
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

static void what_windows_would_replace_is_found(void **state)
{
    static const char *const with[] = {"--config=C:\\%PATH%\\x", "C:\\a%b\\c%d.exe", "100% %x%",
                                       "%%x%"};
    static const char *const without[] = {"", "--service", "100%", "%%",
                                          "--listen=[fe80::1%1]:7 --listen=[fe80::1%2]:7"};

    (void)state;
    for (unsigned i = 0; i < sizeof with / sizeof with[0]; i++) {
        assert_true(command_line_has_variable(with[i]));
    }
    for (unsigned i = 0; i < sizeof without / sizeof without[0]; i++) {
        wchar_t expanded[100];

        assert_false(command_line_has_variable(without[i]));
        assert_true(ExpandEnvironmentStringsW(wide(without[i], *state), expanded, 100) > 0);
        assert_string_equal(narrow(expanded, *state), without[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_program_stands_before_the_rest),
        scene(only_what_needs_quotes_gets_them),
        scene(windows_takes_it_apart_as_it_was),
        scene(what_windows_would_replace_is_found),
    };

    return cmocka_run_group_tests_name("command line", tests, NULL, NULL);
}
