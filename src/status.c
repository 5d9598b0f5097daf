#include "status.h"

#include "feature_table.h"

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

static void read_worker(status_t *status, worker_t *worker)
{
    echo_t *echo = worker_echo(worker);

    counters_sum(&status->totals, echo_counters(echo));
    service_times_sum(&status->service_times, worker_service_times(worker));
    status->is_degraded |= echo_is_degraded(echo);
}

static void read_listeners(status_t *status, const apr_array_header_t *listeners, apr_pool_t *pool)
{
    apr_array_header_t *infos = apr_array_make(pool, listeners->nelts, sizeof(listener_info_t));

    for (int i = 0; i < listeners->nelts; i++) {
        listener_t *listener = APR_ARRAY_IDX(listeners, i, listener_t *);

        APR_ARRAY_PUSH(infos, listener_info_t) = *listener_describe(listener);
        status->kernel_drops += listener_drops(listener);
    }
    status->listeners = infos;
}

void status_read(status_t *status, status_source_t *source, apr_pool_t *pool)
{
    *status = (status_t){
        .has_kernel_drops = platform_has(source->platform, FEATURE_DROP_COUNTER),
        .reload_failures = atomic_load(&source->counters.reload_failures),
        .started = source->started,
        .backend = transport_backend(worker_transport(source->workers[0])),
        .batching = features_batching(source->platform, pool),
    };
    apr_thread_mutex_lock(source->lock);
    status->workers = source->worker_count;
    status->kernel_drops = source->past_drops;
    for (unsigned i = 0; i < source->worker_count; i++) {
        read_worker(status, source->workers[i]);
    }
    read_listeners(status, source->listeners, pool);
    apr_thread_mutex_unlock(source->lock);
}

const char *status_health(const status_t *status)
{
    return status->is_degraded ? "degraded" : "ok";
}
