#ifndef UDPECHO_LOG_LINE_H
#define UDPECHO_LOG_LINE_H

/* One line of the log while it is being written. Between log.c, which owns the lines, and
 * log_line.c, which fills them. */

#include "server/log/log.h"

/* Room for the longest payload, each byte of it as \u00NN, and for a dozen other fields. */
#define LOG_LINE_MAX 8192

struct log_line {
    log_t *log;
    struct log_line *next; /* in the queue that it is in */
    log_level_t level;
    log_format_t format;
    apr_size_t payload_max;
    int is_kept;           /* the log's limit does not hold for it */
    int overflow;          /* the field that is being added does not fit */
    int cut;               /* a field did not fit */
    apr_size_t after_time; /* where the time ends, which all lines of a format have at one place */
    apr_size_t end;        /* where log_line_finish() went on from */
    apr_size_t length;
    char text[LOG_LINE_MAX];
};

/* Empties the line and writes what every line begins with. */
void log_line_start(log_line_t *line, apr_time_t time, log_level_t level, const char *message);

/* Writes what every line ends with, the line feed included. */
void log_line_finish(log_line_t *line);

/* Takes a finished line up again, with another time; more fields can follow. */
void log_line_reopen(log_line_t *line, apr_time_t time);

#endif
