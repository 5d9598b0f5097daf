#include "server/workers.h"

#include "udpecho/clock.h"

/* How long to wait before looking again whether a worker is done with a batch. */
#define BATCH_PAUSE_US 1000

/* ---- Beginning ---- */

/* Runs in the worker's thread. The workers end together: whatever ended one, the count, the time
 * or a request, holds for all. */
static void on_ended(void *context)
{
    workers_t *workers = context;

    workers_stop(workers);
    if (atomic_fetch_sub(&workers->running, 1) == 1) {
        workers->ended(workers->context);
    }
}

apr_status_t workers_create(workers_t *workers, const worker_options_t *options, unsigned count,
                            void (*ended)(void *context), void *context, apr_pool_t *pool)
{
    worker_options_t of_each = *options;
    apr_status_t status = APR_SUCCESS;

    workers->count = count;
    workers->at = apr_pcalloc(pool, count * sizeof(worker_t *));
    workers->turns = apr_pcalloc(pool, count * sizeof *workers->turns);
    workers->ended = ended;
    workers->context = context;
    of_each.ended = on_ended;
    of_each.context = workers;
    for (unsigned i = 0; status == APR_SUCCESS && i < count; i++) {
        of_each.index = i;
        status = worker_create(&workers->at[i], &of_each, pool);
    }
    return status;
}

apr_status_t workers_start(workers_t *workers)
{
    apr_status_t status = APR_SUCCESS;
    unsigned started = 0;

    while (status == APR_SUCCESS && started < workers->count) {
        status = worker_start(workers->at[started]);
        started += status == APR_SUCCESS;
    }
    workers->count = started; /* those that there are to join */
    atomic_init(&workers->running, started);
    return status;
}

apr_status_t workers_share(const workers_t *workers, const apr_array_header_t *listeners)
{
    apr_status_t status = APR_SUCCESS;
    int has_changed = 0;

    for (int i = 0; i < listeners->nelts; i++) {
        has_changed |= listener_share(APR_ARRAY_IDX(listeners, i, listener_t *), workers->count);
    }
    for (unsigned i = 0; has_changed && status == APR_SUCCESS && i < workers->count; i++) {
        status = worker_listen_again(workers->at[i]);
    }
    return status;
}

/* ---- Changing ---- */

static int have_changed(const workers_t *workers, const echo_policy_t *old)
{
    for (unsigned i = 0; i < workers->count; i++) {
        if (echo_reads(worker_echo(workers->at[i]), old) || !worker_listens(workers->at[i])) {
            return 0;
        }
    }
    return 1;
}

void workers_change(const workers_t *workers, const echo_policy_t *old, const echo_policy_t *next,
                    const apr_array_header_t *listeners)
{
    for (unsigned i = 0; i < workers->count; i++) {
        echo_apply(worker_echo(workers->at[i]), next);
        worker_listen(workers->at[i], listeners);
    }
    while (!have_changed(workers, old)) {
        clock_pause(BATCH_PAUSE_US);
    }
}

int workers_look(workers_t *workers, apr_uint64_t *echoed)
{
    counter_totals_t totals = {{0}};
    int have_moved = 1;

    for (unsigned i = 0; i < workers->count; i++) {
        counters_sum(&totals, echo_counters(worker_echo(workers->at[i])));
        have_moved &= worker_has_moved(workers->at[i], workers->turns[i]);
        workers->turns[i] = worker_wake(workers->at[i]);
    }
    *echoed = totals.value[COUNTER_ECHOED];
    return have_moved;
}

/* ---- Ending ---- */

void workers_stop(const workers_t *workers)
{
    for (unsigned i = 0; i < workers->count; i++) {
        worker_stop(workers->at[i]);
    }
}

void workers_join(const workers_t *workers)
{
    for (unsigned i = 0; i < workers->count; i++) {
        worker_join(workers->at[i]);
    }
}

/* One that met the count or the end of the time asked the others to stop. */
echo_end_t workers_end(const workers_t *workers)
{
    echo_end_t end = ECHO_END_NONE;

    for (unsigned i = 0; i < workers->count; i++) {
        echo_end_t of_worker = echo_end(worker_echo(workers->at[i]));

        end = of_worker > end ? of_worker : end;
    }
    return end;
}
