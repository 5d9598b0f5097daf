#include "client/output/output.h"

#include <apr_thread_cond.h>
#include <apr_thread_proc.h>
#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "common/file_print.h"
#include "udpecho/clock.h"

/* What may wait to be written, twice, bytes. */
#define CAPACITY ((apr_size_t)64 * 1024)

/* What a pipe takes as a whole on Linux: PIPE_BUF of pipe(7). */
#define WHOLE 4096

/* How often to look whether there is room, when it is time to end. */
#define LOOK_INTERVAL_US 1000

/* How often to look at least: on a machine that stood still for longer than the patience, the
 * writer has its turn first. */
#define LOOKS_MIN 50

#define NEVER APR_INT64_MAX

struct output {
    apr_file_t *file;
    const log_sink_t *log; /* NULL: it goes to the file */
    log_level_t level;     /* of its lines there */
    apr_interval_time_t patience;
    apr_pool_t *pool;
    void (*failed)(void *context);
    void *context;
    apr_thread_t *writer; /* NULL before output_start() */
    apr_thread_mutex_t *lock;
    apr_thread_cond_t *changed; /* anything below */
    char *waiting;              /* to be written */
    apr_size_t length;          /* of that, bytes */
    char *spare;                /* the writer's own, in exchange */
    apr_time_t end;
    apr_time_t taken; /* when the file last took something */
    unsigned looks;   /* for how often it has been awaited since, when it was time to end */
    int is_closed;    /* nothing is added any more */
    int is_finished;  /* the writer has nothing left to do but to end */
    int is_held_up;   /* it had not when the output was closed */
    atomic_int status;
};

output_t *output_create(apr_file_t *file, apr_interval_time_t patience, apr_pool_t *pool)
{
    output_t *output = apr_pcalloc(pool, sizeof *output);

    output->file = file;
    output->patience = patience;
    output->pool = pool;
    output->end = NEVER;
    return output;
}

output_t *output_create_log(const log_sink_t *log, log_level_t level, apr_file_t *file,
                            apr_interval_time_t patience, apr_pool_t *pool)
{
    output_t *output = output_create(file, patience, pool);

    output->log = log;
    output->level = level;
    return output;
}

apr_file_t *output_file(const output_t *output)
{
    return output->file;
}

apr_status_t output_status(const output_t *output)
{
    return output == NULL ? APR_SUCCESS : atomic_load(&output->status);
}

/* The first failure is the one that is told. */
static void fail(output_t *output, apr_status_t status)
{
    int none = APR_SUCCESS;

    atomic_compare_exchange_strong(&output->status, &none, status);
}

/* ---- The writer ---- */

/* How much of the text to write by one call: lines as a whole, where they are not too long. */
static apr_size_t first_part(const char *text, apr_size_t length)
{
    apr_size_t part = WHOLE;

    if (length <= WHOLE) {
        return length;
    }
    while (part > 0 && text[part - 1] != '\n') {
        part--;
    }
    return part > 0 ? part : WHOLE;
}

static apr_size_t first_line(const char *text, apr_size_t length)
{
    const char *end = memchr(text, '\n', length);

    return end != NULL ? (apr_size_t)(end - text) + 1 : length;
}

/* A log that does not take a line may take the next one. */
static void log_line(const output_t *output, const char *line, apr_size_t length)
{
    (void)output->log->write(output->log->context, output->level, line, length, output->patience);
}

/* Sets `part` to how much of the text was written. */
static apr_status_t write_part(const output_t *output, const char *text, apr_size_t length,
                               apr_size_t *part)
{
    apr_size_t written;

    if (output->log != NULL) {
        *part = first_line(text, length);
        log_line(output, text, *part);
        return APR_SUCCESS;
    }
    *part = first_part(text, length);
    return file_write_whole(output->file, text, *part, &written);
}

static apr_status_t write_text(output_t *output, const char *text, apr_size_t length)
{
    apr_status_t status = APR_SUCCESS;

    while (length > 0 && status == APR_SUCCESS) {
        apr_size_t part;

        status = write_part(output, text, length, &part);
        text += part;
        length -= part;
        if (output->writer != NULL) {
            apr_thread_mutex_lock(output->lock);
            output->taken = clock_now();
            output->looks = 0;
            apr_thread_mutex_unlock(output->lock);
        }
    }
    return status;
}

/* Exchanges the buffers. Returns how much there is to write, 0 at the end. */
static apr_size_t take_waiting(output_t *output, char **text)
{
    apr_thread_mutex_lock(output->lock);
    while (output->length == 0 && !output->is_closed) {
        apr_thread_cond_wait(output->changed, output->lock);
    }
    apr_size_t length = output->length;

    *text = output->waiting;
    output->waiting = output->spare;
    output->spare = *text;
    output->length = 0;
    apr_thread_cond_broadcast(output->changed);
    apr_thread_mutex_unlock(output->lock);
    return length;
}

