#include "log.h"

#include <apr_thread_proc.h>
#include <apr_time.h>
#include <stdatomic.h>

#include "log_limit.h"
#include "log_line.h"
#include "log_queue.h"
#include "udpecho/host.h"

/* How many lines may wait to be written. */
#define LINES_MAX 256

/* How long to wait before trying again a file that is full. */
#define FULL_PAUSE_US 10000

struct log {
    atomic_int level; /* a log_level_t */
    log_sink_t sink;
    log_format_t format;
    apr_size_t payload_max;
    log_line_t *lines;    /* all there may be; memory that is never used is never taken */
    atomic_uint fresh;    /* the first of them that was never begun */
    log_queue_t *unused;  /* those that were, and may be again */
    log_queue_t *waiting; /* lines that were ended */
    atomic_uint left_out; /* lines that found none unused */
    log_limit_t limit;    /* the writer's own */
    log_line_t *notice;   /* too, to tell how many lines were left out. It ends the writer when it
                             comes out of the queue */
    apr_thread_t *writer; /* NULL before log_start() */
    gate_t *gate;
    apr_pool_t *pool;
};

static log_line_t *line_init(log_line_t *line, log_t *log)
{
    line->log = log;
    line->format = log->format;
    line->payload_max = log->payload_max;
    return line;
}

/* One that was used before goes first, so that no more lines take memory than were ever in use at a
 * time. */
static log_line_t *take_unused(log_t *log, apr_interval_time_t timeout)
{
    log_line_t *line = log_queue_pop(log->unused, 0);

    if (line == NULL && atomic_load(&log->fresh) < LINES_MAX) {
        unsigned fresh = atomic_fetch_add(&log->fresh, 1);

        line = fresh < LINES_MAX ? line_init(&log->lines[fresh], log) : NULL;
    }
    return line != NULL ? line : log_queue_pop(log->unused, timeout);
}

/* ---- The writer ---- */

static void write_line(const log_t *log, const log_line_t *line)
{
    log->sink.write(log->sink.context, line->level, line->text, line->length);
}

/* Tells of what was not written, as far as it is time to. */
static void tell_unwritten(log_t *log, apr_time_t now)
{
    const log_line_t *line;
    unsigned count;

    while ((line = log_limit_repeat(&log->limit, now, apr_time_now())) != NULL) {
        write_line(log, line);
    }
    log_limit_leave_out(&log->limit, atomic_exchange(&log->left_out, 0));
    count = log_limit_notice(&log->limit, now);
    if (count > 0) {
        log_line_start(log->notice, apr_time_now(), LOG_LEVEL_WARNING, "log lines left out");
        log_number(log->notice, "count", count);
        log_line_finish(log->notice);
        write_line(log, log->notice);
    }
}

/* Debug lines are what somebody asked for to have them all. */
static int may_write(log_t *log, const log_line_t *line, apr_time_t now)
{
    return line->is_kept || line->level == LOG_LEVEL_DEBUG ||
           log_limit_admit(&log->limit, line, now);
}

/* Writes a line if it may be, which can be begun again then; NULL: only what is due to be told. */
static void take_line(log_t *log, log_line_t *line, apr_time_t now)
{
    tell_unwritten(log, now);
    if (line != NULL) {
        if (may_write(log, line, now)) {
            write_line(log, line);
        }
        log_queue_push(log->unused, line);
    }
}

static void *APR_THREAD_FUNC write_lines(apr_thread_t *thread, void *data)
{
    log_t *log = data;
    log_line_t *line = NULL;

    (void)thread;
    gate_pass(log->gate);
    while (line != log->notice) {
        apr_time_t now = clock_now();

        take_line(log, line, now);
        line = log_queue_pop(log->waiting, log_limit_wait(&log->limit, now));
    }
    return NULL;
}

static void write_to_file(void *file, log_level_t level, const char *line, apr_size_t length)
{
    apr_size_t written;
    apr_status_t status;

    (void)level;
    /* Somebody who shares the file may have made it non-blocking. When it is full, APR looks once
     * whether there is room again, and gives up in the middle of a line. */
    while ((status = apr_file_write_full(file, line, length, &written)) != APR_SUCCESS &&
           (APR_STATUS_IS_TIMEUP(status) || APR_STATUS_IS_EAGAIN(status))) {
        line += written;
        length -= written;
        clock_pause(FULL_PAUSE_US);
    }
}

log_sink_t log_to_file(apr_file_t *out)
{
    return (log_sink_t){write_to_file, out};
}

/* ---- Opening and closing ---- */

apr_status_t log_open(log_t **opened, log_sink_t sink, log_level_t level, log_format_t format,
                      apr_size_t payload_max, apr_pool_t *pool)
{
    log_t *log = apr_pcalloc(pool, sizeof *log);
    apr_status_t status = log_queue_create(&log->unused, pool);

    if (status == APR_SUCCESS) {
        status = log_queue_create(&log->waiting, pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    log_set_level(log, level);
    log->sink = sink;
    log->format = format;
    log->payload_max = payload_max;
    log->lines = apr_palloc(pool, LINES_MAX * sizeof *log->lines);
    log->notice = line_init(apr_palloc(pool, sizeof *log->notice), log);
    log->pool = pool;
    *opened = log;
    return APR_SUCCESS;
}

apr_status_t log_start(log_t *log, gate_t *gate)
{
    apr_thread_t *writer;

    log->gate = gate;
    apr_status_t status = apr_thread_create(&writer, NULL, write_lines, log, log->pool);

    log->writer = status == APR_SUCCESS ? writer : NULL;
    return status;
}

void log_close(log_t *log)
{
    apr_status_t status;

    if (log->writer != NULL) {
        log_queue_push(log->waiting, log->notice);
        apr_thread_join(&status, log->writer);
    }
    log_limit_end(&log->limit);
    tell_unwritten(log, clock_now());
}

void log_set_level(log_t *log, log_level_t level)
{
    atomic_store_explicit(&log->level, (int)level, memory_order_relaxed);
}

int log_enabled(const log_t *log, log_level_t level)
{
    return (int)level <= atomic_load_explicit(&log->level, memory_order_relaxed);
}

/* ---- Lines ---- */

log_line_t *log_begin(log_t *log, log_level_t level, const char *message)
{
    if (!log_enabled(log, level)) {
        return NULL;
    }
    log_line_t *line = take_unused(log, 0);

    if (line == NULL) {
        atomic_fetch_add(&log->left_out, 1);
        return NULL;
    }
    log_line_start(line, apr_time_now(), level, message);
    return line;
}

log_line_t *log_begin_waiting(log_t *log, log_level_t level, const char *message)
{
    log_line_t *line = log_enabled(log, level) ? take_unused(log, -1) : NULL;

    if (line != NULL) {
        log_line_start(line, apr_time_now(), level, message);
        line->is_kept = 1;
    }
    return line;
}

void log_end(log_line_t *line)
{
    if (line == NULL) {
        return;
    }
    log_line_finish(line);
    if (line->log->writer != NULL) {
        log_queue_push(line->log->waiting, line);
    } else {
        take_line(line->log, line, clock_now());
    }
}
