#include "unit.h"

#include <apr_file_io.h>
#include <apr_thread_proc.h>

#include "common/file_print.h"
#include "udpecho/host.h"

/* More than a pipe holds. */
#define LENGTH ((apr_size_t)1 << 20)

typedef struct end {
    apr_file_t *read, *write;
    unsigned char received[LENGTH];
    apr_size_t count;
} end_t;

/* `timeout`: how long a write waits for room, microseconds; negative: until there is some. */
static end_t *open_end(apr_interval_time_t timeout, apr_pool_t *pool)
{
    end_t *end = apr_pcalloc(pool, sizeof *end);

    host_ignore_hang_ups();
    assert_int_equal(apr_file_pipe_create(&end->read, &end->write, pool), APR_SUCCESS);
    apr_file_pipe_timeout_set(end->read, -1);
    apr_file_pipe_timeout_set(end->write, timeout);
    return end;
}

static void *APR_THREAD_FUNC read_all(apr_thread_t *thread, void *data)
{
    end_t *end = data;

    (void)thread;
    apr_file_read_full(end->read, end->received, LENGTH, &end->count);
    return NULL;
}

static void a_print_is_as_of_printf(void **state)
{
    end_t *end = open_end(-1, *state);

    file_print(end->write, "%s %d\n", "number", 7);
    apr_file_close(end->write);
    apr_file_read_full(end->read, end->received, LENGTH, &end->count);
    assert_int_equal(end->count, 9);
    assert_memory_equal(end->received, "number 7\n", 9);
}

static void a_text_is_written_as_a_whole_to_a_file_that_may_be_full(void **state)
{
    static const apr_interval_time_t timeouts[] = {-1, 0, 1000};
    char *text = apr_palloc(*state, LENGTH);

    for (apr_size_t i = 0; i < LENGTH; i++) {
        text[i] = (char)(i * 7 + i / 256);
    }
    for (unsigned i = 0; i < sizeof timeouts / sizeof timeouts[0]; i++) {
        end_t *end = open_end(timeouts[i], *state);
        apr_thread_t *reader;
        apr_status_t ended;
        apr_size_t written;

        assert_int_equal(apr_thread_create(&reader, NULL, read_all, end, *state), APR_SUCCESS);
        assert_int_equal(file_write_whole(end->write, text, LENGTH, &written), APR_SUCCESS);
        assert_int_equal(written, LENGTH);
        apr_thread_join(&ended, reader);
        assert_int_equal(end->count, LENGTH);
        assert_memory_equal(end->received, text, LENGTH);
    }
}

static void a_file_that_nobody_reads_from_is_an_error(void **state)
{
    end_t *end = open_end(0, *state);
    apr_size_t written = 7;

    apr_file_close(end->read);
    assert_int_not_equal(file_write_whole(end->write, "text", 4, &written), APR_SUCCESS);
    assert_int_equal(written, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_print_is_as_of_printf),
        scene(a_text_is_written_as_a_whole_to_a_file_that_may_be_full),
        scene(a_file_that_nobody_reads_from_is_an_error),
    };

    return cmocka_run_group_tests_name("file_print", tests, NULL, NULL);
}
