#include "client/check.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <stdlib.h>

#include "common/memory.h"
#include "common/units.h"
#include "udpecho/clock.h"
#include "udpecho/monitor.h"

/* How long an output that takes nothing holds up the end. */
#define PATIENCE_US (750 * 1000)

struct check {
    output_t *output;
    monitor_t *monitor; /* of what follows; NULL: there is no limit yet */
    int is_over;        /* the thread that sets it writes the result */
    apr_time_t end;
    const char *too_late; /* what to write then */
    apr_thread_t *watcher;
    apr_pool_t *pool; /* which nobody else takes memory from */
};

check_t *check_create(apr_file_t *out, apr_pool_t *pool)
{
    check_t *check = apr_pcalloc(pool, sizeof *check);

    check->pool = memory_pool(pool);
    check->output = output_create(out, PATIENCE_US, check->pool);
    return check;
}

static void write_line(check_t *check, const char *text)
{
    output_start(check->output, NULL, NULL);
    output_write(check->output, text);
    output_close(check->output);
}

static void *APR_THREAD_FUNC watch(apr_thread_t *thread, void *data)
{
    check_t *check = data;
    apr_interval_time_t rest;

    (void)thread;
    monitor_lock(check->monitor);
    while (!check->is_over && (rest = check->end - clock_now()) > 0) {
        (void)monitor_wait(check->monitor, rest);
    }
    int is_too_late = !check->is_over;

    check->is_over = 1;
    monitor_unlock(check->monitor);
    if (is_too_late) {
        write_line(check, check->too_late);
        _Exit(CHECK_UNKNOWN); /* the main thread may be held up for long */
    }
    return NULL;
}

apr_status_t check_limit(check_t *check, apr_interval_time_t limit)
{
    apr_status_t status = monitor_create(&check->monitor, check->pool);

    if (status == APR_SUCCESS) {
        check->end = clock_now() + limit;
        check->too_late = check_unknown(apr_pstrcat(check->pool, "no result within ",
                                                    format_duration(limit, check->pool), NULL),
                                        check->pool);
        status = apr_thread_create(&check->watcher, NULL, watch, check, check->pool);
    }
    if (status != APR_SUCCESS) {
        check->monitor = NULL;
    }
    return status;
}

void check_end(check_t *check, const char *text)
{
    apr_status_t status;

    if (check->monitor != NULL) {
        monitor_lock(check->monitor);
        check->is_over = 1;
        monitor_wake_all(check->monitor);
        monitor_unlock(check->monitor);
        apr_thread_join(&status, check->watcher); /* if it is too late, this waits for the end */
    }
    write_line(check, text);
}

int check_is_held_up(const check_t *check)
{
    return output_is_held_up(check->output);
}
