#include "log.h"

#include <apr_queue.h>
#include <apr_thread_proc.h>
#include <apr_time.h>
#include <stdatomic.h>

#include "log_line.h"

/* How many lines may wait to be written. */
#define LINES_MAX 256

struct log {
    atomic_int level; /* a log_level_t */
    log_sink_t sink;
    apr_queue_t *unused;  /* lines that may be begun */
    apr_queue_t *waiting; /* lines that were ended; NULL tells the writer to end */
    atomic_uint left_out; /* lines that found none unused */
    log_line_t *notice;   /* the writer's own, to tell how many */
    apr_thread_t *writer;
};

static log_line_t *line_create(log_t *log, log_format_t format, apr_size_t payload_max,
                               apr_pool_t *pool)
{
    log_line_t *line = apr_palloc(pool, sizeof *line);

    line->log = log;
    line->format = format;
    line->payload_max = payload_max;
    return line;
}

static void write_line(log_t *log, log_line_t *line)
{
    log->sink.write(log->sink.context, line->level, line->text, line->length);
}

static void tell_left_out(log_t *log)
{
    unsigned count = atomic_exchange(&log->left_out, 0);

    if (count > 0) {
        log_line_start(log->notice, apr_time_now(), LOG_LEVEL_WARNING, "log lines left out");
        log_number(log->notice, "count", count);
        log_line_finish(log->notice);
        write_line(log, log->notice);
    }
}

static void *APR_THREAD_FUNC write_lines(apr_thread_t *thread, void *data)
{
    log_t *log = data;
    void *line;

    (void)thread;
    while (apr_queue_pop(log->waiting, &line) == APR_SUCCESS && line != NULL) {
        write_line(log, line);
        apr_queue_push(log->unused, line);
        tell_left_out(log);
    }
    tell_left_out(log);
    return NULL;
}

static void write_to_file(void *file, log_level_t level, const char *line, apr_size_t length)
{
    (void)level;
    apr_file_write_full(file, line, length, NULL);
}

log_sink_t log_to_file(apr_file_t *out)
{
    return (log_sink_t){write_to_file, out};
}

apr_status_t log_open(log_t **opened, log_sink_t sink, log_level_t level, log_format_t format,
                      apr_size_t payload_max, apr_pool_t *pool)
{
    log_t *log = apr_pcalloc(pool, sizeof *log);
    apr_status_t status = apr_queue_create(&log->unused, LINES_MAX, pool);

    if (status == APR_SUCCESS) {
        /* One more for the NULL, so that handing over a line never waits. */
        status = apr_queue_create(&log->waiting, LINES_MAX + 1, pool);
    }
    for (int i = 0; status == APR_SUCCESS && i < LINES_MAX; i++) {
        status = apr_queue_push(log->unused, line_create(log, format, payload_max, pool));
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    log_set_level(log, level);
    log->sink = sink;
    log->notice = line_create(log, format, payload_max, pool);
    *opened = log;
    return apr_thread_create(&log->writer, NULL, write_lines, log, pool);
}

void log_close(log_t *log)
{
    apr_status_t status;

    apr_queue_push(log->waiting, NULL);
    apr_thread_join(&status, log->writer);
}

void log_set_level(log_t *log, log_level_t level)
{
    atomic_store_explicit(&log->level, (int)level, memory_order_relaxed);
}

int log_enabled(const log_t *log, log_level_t level)
{
    return (int)level <= atomic_load_explicit(&log->level, memory_order_relaxed);
}

log_line_t *log_begin(log_t *log, log_level_t level, const char *message)
{
    void *line;

    if (!log_enabled(log, level)) {
        return NULL;
    }
    if (apr_queue_trypop(log->unused, &line) != APR_SUCCESS) {
        atomic_fetch_add(&log->left_out, 1);
        return NULL;
    }
    log_line_start(line, apr_time_now(), level, message);
    return line;
}

log_line_t *log_begin_waiting(log_t *log, log_level_t level, const char *message)
{
    void *line;

    if (!log_enabled(log, level) || apr_queue_pop(log->unused, &line) != APR_SUCCESS) {
        return NULL;
    }
    log_line_start(line, apr_time_now(), level, message);
    return line;
}

void log_end(log_line_t *line)
{
    if (line != NULL) {
        log_line_finish(line);
        apr_queue_push(line->log->waiting, line);
    }
}
