/* The queue and its writer, with a pipe in place of a terminal. */

#include "unit.h"

#include <apr_file_io.h>
#include <stdlib.h>

#include "server/log/log.h"

typedef struct pipe_log {
    apr_file_t *in; /* what the log wrote is read here */
    apr_file_t *out;
    log_t *log;
} pipe_log_t;

/* A log whose writer is not started yet. */
static pipe_log_t open_pipe_log(log_level_t level, apr_pool_t *pool)
{
    pipe_log_t opened;

    assert_int_equal(apr_file_pipe_create(&opened.in, &opened.out, pool), APR_SUCCESS);
    assert_int_equal(
        log_open(&opened.log, log_to_file(opened.out), level, LOG_FORMAT_TEXT, 64, pool),
        APR_SUCCESS);
    return opened;
}

static pipe_log_t start_pipe_log(log_level_t level, apr_pool_t *pool)
{
    pipe_log_t opened = open_pipe_log(level, pool);
    gate_t *gate;

    assert_int_equal(gate_create(&gate, pool), APR_SUCCESS);
    gate_open(gate);
    assert_int_equal(log_start(opened.log, gate), APR_SUCCESS);
    return opened;
}

static char *read_all(pipe_log_t *opened, apr_pool_t *pool)
{
    apr_size_t room = 1 << 20;
    char *content = apr_pcalloc(pool, room);
    apr_size_t length = 0;

    apr_file_close(opened->out);
    while (length < room - 1) {
        apr_size_t part = room - 1 - length;

        if (apr_file_read(opened->in, content + length, &part) != APR_SUCCESS) {
            break;
        }
        length += part;
    }
    return content;
}

static void lines_come_out_in_order(void **state)
{
    pipe_log_t opened = start_pipe_log(LOG_LEVEL_INFO, *state);

    for (int i = 0; i < 3; i++) {
        log_line_t *line = log_begin(opened.log, LOG_LEVEL_INFO, "line");

        log_number(line, "number", i);
        log_end(line);
    }
    log_close(opened.log);

    const char *content = read_all(&opened, *state);
    const char *first = strstr(content, "line number=0\n");
    const char *second = strstr(content, "line number=1\n");
    const char *third = strstr(content, "line number=2\n");

    assert_true(first != NULL && second > first && third > second);
}

static void before_the_writer_starts_a_line_is_written_as_it_ends(void **state)
{
    pipe_log_t opened = open_pipe_log(LOG_LEVEL_INFO, *state);
    char text[128];

    /* More than may wait, and each is in the pipe before the next. */
    for (int i = 0; i < 1000; i++) {
        log_end(log_begin_waiting(opened.log, LOG_LEVEL_INFO, "early"));
        assert_int_equal(apr_file_gets(text, sizeof text, opened.in), APR_SUCCESS);
        assert_non_null(strstr(text, " info early\n"));
    }
    log_close(opened.log);
}

static void levels_above_the_chosen_one_are_left_out(void **state)
{
    pipe_log_t opened = start_pipe_log(LOG_LEVEL_WARNING, *state);

    assert_true(log_enabled(opened.log, LOG_LEVEL_ERROR));
    assert_false(log_enabled(opened.log, LOG_LEVEL_INFO));
    assert_null(log_begin(opened.log, LOG_LEVEL_INFO, "no"));
    assert_null(log_begin_waiting(opened.log, LOG_LEVEL_DEBUG, "no"));
    log_end(log_begin(opened.log, LOG_LEVEL_WARNING, "yes"));
    log_close(opened.log);
    assert_non_null(strstr(read_all(&opened, *state), " warning yes\n"));
}

static void the_level_can_change(void **state)
{
    pipe_log_t opened = start_pipe_log(LOG_LEVEL_WARNING, *state);

    log_set_level(opened.log, LOG_LEVEL_DEBUG);
    log_end(log_begin(opened.log, LOG_LEVEL_DEBUG, "yes"));
    log_set_level(opened.log, LOG_LEVEL_ERROR);
    assert_null(log_begin(opened.log, LOG_LEVEL_WARNING, "no"));
    log_close(opened.log);
    assert_non_null(strstr(read_all(&opened, *state), " debug yes\n"));
}

