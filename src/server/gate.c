#include "server/gate.h"

#include <apr_thread_cond.h>
#include <assert.h>

struct gate {
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *changed;
    unsigned waiting;
    int is_decided;
    int is_open;
};

apr_status_t gate_create(gate_t **created, apr_pool_t *pool)
{
    gate_t *gate = apr_pcalloc(pool, sizeof *gate);
    apr_status_t status = apr_thread_mutex_create(&gate->mutex, APR_THREAD_MUTEX_DEFAULT, pool);

    *created = gate;
    return status == APR_SUCCESS ? apr_thread_cond_create(&gate->changed, pool) : status;
}

int gate_pass(gate_t *gate)
{
    apr_thread_mutex_lock(gate->mutex);
    gate->waiting++;
    apr_thread_cond_broadcast(gate->changed);
    while (!gate->is_decided) {
        apr_thread_cond_wait(gate->changed, gate->mutex);
    }
    apr_thread_mutex_unlock(gate->mutex);
    return gate->is_open; /* which does not change any more */
}

void gate_await(gate_t *gate, unsigned threads)
{
    apr_thread_mutex_lock(gate->mutex);
    assert(!gate->is_decided);
    while (gate->waiting < threads) {
        apr_thread_cond_wait(gate->changed, gate->mutex);
    }
    apr_thread_mutex_unlock(gate->mutex);
}

static void decide(gate_t *gate, int is_open)
{
    apr_thread_mutex_lock(gate->mutex);
    assert(!gate->is_decided);
    gate->is_decided = 1;
    gate->is_open = is_open;
    apr_thread_cond_broadcast(gate->changed);
    apr_thread_mutex_unlock(gate->mutex);
}

void gate_open(gate_t *gate)
{
    decide(gate, 1);
}

void gate_abandon(gate_t *gate)
{
    decide(gate, 0);
}
