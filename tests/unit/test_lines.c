#include "unit.h"

#include <apr_strings.h>

#include "lines.h"
#include "written_file.h"

#define FILE_NAME "test-lines.txt"

typedef struct reading {
    const char *lines; /* all of them, each in brackets */
    const char *wrong; /* the line that is an error */
    apr_pool_t *pool;
} reading_t;

static const char *take(void *context, char *line)
{
    reading_t *reading = context;

    reading->lines = apr_pstrcat(reading->pool, reading->lines, "[", line, "]", NULL);
    return reading->wrong != NULL && strcmp(line, reading->wrong) == 0 ? "it is wrong" : NULL;
}

static const char *read_content(reading_t *reading, const char *content)
{
    write_file(FILE_NAME, content, reading->pool);
    reading->lines = "";
    const char *error = lines_read(FILE_NAME, take, reading, reading->pool);

    apr_file_remove(FILE_NAME, reading->pool);
    return error;
}

static void lines_come_without_their_ends(void **state)
{
    reading_t reading = {.pool = *state};

    assert_null(read_content(&reading, "one\r\n\n  two \nthree"));
    assert_string_equal(reading.lines, "[one][][  two ][three]");
    assert_null(read_content(&reading, ""));
    assert_string_equal(reading.lines, "");
}

static void a_wrong_line_is_named_and_the_last_to_be_read(void **state)
{
    reading_t reading = {.wrong = "b", .pool = *state};

    assert_string_equal(read_content(&reading, "a\nb\nc\n"), FILE_NAME ":2: it is wrong");
    assert_string_equal(reading.lines, "[a][b]");
}

static void lines_have_a_longest_length(void **state)
{
    reading_t reading = {.pool = *state};
    char *content = apr_pcalloc(*state, 5002);

    memset(content, 'x', 4094);
    content[4094] = '\n';
    assert_null(read_content(&reading, content));
    memset(content, 'x', 5000);
    assert_string_equal(read_content(&reading, content),
                        FILE_NAME ":1: a line longer than 4094 bytes");
}

static void a_file_that_is_not_there_is_told(void **state)
{
    reading_t reading = {.pool = *state};
    const char *error = lines_read("no-such-file", take, &reading, *state);

    assert_non_null(strstr(error, "no-such-file: cannot be read: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(lines_come_without_their_ends),
        scene(a_wrong_line_is_named_and_the_last_to_be_read),
        scene(lines_have_a_longest_length),
        scene(a_file_that_is_not_there_is_told),
    };

    return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
