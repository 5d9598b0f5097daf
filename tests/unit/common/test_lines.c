#include "unit.h"

#include <apr_strings.h>

#include "common/lines.h"
#include "written_file.h"

#define FILE_NAME "test-lines.txt"

typedef struct reading {
    const char *lines; /* all of them, each in brackets */
    const char *wrong; /* the line that is an error */
    apr_status_t refusal;
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
    const char *error = lines_read(FILE_NAME, take, reading, &reading->refusal, reading->pool);

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
    assert_int_equal(reading.refusal, APR_SUCCESS);
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

/* What write_file() cannot write, since it has a NUL byte in it. */
static const char *read_bytes(reading_t *reading, const char *bytes, apr_size_t length)
{
    apr_file_t *file;

    assert_int_equal(
        apr_file_open(&file, FILE_NAME,
                      APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_TRUNCATE | APR_FOPEN_BINARY,
                      APR_FPROT_OS_DEFAULT, reading->pool),
        APR_SUCCESS);
    assert_int_equal(apr_file_write_full(file, bytes, length, NULL), APR_SUCCESS);
    apr_file_close(file);
    reading->lines = "";
    const char *error = lines_read(FILE_NAME, take, reading, &reading->refusal, reading->pool);

    apr_file_remove(FILE_NAME, reading->pool);
    return error;
}

static void a_byte_order_mark_is_no_part_of_the_text(void **state)
{
    reading_t reading = {.pool = *state};

    assert_null(read_content(&reading, "\xef\xbb\xbfone\r\ntwo"));
    assert_string_equal(reading.lines, "[one][two]");
    assert_null(read_content(&reading, "\xef\xbb\xbf"));
    assert_string_equal(reading.lines, "[]");
    assert_null(read_content(&reading, "one\n\xef\xbb\xbftwo\n"));
    assert_string_equal(reading.lines, "[one][\xef\xbb\xbftwo]");
}

static void what_is_no_text_is_refused_by_name(void **state)
{
    static const struct {
        const char *bytes;
        apr_size_t length;
        const char *error;
    } cases[] = {
        {"one\ntwo\0three\n", 14, FILE_NAME ":2: a NUL byte"},
        {"one\n\0", 5, FILE_NAME ":2: a NUL byte"},
        {"\xff\xfeo\0n\0\n\0", 8, FILE_NAME ":1: the file is in UTF-16"},
        {"\xff\xfe\n\0", 4, FILE_NAME ":1: the file is in UTF-16"},
        {"\xfe\xff\0o\0\n", 6, FILE_NAME ":1: the file is in UTF-16"},
        {"\xff\xfe\x01\x02", 4, FILE_NAME ":1: the file is in UTF-16"},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        reading_t reading = {.pool = *state};
        const char *error = read_bytes(&reading, cases[i].bytes, cases[i].length);

        if (error == NULL || strncmp(error, cases[i].error, strlen(cases[i].error)) != 0) {
            fail_msg("case %u: %s", i, error != NULL ? error : "was taken");
        }
    }
}

/* A carriage return within a line must not hide what follows. */
static void only_the_end_of_a_line_is_left_out(void **state)
{
    reading_t reading = {.pool = *state};

    assert_null(read_content(&reading, "one\rtwo\r\n"));
    assert_string_equal(reading.lines, "[one\rtwo]");
}

static void larger_files_are_refused(void **state)
{
    reading_t reading = {.pool = *state};
    apr_file_t *file;

    assert_int_equal(apr_file_open(&file, FILE_NAME, APR_FOPEN_WRITE | APR_FOPEN_CREATE,
                                   APR_FPROT_OS_DEFAULT, *state),
                     APR_SUCCESS);
    assert_int_equal(apr_file_trunc(file, LINES_FILE_MAX + 1), APR_SUCCESS);
    apr_file_close(file);
    const char *error = lines_read(FILE_NAME, take, &reading, &reading.refusal, *state);

    apr_file_remove(FILE_NAME, *state);
    assert_string_equal(error, FILE_NAME ": expected a file of at most 67108864 bytes");
}

static void a_directory_is_refused(void **state)
{
    reading_t reading = {.pool = *state};

    assert_non_null(lines_read(".", take, &reading, &reading.refusal, *state));
}

static void a_file_that_is_not_there_is_told(void **state)
{
    reading_t reading = {.pool = *state};
    const char *error = lines_read("no-such-file", take, &reading, &reading.refusal, *state);

    assert_non_null(strstr(error, "no-such-file: cannot be read: "));
    assert_true(APR_STATUS_IS_ENOENT(reading.refusal));
}

static void a_pipe_is_read_to_its_end(void **state)
{
    reading_t reading = {.lines = "", .pool = *state};
    apr_file_t *in;
    apr_file_t *out;

    assert_int_equal(apr_file_pipe_create(&in, &out, *state), APR_SUCCESS);
    assert_int_equal(apr_file_write_full(out, "one\r\ntwo\nthree", 14, NULL), APR_SUCCESS);
    apr_file_close(out);
    assert_null(lines_read_from(in, "-", take, &reading, &reading.refusal, *state));
    assert_string_equal(reading.lines, "[one][two][three]");
    apr_file_close(in);
}

static void errors_of_a_pipe_begin_with_its_name(void **state)
{
    reading_t reading = {.lines = "", .wrong = "two", .pool = *state};
    apr_file_t *in;
    apr_file_t *out;

    assert_int_equal(apr_file_pipe_create(&in, &out, *state), APR_SUCCESS);
    assert_int_equal(apr_file_write_full(out, "one\ntwo\nthree", 13, NULL), APR_SUCCESS);
    apr_file_close(out);
    assert_string_equal(lines_read_from(in, "-", take, &reading, &reading.refusal, *state),
                        "-:2: it is wrong");
    apr_file_close(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(lines_come_without_their_ends),
        scene(a_wrong_line_is_named_and_the_last_to_be_read),
        scene(lines_have_a_longest_length),
        scene(a_byte_order_mark_is_no_part_of_the_text),
        scene(what_is_no_text_is_refused_by_name),
        scene(only_the_end_of_a_line_is_left_out),
        scene(larger_files_are_refused),
        scene(a_directory_is_refused),
        scene(a_file_that_is_not_there_is_told),
        scene(a_pipe_is_read_to_its_end),
        scene(errors_of_a_pipe_begin_with_its_name),
    };

    return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