static void a_blocked_output_costs_lines_and_says_how_many(void **state)
{
    pipe_log_t opened = start_pipe_log(LOG_LEVEL_DEBUG, *state);
    unsigned begun = 0;
    unsigned refused = 0;
    unsigned told = 0;
    unsigned written = 0;

    /* Nobody reads the pipe, so that the writer is held up once it is full; long lines fill it
     * soon. If log_begin() waited, this loop would never end. */
    char filler[1024];

    memset(filler, 'x', sizeof filler);
    filler[sizeof filler - 1] = '\0';
    while (refused < 5) {
        log_line_t *line = log_begin(opened.log, LOG_LEVEL_DEBUG, "line");

        refused += line == NULL;
        begun += line != NULL;
        log_text(line, "filler", filler);
        log_end(line);
    }

    /* Reading it lets the writer go on; the last lines tell what was left out. */
    char buffer[4096];

    apr_file_buffer_set(opened.in, buffer, sizeof buffer);
    while (written < begun || told < refused) {
        char text[2048];
        const char *count;

        assert_int_equal(apr_file_gets(text, sizeof text, opened.in), APR_SUCCESS);
        count = strstr(text, "log lines left out count=");
        if (count != NULL) {
            told += (unsigned)strtoul(count + strlen("log lines left out count="), NULL, 10);
        } else {
            written++;
        }
    }
    assert_int_equal(told, refused);
    assert_int_equal(written, begun);
    log_close(opened.log);
}

static void a_fixed_number_of_lines_can_be_begun(void **state)
{
    pipe_log_t opened = open_pipe_log(LOG_LEVEL_DEBUG, *state);
    log_line_t *begun[256];

    for (unsigned i = 0; i < 256; i++) {
        begun[i] = log_begin(opened.log, LOG_LEVEL_DEBUG, "line");
        assert_non_null(begun[i]);
    }
    assert_null(log_begin(opened.log, LOG_LEVEL_DEBUG, "one too many"));
    log_end(begun[7]);
    assert_ptr_equal(log_begin(opened.log, LOG_LEVEL_DEBUG, "in its place"), begun[7]);
    assert_null(log_begin(opened.log, LOG_LEVEL_DEBUG, "one too many"));
}

static void a_line_that_was_written_is_begun_again_before_others(void **state)
{
    pipe_log_t opened = open_pipe_log(LOG_LEVEL_DEBUG, *state);
    log_line_t *first = log_begin(opened.log, LOG_LEVEL_DEBUG, "first");

    log_end(first);
    assert_ptr_equal(log_begin(opened.log, LOG_LEVEL_DEBUG, "second"), first);
}

static unsigned count_of(const char *text, const char *content)
{
    unsigned count = 0;

    while ((content = strstr(content, text)) != NULL) {
        content += strlen(text);
        count++;
    }
    return count;
}

static void a_repeated_line_is_folded_and_others_are_counted(void **state)
{
    pipe_log_t opened = start_pipe_log(LOG_LEVEL_INFO, *state);

    for (int i = 0; i < 100; i++) {
        log_end(log_begin(opened.log, LOG_LEVEL_WARNING, "the same"));
    }
    for (int i = 0; i < 100; i++) {
        log_line_t *line = log_begin(opened.log, LOG_LEVEL_WARNING, "another");

        log_number(line, "number", i);
        log_end(line);
    }
    log_close(opened.log);

    /* However long this took, the sums agree; test_log_limit.c owns the clock. */
    const char *content = read_all(&opened, *state);
    unsigned written = 0;
    unsigned told = 0;

    for (const char *line = content; *line != '\0'; line = strchr(line, '\n') + 1) {
        const char *repeated = strstr(line, "repeated=");
        const char *left_out = strstr(line, "left out count=");
        const char *end = strchr(line, '\n');

        if (left_out != NULL && left_out < end) {
            told += (unsigned)strtoul(left_out + strlen("left out count="), NULL, 10);
        } else if (repeated != NULL && repeated < end) {
            told += (unsigned)strtoul(repeated + strlen("repeated="), NULL, 10);
        } else {
            written++;
        }
    }
    assert_int_equal(written + told, 200);
    assert_true(told > 0);
}

static void lines_that_must_not_be_lost_and_debug_lines_are_all_written(void **state)
{
    pipe_log_t opened = start_pipe_log(LOG_LEVEL_DEBUG, *state);

    for (int i = 0; i < 50; i++) {
        log_end(log_begin_waiting(opened.log, LOG_LEVEL_INFO, "kept"));
        log_end(log_begin_waiting(opened.log, LOG_LEVEL_DEBUG, "asked for"));
    }
    log_close(opened.log);

    const char *content = read_all(&opened, *state);

    assert_int_equal(count_of(" info kept\n", content), 50);
    assert_int_equal(count_of(" debug asked for\n", content), 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(lines_come_out_in_order),
        scene(before_the_writer_starts_a_line_is_written_as_it_ends),
        scene(levels_above_the_chosen_one_are_left_out),
        scene(the_level_can_change),
        scene(a_blocked_output_costs_lines_and_says_how_many),
        scene(a_fixed_number_of_lines_can_be_begun),
        scene(a_line_that_was_written_is_begun_again_before_others),
        scene(a_repeated_line_is_folded_and_others_are_counted),
        scene(lines_that_must_not_be_lost_and_debug_lines_are_all_written),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
