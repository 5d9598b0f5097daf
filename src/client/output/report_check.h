#ifndef UDPECHO_REPORT_CHECK_H
#define UDPECHO_REPORT_CHECK_H

/*
 * What a run came to as a monitoring plugin says it: a state, and one line of text with performance
 * data (https://www.monitoring-plugins.org/doc/guidelines.html). Where several peers were asked, a
 * line for each of them follows.
 */

#include "client/output/report.h"

/* The numbers are the exit codes of plugins. */
typedef enum check_state { CHECK_OK, CHECK_WARNING, CHECK_CRITICAL, CHECK_UNKNOWN } check_state_t;

/* What is worse makes a state. */
typedef struct check_threshold {
    apr_int64_t rtt;  /* of the mean round trip, microseconds; -1: none */
    apr_int64_t loss; /* millionths of what was due; -1: none */
} check_threshold_t;

typedef struct check_thresholds {
    check_threshold_t warning, critical;
} check_thresholds_t;

/* Takes note of the summaries, and writes nothing. Lives as long as `pool`; one thread at a time.
 */
report_t *report_check(const check_thresholds_t *thresholds, apr_pool_t *pool);

/* Before the run: adds a target, whose state is unknown without an event. */
void report_check_expect(const report_t *report, const char *host);

/* What the report has been told came to; after the run. `text` is set to what to write, a line or
 * more. */
check_state_t report_check_result(const report_t *report, const char **text, apr_pool_t *pool);

/* The line of a check that has failed, or had nothing to check. */
const char *check_unknown(const char *reason, apr_pool_t *pool);

#endif
