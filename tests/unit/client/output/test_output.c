#include "unit.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <stdatomic.h>
#include <string.h>

#include "client/output/output.h"
#include "udpecho/clock.h"
#include "udpecho/host.h"

/* Pipes, which on every system take some tens of kilobytes and then nothing until somebody reads.
 */

#define PATIENCE_US 100000

/* More than a pipe and the output hold together. */
#define LINES_MANY 40000

#define LINE "a line of the report, as long as those of most datagrams are\n"

typedef struct end {
    apr_file_t *read, *write;
    output_t *output;
    atomic_int failures;
} end_t;

static void note_failure(void *context)
{
    end_t *end = context;

    atomic_fetch_add(&end->failures, 1);
}

static end_t *open_unstarted(apr_pool_t *pool)
{
    end_t *end = apr_pcalloc(pool, sizeof *end);

    host_ignore_hang_ups();
    assert_int_equal(apr_file_pipe_create(&end->read, &end->write, pool), APR_SUCCESS);
    apr_file_pipe_timeout_set(end->read, -1);
    apr_file_pipe_timeout_set(end->write, -1);
    end->output = output_create(end->write, PATIENCE_US, pool);
    return end;
}

static end_t *open_end(apr_pool_t *pool)
{
    end_t *end = open_unstarted(pool);

    assert_int_equal(output_start(end->output, note_failure, end), APR_SUCCESS);
    return end;
}

/* Until the output is closed and the pipe is empty. Returns how much there was. */
static apr_size_t read_to_the_end(end_t *end)
{
    static char buffer[65536];
    apr_size_t all = 0;
    apr_size_t length;

    do {
        length = sizeof buffer;
        if (apr_file_read(end->read, buffer, &length) != APR_SUCCESS) {
            return all;
        }
        all += length;
    } while (length > 0);
    return all;
}

/* Ends the call that holds up the thread, which needs the memory as long as it lives. */
static void release(end_t *end)
{
    apr_file_close(end->read);
    while (output_is_held_up(end->output)) {
        output_close(end->output);
    }
}

static void what_is_written_is_there_once_it_is_closed(void **state)
{
    end_t *end = open_end(*state);

    output_write(end->output, "one\n");
    output_write(end->output, "");
    output_write(end->output, "two\n");
    output_close(end->output);
    assert_int_equal(output_status(end->output), APR_SUCCESS);
    assert_false(output_is_held_up(end->output));
    apr_file_close(end->write);
    assert_int_equal(read_to_the_end(end), strlen("one\ntwo\n"));
}

static void without_a_thread_it_is_written_at_once(void **state)
{
    end_t *end = open_unstarted(*state);

    output_end_at(end->output, clock_now());
    output_write(end->output, "one\n");
    assert_int_equal(output_status(end->output), APR_SUCCESS);
    output_close(end->output);
    apr_file_close(end->write);
    assert_int_equal(read_to_the_end(end), strlen("one\n"));
}

static void what_a_slow_reader_leaves_is_told(void **state)
{
    end_t *end = open_end(*state);
    char *line = apr_pcalloc(*state, 1024);

    memset(line, '-', 1022);
    line[1022] = '\n';
    assert_true(output_is_idle(end->output));
    do { /* ends when the pipe is full, or before if this machine is slow */
        output_write(end->output, line);
        clock_pause(5000);
    } while (output_is_idle(end->output));
    output_close(end->output);
    release(end);
}

static void *APR_THREAD_FUNC write_many(apr_thread_t *thread, void *data)
{
    end_t *end = data;

    (void)thread;
    for (unsigned i = 0; i < LINES_MANY; i++) {
        output_write(end->output, LINE);
    }
    output_close(end->output);
    apr_file_close(end->write);
    return NULL;
}

static void a_slow_reader_gets_everything(void **state)
{
    end_t *end = open_end(*state);
    apr_thread_t *thread;
    apr_status_t status;

    assert_int_equal(apr_thread_create(&thread, NULL, write_many, end, *state), APR_SUCCESS);
    clock_pause(3 * PATIENCE_US); /* by then it waits for room */
    assert_int_equal(read_to_the_end(end), LINES_MANY * strlen(LINE));
    apr_thread_join(&status, thread);
    assert_int_equal(output_status(end->output), APR_SUCCESS);
}

