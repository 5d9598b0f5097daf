#ifndef UDPECHO_SERVICE_TIMES_H
#define UDPECHO_SERVICE_TIMES_H

/*
 * How long datagrams were in the server's hands: from the moment that the receive call returned
 * with them to the moment that the kernel had taken the replies of their batch. The clock is read
 * once at each end of a batch, so every datagram of a batch has the time of the whole; how long it
 * waited in the receive buffer before, nobody knows. What was dropped is counted as well, since it
 * took the same time.
 *
 * One worker adds, any thread may read.
 */

#include <apr_time.h>
#include <stdatomic.h>

/* Buckets with an upper bound; one more holds what took longer. */
#define SERVICE_TIME_BOUNDS 13

/* The longest time that belongs into each, microseconds. */
extern const apr_interval_time_t service_time_bounds_us[SERVICE_TIME_BOUNDS];

typedef struct service_times {
    _Atomic apr_uint64_t datagrams[SERVICE_TIME_BOUNDS + 1];
    _Atomic apr_uint64_t total_us;
} service_times_t;

/* A reading of the times of one worker, or the sum of several. */
typedef struct service_time_totals {
    apr_uint64_t datagrams[SERVICE_TIME_BOUNDS + 1];
    apr_uint64_t total_us; /* over all datagrams */
} service_time_totals_t;

/* Adds a batch that took 0 or more microseconds. Only the worker that owns `times`. */
void service_times_add(service_times_t *times, apr_interval_time_t took_us, unsigned datagrams);

/* Adds the present values to `totals`. Any thread. */
void service_times_sum(service_time_totals_t *totals, const service_times_t *times);

#endif
