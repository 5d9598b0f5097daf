#ifndef UDPECHO_LOG_H
#define UDPECHO_LOG_H

/*
 * The log: lines of named fields, written by a thread of their own, so that a slow terminal or a
 * full pipe never holds a worker up. The number of lines that may wait is fixed; when it is
 * reached, log_begin() gives no line. Of the lines that it gives, save those of level debug, at
 * most ten are written in a second: one that says the same again in this time is written once more
 * when it is over, with repeated=COUNT. The writer tells, once a second, how many lines were left
 * out.
 *
 *     log_line_t *line = log_begin(log, LOG_LEVEL_INFO, "listening");
 *
 *     log_endpoint(line, "address", &local);
 *     log_end(line);
 *
 * Every function takes a NULL line and does nothing with it.
 */

#include <apr_file_io.h>
#include <apr_pools.h>

#include "server/gate.h"
#include "udpecho/datagram.h"
#include "udpecho/log_sink.h"

/*
 * text    2026-01-31T12:00:00.000000Z info listening address=127.0.0.1:8888
 * logfmt  time=2026-01-31T12:00:00.000000Z level=info message=listening address=127.0.0.1:8888
 * json    {"time":"2026-01-31T12:00:00.000000Z","level":"info","message":"listening",...}
 *
 * Times are UTC (RFC 3339). Values with spaces, quotes, = or bytes that do not print are quoted
 * and escaped; JSON is that of RFC 8259. A byte of a text that is no UTF-8 is escaped like one of a
 * payload.
 */
typedef enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON } log_format_t;

/* The most of a payload that a line can show, bytes. */
#define LOG_PAYLOAD_MAX 1024

typedef struct log log_t;
typedef struct log_line log_line_t;

/* A sink that writes to `out`. */
log_sink_t log_to_file(apr_file_t *out);

/* Opens a log on `sink`. Until log_start(), each line is written as it ends, by the one thread that
 * there is. Lines above `level` are left out, and of a payload all except the first `payload_max`
 * bytes. Errors: those of creating a queue. */
apr_status_t log_open(log_t **log, log_sink_t sink, log_level_t level, log_format_t format,
                      apr_size_t payload_max, apr_pool_t *pool);

/* Starts the writer, from then on the only thread that calls the sink, once it has passed `gate`.
 * Apart from log_open(), since a thread keeps the privileges that it is started with. Errors: those
 * of apr_thread_create(). Main thread, before any other. */
apr_status_t log_start(log_t *log, gate_t *gate);

/* Writes what waits, waits for it to be written, for half a second if nobody reads it, and ends the
 * writer. No line may be begun after it. Errors: APR_TIMEUP if the sink holds the writer up in the
 * middle of a line: then it still runs, and the pool must live until the end of the process. Main
 * thread. */
apr_status_t log_close(log_t *log);

/* Changes the level that log_open() was given. Any thread. */
void log_set_level(log_t *log, log_level_t level);

/* The words for levels and formats, by their values; a NULL ends them. */
extern const char *const log_level_words[];
extern const char *const log_format_words[];

/* Non-zero if lines of this level are written. Any thread. */
int log_enabled(const log_t *log, log_level_t level);

/* Begins a line, or returns NULL if this level is not written or no more lines may wait. Never
 * waits for the output. Any thread. `message` must not need escaping. */
log_line_t *log_begin(log_t *log, log_level_t level, const char *message);

/* The same, but waits for room as long as the output moves, and the line is written whatever others
 * say: for the few lines that must not be lost, from a thread that may wait. */
log_line_t *log_begin_waiting(log_t *log, log_level_t level, const char *message);

/* Adds a field. One that does not fit is left out whole, and the line then ends in cut=1. Text is
 * UTF-8. */
void log_text(log_line_t *line, const char *name, const char *text);
void log_number(log_line_t *line, const char *name, apr_int64_t number);
void log_endpoint(log_line_t *line, const char *name, const endpoint_t *endpoint);

/* Adds a number that tells nothing while it is 0: then text leaves it out. Programs read the other
 * formats; there it is always. */
void log_count(log_line_t *line, const char *name, apr_uint64_t count);

/* Adds the first bytes of a payload: printable ASCII as it is, other bytes as \xNN, in JSON as
 * \u00NN, so that each character of the string is one byte. */
void log_payload(log_line_t *line, const char *name, const unsigned char *data, apr_size_t length);

/* The reason of a status, in words: error="Address already in use". */
void log_status(log_line_t *line, const char *name, apr_status_t status);

/* Hands the line to the writer; it is no longer the caller's. */
void log_end(log_line_t *line);

#endif
