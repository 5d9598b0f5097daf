#include "server/log/log.h"

#include <apr_poll.h>
#include <apr_portable.h>
#include <apr_thread_proc.h>
#include <apr_time.h>
#include <assert.h>
#include <stdatomic.h>

#include "common/file_print.h"
#include "server/log/log_limit.h"
#include "server/log/log_line.h"
#include "server/log/log_queue.h"
#include "udpecho/clock.h"

/* How many lines may wait to be written. */
#define LINES_MAX 256

/* How long the writer waits for room before it looks whether the log is being closed; a thread, for
 * a line, of an output that does not move; and log_close(), for lines to be written and for the
 * writer to end then. A user who asks the process to end waits for these three at most. */
#define ROOM_US     (100 * 1000)
#define PATIENCE_US (300 * 1000)
#define CLOSE_US    (400 * 1000)
#define JOIN_US     (200 * 1000)

struct log {
    atomic_int level; /* a log_level_t */
    log_sink_t sink;
    log_format_t format;
    apr_size_t payload_max;
    log_line_t *lines;    /* all there may be; pages that are never used are not in memory */
    atomic_uint fresh;    /* the first of them that was never begun */
    log_queue_t *unused;  /* those that were, and may be again */
    log_queue_t *waiting; /* lines that were ended */
    atomic_uint left_out; /* lines that found none unused */
    atomic_int
        is_stuck; /* a thread waited until its time was over, and nothing was written since */
    _Atomic apr_time_t ends_at; /* when the writer waits no longer; 0: it has the time */
    atomic_int is_closed;
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

/* Reuses a line first, so that lines take only as much memory as were ever in use at a time. */
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

/* How long one attempt to write may wait; 0: it is the last. Without a writer, the thread that
 * begins lines is the one that waits. */
static apr_interval_time_t patience(const log_t *log)
{
    apr_time_t ends_at = atomic_load(&log->ends_at);

    if (log->writer == NULL) {
        return atomic_load(&log->is_stuck) ? 0 : PATIENCE_US;
    }
    if (ends_at == 0) {
        return ROOM_US;
    }
    apr_interval_time_t left = ends_at - clock_now();

    return left < 0 ? 0 : left < ROOM_US ? left : ROOM_US;
}

/* Returns 0 if the line is lost. */
static int write_line(log_t *log, const log_line_t *line)
{
    apr_interval_time_t timeout;
    apr_status_t status;

    do {
        timeout = patience(log);
        status = log->sink.write(log->sink.context, line->level, line->text, line->length, timeout);
    } while (APR_STATUS_IS_TIMEUP(status) && timeout > 0 && log->writer != NULL);
    if (status == APR_SUCCESS || log->writer == NULL) {
        atomic_store(&log->is_stuck, APR_STATUS_IS_TIMEUP(status));
    }
    return status == APR_SUCCESS;
}

static void write_or_count(log_t *log, const log_line_t *line)
{
    if (!write_line(log, line)) {
        log_limit_leave_out(&log->limit, 1);
    }
}

/* Tells of what was not written, as far as it is time to. */
static void tell_unwritten(log_t *log, apr_time_t now)
{
    const log_line_t *line;
    unsigned count;

    while ((line = log_limit_repeat(&log->limit, now, apr_time_now())) != NULL) {
        write_or_count(log, line);
    }
    log_limit_leave_out(&log->limit, atomic_exchange(&log->left_out, 0));
    count = log_limit_notice(&log->limit, now);
    if (count > 0) {
        log_line_start(log->notice, apr_time_now(), LOG_LEVEL_WARNING, "log lines left out");
        log_number(log->notice, "count", count);
        log_line_finish(log->notice);
        if (!write_line(log, log->notice)) {
            log_limit_leave_out(&log->limit, count); /* to be told later */
        }
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
            write_or_count(log, line);
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
    log_queue_push(log->unused, log->notice); /* for log_close() */
    return NULL;
}

typedef struct file_sink {
    apr_file_t *file;
    int is_cut; /* the last line was written in part */
} file_sink_t;

/* A pipe that is said to be writable has room for the line, as no line but those of long payloads
 * is longer than what a pipe takes as a whole (PIPE_BUF of pipe(7)). Systems that cannot be asked
 * about files just write. */
static int has_room(apr_file_t *file, apr_interval_time_t timeout)
{
    apr_int32_t ready;
    apr_pollfd_t wanted = {
        .p = apr_file_pool_get(file),
        .desc_type = APR_POLL_FILE,
        .desc.f = file,
        .reqevents = APR_POLLOUT,
    };

    return !APR_STATUS_IS_TIMEUP(apr_poll(&wanted, 1, &ready, timeout));
}

static apr_status_t write_to_file(void *context, log_level_t level, const char *line,
                                  apr_size_t length, apr_interval_time_t timeout)
{
    file_sink_t *sink = context;
    apr_size_t written;

    (void)level;
    if (!has_room(sink->file, timeout)) {
        return APR_TIMEUP;
    }
    if (sink->is_cut) {
        apr_file_putc('\n', sink->file);
    }
    apr_status_t status = file_write_whole(sink->file, line, length, &written);

    sink->is_cut = status != APR_SUCCESS && written > 0;
    return status;
}

log_sink_t log_to_file(apr_file_t *out)
{
    file_sink_t *sink = apr_pcalloc(apr_file_pool_get(out), sizeof *sink);

    sink->file = out;
    return (log_sink_t){write_to_file, sink};
}

/* ---- Opening and closing ---- */

apr_status_t log_open(log_t **opened, log_sink_t sink, log_level_t level, log_format_t format,
                      apr_size_t payload_max, apr_pool_t *pool)
{
    assert(payload_max <= LOG_PAYLOAD_MAX);
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

    assert(log->writer == NULL);
    log->gate = gate;
    apr_status_t status = apr_thread_create(&writer, NULL, write_lines, log, log->pool);

    log->writer = status == APR_SUCCESS ? writer : NULL;
    return status;
}

/* Waits until the writer has written everything; not for longer if the output blocks it in the
 * middle of a line. */
static int await_writer(log_t *log)
{
    apr_time_t until = clock_now() + CLOSE_US + JOIN_US;
    const log_line_t *line = NULL;

    for (apr_interval_time_t left = until - clock_now(); line != log->notice && left > 0;
         left = until - clock_now()) {
        line = log_queue_pop(log->unused, left);
    }
    return line == log->notice;
}

apr_status_t log_close(log_t *log)
{
    apr_status_t status;

    atomic_store(&log->is_closed, 1);
    if (log->writer != NULL) {
        atomic_store(&log->ends_at, clock_now() + CLOSE_US);
        log_queue_push(log->waiting, log->notice);
        if (!await_writer(log)) {
            return APR_TIMEUP;
        }
        apr_thread_join(&status, log->writer);
    }
    log_limit_end(&log->limit);
    tell_unwritten(log, clock_now());
    return APR_SUCCESS;
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

static log_line_t *begin(log_t *log, log_level_t level, const char *message,
                         apr_interval_time_t timeout)
{
    assert(!atomic_load_explicit(&log->is_closed, memory_order_relaxed));
    if (!log_enabled(log, level)) {
        return NULL;
    }
    log_line_t *line = take_unused(log, timeout);

    if (line == NULL) {
        atomic_fetch_add(&log->left_out, 1);
        return NULL;
    }
    log_line_start(line, apr_time_now(), level, message);
    return line;
}

log_line_t *log_begin(log_t *log, log_level_t level, const char *message)
{
    return begin(log, level, message, 0);
}

log_line_t *log_begin_waiting(log_t *log, log_level_t level, const char *message)
{
    log_line_t *line = begin(log, level, message, atomic_load(&log->is_stuck) ? 0 : PATIENCE_US);

    if (line != NULL) {
        line->is_kept = 1;
    } else if (log_enabled(log, level)) {
        atomic_store(&log->is_stuck, 1);
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
