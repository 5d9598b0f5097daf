#ifndef UDPECHO_TIMED_LINES_H
#define UDPECHO_TIMED_LINES_H

/* Lines of text with the time in front of each. */

#include <apr_pools.h>
#include <apr_time.h>

typedef enum line_times {
    LINE_TIMES_NONE,
    LINE_TIMES_EPOCH, /* "[1700000000.123456] ", seconds since 1970 UTC, as by ping -D of iputils */
    LINE_TIMES_ISO    /* "2023-11-14T22:13:20.123456Z ", UTC (RFC 3339) */
} line_times_t;

/* `lines`, each of which ends in a line feed, with `time` in front of each one: microseconds since
 * 1970. From `pool`; with LINE_TIMES_NONE, `lines` itself. Any thread. */
const char *timed_lines(const char *lines, line_times_t times, apr_time_t time, apr_pool_t *pool);

#endif
