#ifndef UDPECHO_LOG_SINK_H
#define UDPECHO_LOG_SINK_H

/* Where lines of the log end up: a file, or a log of the operating system. */

#include <apr_errno.h>
#include <apr_time.h>

typedef enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG
} log_level_t;

typedef struct log_sink {
    /* Writes one line in UTF-8, the line feed that ends it included, or nothing of it if there is
     * no room for `timeout` microseconds: APR_TIMEUP. Within a line it waits for as long as it
     * takes. Called by one thread at a time. Errors: those of write(2) and of its like; then the
     * line is lost. */
    apr_status_t (*write)(void *context, log_level_t level, const char *line, apr_size_t length,
                          apr_interval_time_t timeout);
    void *context;
} log_sink_t;

#endif
