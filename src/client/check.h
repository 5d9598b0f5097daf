#ifndef UDPECHO_CHECK_H
#define UDPECHO_CHECK_H

/* How --check ends: what a monitoring plugin has to say, and in time, whatever the name service or
 * the readers of the output do. Main thread. */

#include "client/output/report_check.h"

typedef struct check check_t;

/* How much longer a check may take than what it sends, microseconds: for looking up names. With the
 * defaults that makes 9 seconds, one less than Nagios gives a plugin. */
#define CHECK_LOOKUPS_US (7 * APR_USEC_PER_SEC)

/* How much longer it may wait for replies: targets whose names are known by then have results. */
#define CHECK_DEADLINE_US (5 * APR_USEC_PER_SEC)

/* A check that writes to `out`. Lives as long as `pool`. */
check_t *check_create(apr_file_t *out, apr_pool_t *pool);

/* Ends the process with CHECK_UNKNOWN and a line that says so, unless check_end() is called within
 * `limit` microseconds. Errors: those of starting a thread and of creating a monitor. */
apr_status_t check_limit(check_t *check, apr_interval_time_t limit);

/* Writes `text`, which may take a second where nothing reads it. Once. */
void check_end(check_t *check, const char *text);

/* After check_end(): see output_is_held_up(). */
int check_is_held_up(const check_t *check);

#endif
