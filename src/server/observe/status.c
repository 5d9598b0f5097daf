#include "server/observe/status.h"

#include <assert.h>

#include "server/observe/feature_table.h"
#include "udpecho/clock.h"

/* How long all workers may take to complete their loops. A worker whose receive call fails
 * pauses for as long, and is known to be degraded. */
#define STALL_US       APR_USEC_PER_SEC
#define STALL_PAUSE_US 1000

#define NS_PER_US 1000

apr_status_t status_source_create(status_source_t *source, const platform_t *platform,
                                  const apr_array_header_t *listeners, apr_pool_t *pool)
{
    *source = (status_source_t){
        .platform = platform,
        .listeners = listeners,
        .started = apr_time_now(),
    };
    return apr_thread_mutex_create(&source->lock, APR_THREAD_MUTEX_DEFAULT, pool);
}

static int has_listener(const apr_array_header_t *listeners, const listener_t *listener)
{
    for (int i = 0; i < listeners->nelts; i++) {
        if (APR_ARRAY_IDX(listeners, i, const listener_t *) == listener) {
            return 1;
        }
    }
    return 0;
}

void status_listen(status_source_t *source, const apr_array_header_t *listeners)
{
    apr_thread_mutex_lock(source->lock);
    for (int i = 0; i < source->listeners->nelts; i++) {
        listener_t *listener = APR_ARRAY_IDX(source->listeners, i, listener_t *);

        if (!has_listener(listeners, listener)) {
            source->past_drops += listener_drops(listener);
        }
    }
    source->listeners = listeners;
    apr_thread_mutex_unlock(source->lock);
}

health_t status_health(const status_source_t *source)
{
    health_t health = HEALTH_OK;

    for (unsigned i = 0; i < source->worker_count; i++) {
        if (worker_is_draining(source->workers[i])) {
            return HEALTH_DRAINING;
        }
        if (echo_is_degraded(worker_echo(source->workers[i]))) {
            health = HEALTH_DEGRADED;
        }
    }
    return health;
}

static void read_worker(status_t *status, worker_t *worker)
{
    counters_sum(&status->totals, echo_counters(worker_echo(worker)));
    service_times_sum(&status->service_times, worker_service_times(worker));
}

static int is_stalled(const status_source_t *source, apr_pool_t *pool)
{
    apr_uint64_t *turns = apr_palloc(pool, source->worker_count * sizeof *turns);
    apr_time_t deadline = clock_now() + STALL_US;

    for (unsigned i = 0; i < source->worker_count; i++) {
        turns[i] = worker_wake(source->workers[i]);
    }
    for (unsigned i = 0; i < source->worker_count; i++) {
        while (!worker_has_moved(source->workers[i], turns[i])) {
            if (clock_now() >= deadline) {
                return 1;
            }
            clock_pause(STALL_PAUSE_US);
        }
    }
    return 0;
}

static service_reading_t read_service(const service_t *service)
{
    service_reading_t reading = {.protocol = PROTOCOL_ECHO};

    if (service == NULL) {
        return reading;
    }
    reading.protocol = service->protocol;
    reading.first_request = atomic_load(&service->first_request) / NS_PER_US;
    reading.last_request = atomic_load(&service->last_request) / NS_PER_US;
    for (unsigned i = 0; i < SERVICE_COUNTERS; i++) {
        reading.value[i] = service_value(service, i);
    }
    return reading;
}

static void read_listeners(status_t *status, const apr_array_header_t *listeners,
                           apr_array_header_t *infos, apr_array_header_t *services)
{
    for (int i = 0; i < listeners->nelts; i++) {
        listener_t *listener = APR_ARRAY_IDX(listeners, i, listener_t *);

        APR_ARRAY_PUSH(infos, listener_info_t) = *listener_describe(listener);
        APR_ARRAY_PUSH(services, service_reading_t) = read_service(listener_service(listener));
        status->kernel_drops += listener_drops(listener);
    }
    status->listeners = infos;
    status->services = services;
}

void status_read(status_t *status, status_source_t *source, apr_pool_t *pool)
{
    assert(source->worker_count > 0);
    *status = (status_t){
        .has_kernel_drops = platform_has(source->platform, FEATURE_DROP_COUNTER),
        .reload_failures = atomic_load(&source->counters.reload_failures),
        .started = source->started,
        .backend = transport_backend(worker_transport(source->workers[0])),
        .batching = features_batching(source->platform, pool),
        .platform = source->platform,
    };
    /* All memory is taken before the lock: where there is none, this is left on the spot. */
    apr_array_header_t *infos = apr_array_make(pool, LISTENERS_MAX, sizeof(listener_info_t));
    apr_array_header_t *services = apr_array_make(pool, LISTENERS_MAX, sizeof(service_reading_t));

    apr_thread_mutex_lock(source->lock);
    status->workers = source->worker_count;
    status->kernel_drops = source->past_drops;
    for (unsigned i = 0; i < source->worker_count; i++) {
        read_worker(status, source->workers[i]);
    }
    status->health = status_health(source);
    read_listeners(status, source->listeners, infos, services);
    apr_thread_mutex_unlock(source->lock);
    const sessions_t *sessions =
        source->stamp != NULL ? atomic_load(&source->stamp->sessions) : NULL;

    if (sessions != NULL) {
        status->sessions = sessions_count(sessions, clock_now());
        status->sessions_evicted = sessions_evicted(sessions);
    }
    if (status->health == HEALTH_OK && is_stalled(source, pool)) {
        status->health = HEALTH_STALLED;
    }
    status->readiness = readiness_of(&source->readiness, status->health);
}

int status_counter(apr_uint64_t *value, const status_t *status, unsigned counter)
{
    assert(counter < COUNTERS_TOLD);
    switch (counter) {
    case COUNTER_KERNEL_DROPS:
        if (status->has_kernel_drops) {
            *value = status->kernel_drops;
        }
        return status->has_kernel_drops;
    case COUNTER_RELOAD_FAILURES:
        *value = status->reload_failures;
        return 1;
    default:
        *value = status->totals.value[counter];
        return 1;
    }
}
