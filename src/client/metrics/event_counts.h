#ifndef UDPECHO_EVENT_COUNTS_H
#define UDPECHO_EVENT_COUNTS_H

/*
 * Counts from events what no probe keeps in numbers that never fall: refusals by reason, delays
 * each way, lookups that failed. The thread that measures tells the events; any other may read.
 */

#include "client/metrics/metric_table.h"
#include "client/metrics/time_counts.h"
#include "client/output/event.h"
#include "client/output/refusal.h"

/* How many metrics are times of one direction. */
#define ONE_WAY_TIMES (METRIC_TIMES - 1)

/* The counts of one peer. */
typedef struct peer_events {
    apr_uint64_t refused[REFUSALS];
    time_counts_t one_way[ONE_WAY_TIMES]; /* from METRIC_FORWARD_VARIATION on */
} peer_events_t;

/* The counts of one target. */
typedef struct target_lookups {
    const char *target;
    apr_uint64_t failures;
} target_lookups_t;

typedef struct event_counts event_counts_t;

/* Lives as long as `pool`, which is the caller's until the first event and then the measuring
 * thread's. Errors: those of apr_thread_mutex_create(). */
apr_status_t event_counts_create(event_counts_t **counts, apr_pool_t *pool);

/* What is to be told the events. Writes to no output. */
const report_t *event_counts_report(const event_counts_t *counts);

/* What happened to the peer of this run. Returns 0 if that has not started or has ended. Any
 * thread. */
int event_counts_read(event_counts_t *counts, const run_t *run, peer_events_t *events);

/* The targets whose lookup failed at least once: an array of target_lookups_t from `pool`, whose
 * texts live as long as `counts`. Any thread. */
apr_array_header_t *event_counts_lookups(event_counts_t *counts, apr_pool_t *pool);

#endif
