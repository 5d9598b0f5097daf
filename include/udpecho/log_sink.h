#ifndef UDPECHO_LOG_SINK_H
#define UDPECHO_LOG_SINK_H

/* Where lines of the log end up: a file, or a log of the operating system. */

#include <apr.h>

typedef enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG
} log_level_t;

typedef struct log_sink {
    /* Writes one line in UTF-8, the line feed that ends it included. It may wait; it is called by
     * one thread at a time. There is nowhere to tell of an error of the log itself. */
    void (*write)(void *context, log_level_t level, const char *line, apr_size_t length);
    void *context;
} log_sink_t;

#endif