static void *APR_THREAD_FUNC write_waiting(apr_thread_t *thread, void *data)
{
    output_t *output = data;
    apr_status_t status = APR_SUCCESS;
    apr_size_t length;
    char *text;

    (void)thread;
    while (status == APR_SUCCESS && (length = take_waiting(output, &text)) > 0) {
        status = write_text(output, text, length);
    }
    fail(output, status);
    apr_thread_mutex_lock(output->lock);
    output->is_finished = 1;
    if (status != APR_SUCCESS && output->failed != NULL && !output->is_closed) {
        output->failed(output->context);
    }
    apr_thread_cond_broadcast(output->changed);
    apr_thread_mutex_unlock(output->lock);
    return NULL;
}

apr_status_t output_start(output_t *output, void (*failed)(void *context), void *context)
{
    apr_status_t status;

    if (output == NULL) {
        return APR_SUCCESS;
    }
    status = apr_thread_mutex_create(&output->lock, APR_THREAD_MUTEX_DEFAULT, output->pool);
    if (status == APR_SUCCESS) {
        status = apr_thread_cond_create(&output->changed, output->pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    output->failed = failed;
    output->context = context;
    output->waiting = apr_palloc(output->pool, CAPACITY);
    output->spare = apr_palloc(output->pool, CAPACITY);
    output->taken = clock_now();
    status = apr_thread_create(&output->writer, NULL, write_waiting, output, output->pool);
    if (status != APR_SUCCESS) {
        output->writer = NULL; /* APR has set it to what it could not start */
    }
    return status;
}

/* ---- Those who write ---- */

/* With the lock. Waits until something changed; returns 0 if it is no use any longer. */
static int await_change(output_t *output)
{
    if (output->is_finished) {
        return 0;
    }
    if (output->end == NEVER) {
        apr_thread_cond_wait(output->changed, output->lock);
        return 1;
    }
    apr_time_t since = output->taken > output->end ? output->taken : output->end;

    apr_time_t now = clock_now();

    if (now >= since && ++output->looks >= LOOKS_MIN && now >= since + output->patience) {
        return 0;
    }
    /* apr_thread_cond_timedwait() waits by the wall clock, which somebody may set back. */
    apr_thread_mutex_unlock(output->lock);
    clock_pause(LOOK_INTERVAL_US);
    apr_thread_mutex_lock(output->lock);
    return 1;
}

/* With the lock. Adds as much as there is room for in the end; returns 0 if there is none. */
static int add(output_t *output, const char *text, apr_size_t length)
{
    while (CAPACITY - output->length < length) {
        if (!await_change(output)) {
            return 0;
        }
    }
    memcpy(output->waiting + output->length, text, length);
    output->length += length;
    apr_thread_cond_broadcast(output->changed);
    return 1;
}

void output_write(output_t *output, const char *lines)
{
    apr_size_t length = strlen(lines);

    if (output->writer == NULL && output_status(output) == APR_SUCCESS) {
        fail(output, write_text(output, lines, length));
        return;
    }
    while (length > 0 && output_status(output) == APR_SUCCESS) {
        apr_size_t part = length < CAPACITY ? length : CAPACITY;

        apr_thread_mutex_lock(output->lock);
        if (!add(output, lines, part)) {
            fail(output, APR_TIMEUP);
        }
        apr_thread_mutex_unlock(output->lock);
        lines += part;
        length -= part;
    }
}

int output_is_idle(output_t *output)
{
    if (output->writer == NULL) {
        return 1;
    }
    apr_thread_mutex_lock(output->lock);
    int is_idle = output->length == 0;

    apr_thread_mutex_unlock(output->lock);
    return is_idle;
}

void output_end_at(output_t *output, apr_time_t end)
{
    if (output == NULL || output->writer == NULL) {
        return;
    }
    apr_thread_mutex_lock(output->lock);
    output->end = end < output->end ? end : output->end;
    apr_thread_cond_broadcast(output->changed);
    apr_thread_mutex_unlock(output->lock);
}

void output_close(output_t *output)
{
    apr_status_t status;

    if (output == NULL || output->writer == NULL) {
        return;
    }
    output_end_at(output, clock_now());
    apr_thread_mutex_lock(output->lock);
    output->is_closed = 1;
    apr_thread_cond_broadcast(output->changed);
    while (await_change(output)) {
    }
    output->is_held_up = !output->is_finished;
    apr_thread_mutex_unlock(output->lock);
    if (output->is_held_up) {
        fail(output, APR_TIMEUP);
    } else {
        apr_thread_join(&status, output->writer);
    }
}

int output_is_held_up(const output_t *output)
{
    assert(output == NULL || output->writer == NULL || output->is_closed);
    return output != NULL && output->is_held_up;
}