static void a_text_longer_than_there_is_room_for_is_written_as_well(void **state)
{
    end_t *end = open_end(*state);
    apr_size_t length = 1000000;
    char *text = apr_palloc(*state, length + 1);

    memset(text, 'x', length);
    text[length] = '\0';
    output_end_at(end->output, clock_now());
    output_write(end->output, text); /* the pipe takes some, and then nothing */
    assert_int_equal(output_status(end->output), APR_TIMEUP);
    output_close(end->output);
    assert_true(output_is_held_up(end->output));
    release(end);
}

/* Without a reader, writes and the end return within their timeouts and report it. */
static void the_end_does_not_wait_for_a_missing_reader(void **state)
{
    end_t *end = open_end(*state);
    apr_time_t start = clock_now();

    output_end_at(end->output, start + PATIENCE_US);
    for (unsigned i = 0; i < LINES_MANY; i++) {
        output_write(end->output, LINE);
    }
    output_close(end->output);
    apr_interval_time_t took = clock_now() - start;

    assert_int_equal(output_status(end->output), APR_TIMEUP);
    assert_true(output_is_held_up(end->output));
    assert_in_range(took, PATIENCE_US, 10 * PATIENCE_US);
    release(end);
}

static void a_reader_that_went_away_is_told_at_once(void **state)
{
    end_t *end = open_end(*state);

    apr_file_close(end->read);
    output_write(end->output, LINE);
    for (unsigned i = 0; i < 1000 && atomic_load(&end->failures) == 0; i++) {
        clock_pause(10000);
    }
    assert_int_equal(atomic_load(&end->failures), 1);
    assert_int_not_equal(output_status(end->output), APR_SUCCESS);
    assert_int_not_equal(output_status(end->output), APR_TIMEUP);
    output_write(end->output, LINE); /* does nothing */
    output_close(end->output);
    assert_false(output_is_held_up(end->output));
}

/* ---- A log ---- */

typedef struct log {
    apr_array_header_t *lines; /* of const char *, each after its level */
    apr_status_t answer;
} log_t;

static apr_status_t keep_line(void *context, log_level_t level, const char *line, apr_size_t length,
                              apr_interval_time_t timeout)
{
    log_t *log = context;
    apr_pool_t *pool = log->lines->pool;

    (void)timeout;
    APR_ARRAY_PUSH(log->lines, const char *) =
        apr_psprintf(pool, "%d %s", (int)level, apr_pstrmemdup(pool, line, length));
    return log->answer;
}

/* Also where it does not take one. */
static void a_log_gets_each_line_by_itself(void **state)
{
    static const char *const expected[] = {"2 one\n", "2 two\n", "2 three\n"};
    log_t log = {apr_array_make(*state, 3, sizeof(const char *)), APR_EGENERAL};
    const log_sink_t sink = {keep_line, &log};
    output_t *output = output_create_log(&sink, LOG_LEVEL_INFO, NULL, PATIENCE_US, *state);

    output_write(output, "one\ntwo\n");
    assert_int_equal(log.lines->nelts, 2);
    assert_int_equal(output_start(output, NULL, NULL), APR_SUCCESS);
    output_write(output, "three\n");
    output_close(output);
    assert_int_equal(output_status(output), APR_SUCCESS);
    assert_int_equal(log.lines->nelts, 3);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(APR_ARRAY_IDX(log.lines, i, const char *), expected[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(what_is_written_is_there_once_it_is_closed),
        scene(without_a_thread_it_is_written_at_once),
        scene(what_a_slow_reader_leaves_is_told),
        scene(a_slow_reader_gets_everything),
        scene(a_text_longer_than_there_is_room_for_is_written_as_well),
        scene(the_end_does_not_wait_for_a_missing_reader),
        scene(a_reader_that_went_away_is_told_at_once),
        scene(a_log_gets_each_line_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
