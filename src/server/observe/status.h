#ifndef UDPECHO_STATUS_H
#define UDPECHO_STATUS_H

/* What the service can tell of itself while it serves: to the log, a scraper of
 * metrics, udpechod --status. */

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_thread_mutex.h>
#include <apr_time.h>

#include "core/service.h"
#include "server/observe/counter_table.h"
#include "server/observe/readiness.h"
#include "server/observe/service_times.h"
#include "server/worker.h"
#include "udpecho/transport.h"

/* Where it is found. What is not atomic changes only before the workers begin, or under the
 * lock. */
typedef struct status_source {
    apr_thread_mutex_t *lock; /* of those who ask and of who changes; never a worker's */
    const platform_t *platform;
    const apr_array_header_t *listeners; /* of listener_t * */
    apr_uint64_t past_drops;             /* of the kernel, at listeners that are closed */
    worker_t *const *workers;
    unsigned worker_count;
    apr_time_t started; /* the wall clock */
    service_counters_t counters;
    readiness_source_t readiness;
    const stamp_basis_t *stamp; /* the sessions to report; NULL: unknown */
} status_source_t;

/* The protocol of a listener and, except for plain echo, its counts. */
typedef struct service_reading {
    protocol_t protocol;
    apr_uint64_t value[SERVICE_COUNTERS];
    apr_time_t first_request; /* the wall clock; 0: there was none */
    apr_time_t last_request;
} service_reading_t;

/* A reading of it. */
typedef struct status {
    counter_totals_t totals;
    service_time_totals_t service_times;
    int has_kernel_drops; /* 0: this system does not tell */
    apr_uint64_t kernel_drops;
    apr_uint64_t reload_failures;
    health_t health;
    readiness_t readiness;
    unsigned workers;
    apr_time_t started;
    const char *backend;
    const char *batching;
    const platform_t *platform;
    const apr_array_header_t *listeners; /* of listener_info_t */
    const apr_array_header_t *services;  /* of service_reading_t, one for each of these */
    apr_uint64_t sessions;               /* of STAMP */
    apr_uint64_t sessions_evicted;
} status_t;

/* Makes the source of a service that begins now and has no workers yet. Errors: those of creating a
 * mutex. */
apr_status_t status_source_create(status_source_t *source, const platform_t *platform,
                                  const apr_array_header_t *listeners, apr_pool_t *pool);

/* Sets the listeners. The kernel's drops at listeners that are removed are kept, so that the
 * number never decreases. Main thread, before they are closed. */
void status_listen(status_source_t *source, const apr_array_header_t *listeners);

/* The health as far as it is known without waking a worker: never HEALTH_STALLED. Any thread. */
health_t status_health(const status_source_t *source);

/* Reads all of it, once there are workers; what it points to is from `pool` or lives as long as the
 * source. The numbers are those of one moment as far as one worker goes, and of nearly one over
 * all. Never makes a worker wait; waits for them until each has gone round its loop, which takes a
 * second only where one hangs. Any thread, with a pool of its own. */
void status_read(status_t *status, status_source_t *source, apr_pool_t *pool);

/* The value of a counter of counter_table.h. Returns 0, and sets nothing, if this system does not
 * tell. Any thread. */
int status_counter(apr_uint64_t *value, const status_t *status, unsigned counter);

#endif
