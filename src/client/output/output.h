#ifndef UDPECHO_OUTPUT_H
#define UDPECHO_OUTPUT_H

/*
 * A file, or a log of the system, that is written to by a thread of its own. A pipe that nobody
 * reads, or a terminal that was stopped, holds up that thread without end, but those who write to
 * the output only until it is time to end.
 *
 * Where there is no output, NULL, starting, ending, closing and asking how it is are of no effect.
 */

#include <apr_file_io.h>
#include <apr_time.h>

#include "udpecho/log_sink.h"

typedef struct output output_t;

/* An output to `file`, which has `patience` microseconds when it is time to end. Until
 * output_start() what is written goes to the file at once, however long that takes. Lives as long
 * as `pool`. */
output_t *output_create(apr_file_t *file, apr_interval_time_t patience, apr_pool_t *pool);

/* The same to a log of the system in place of `file`, which nothing is written to: each line by a
 * call of its own, with this level. A line that the log does not take is lost. `log` is static. */
output_t *output_create_log(const log_sink_t *log, log_level_t level, apr_file_t *file,
                            apr_interval_time_t patience, apr_pool_t *pool);

apr_file_t *output_file(const output_t *output);

/* Starts the thread, which calls failed(context) if it cannot write to the file; NULL: nobody wants
 * to hear it at once. Errors: those of starting a thread and of creating a mutex or a condition. */
apr_status_t output_start(output_t *output, void (*failed)(void *context), void *context);

/* No write waits past this time, by clock_now(), except while the file continues to accept data,
 * and for the patience after it last did. An earlier limit stays. Does nothing if no thread was
 * started. Any thread. */
void output_end_at(output_t *output, apr_time_t end);

/* Writes whole lines, by one call for each PIPE_BUF of pipe(7) at most, so that the lines of two
 * outputs to one pipe do not mix. Waits where the file is slow. Does nothing once writing failed.
 * One thread at a time. */
void output_write(output_t *output, const char *lines);

/* Non-zero if nothing waits to be written but what is being written now. Any thread. */
int output_is_idle(output_t *output);

/* Why writing failed, APR_TIMEUP if the file took nothing when it was time to end, else
 * APR_SUCCESS. Any thread. */
apr_status_t output_status(const output_t *output);

/* Waits until all is written: see output_end_at(), whose time this is. May be called
 * again while the file holds up the thread. */
void output_close(output_t *output);

/* After output_close(): non-zero if the file holds up the thread still. Then the process must end
 * without apr_terminate(), which takes away the thread's memory. */
int output_is_held_up(const output_t *output);

#endif
