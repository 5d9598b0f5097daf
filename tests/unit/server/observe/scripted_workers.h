#ifndef UDPECHO_SCRIPTED_WORKERS_H
#define UDPECHO_SCRIPTED_WORKERS_H

/* Workers that are as a test says, without threads. They are linked in place of those of
 * src/server/worker.c. */

#include "server/observe/status.h"
#include "udpecho/clock.h"

struct worker {
    echo_t *echo;
    service_times_t times;
    int is_draining;
    apr_time_t moves_at; /* by clock_now(): when it next goes round its loop; 0: at once */
};

struct transport {
    const char *backend;
};

echo_t *worker_echo(worker_t *worker)
{
    return worker->echo;
}

const service_times_t *worker_service_times(const worker_t *worker)
{
    return &worker->times;
}

int worker_is_draining(const worker_t *worker)
{
    return worker->is_draining;
}

apr_uint64_t worker_wake(worker_t *worker)
{
    (void)worker;
    return 1;
}

int worker_has_moved(const worker_t *worker, apr_uint64_t turn)
{
    return turn == 1 && clock_now() >= worker->moves_at;
}

const transport_t *worker_transport(const worker_t *worker)
{
    static const transport_t transport = {"a backend"};

    (void)worker;
    return &transport;
}

const char *transport_backend(const transport_t *transport)
{
    return transport->backend;
}

#define WORKERS 2

typedef struct scripted {
    platform_t platform; /* which has everything */
    worker_t workers[WORKERS];
    worker_t *all[WORKERS];
    status_source_t source; /* of these workers */
} scripted_t;

/* Workers that serve and have received nothing yet; `listeners` are those of the source. */
static scripted_t *script_workers(const apr_array_header_t *listeners, apr_pool_t *pool)
{
    scripted_t *scripted = apr_pcalloc(pool, sizeof *scripted);
    echo_policy_t *policy = apr_pcalloc(pool, sizeof *policy);

    policy->quota = echo_quota_create(0, pool);
    assert_int_equal(status_source_create(&scripted->source, &scripted->platform, listeners, pool),
                     APR_SUCCESS);
    for (unsigned i = 0; i < FEATURES; i++) {
        scripted->platform.features[i].by = "a call";
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        scripted->workers[i].echo = echo_create(policy, 0, pool);
        scripted->all[i] = &scripted->workers[i];
    }
    scripted->source.workers = scripted->all;
    scripted->source.worker_count = WORKERS;
    return scripted;
}

#endif
