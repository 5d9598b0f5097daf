#include "turn.h"

#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

struct turn {
    apr_thread_mutex_t *mutex;
    apr_thread_cond_t *changed;
    int taken;
};

apr_status_t turn_create(turn_t **created, apr_pool_t *pool)
{
    turn_t *turn = apr_pcalloc(pool, sizeof *turn);
    apr_status_t status = apr_thread_mutex_create(&turn->mutex, APR_THREAD_MUTEX_DEFAULT, pool);

    if (status == APR_SUCCESS) {
        status = apr_thread_cond_create(&turn->changed, pool);
    }
    *created = turn;
    return status;
}

apr_status_t turn_take(turn_t *turn, const atomic_int *woken, apr_interval_time_t timeout)
{
    apr_status_t status = APR_SUCCESS;

    apr_thread_mutex_lock(turn->mutex);
    if (turn->taken && !atomic_load(woken)) {
        timeout < 0 ? apr_thread_cond_wait(turn->changed, turn->mutex)
                    : apr_thread_cond_timedwait(turn->changed, turn->mutex, timeout);
    }
    if (atomic_load(woken)) {
        /* The wake that came may have been the turn's. */
        apr_thread_cond_signal(turn->changed);
        status = APR_EINTR;
    } else if (turn->taken) {
        status = APR_TIMEUP;
    } else {
        turn->taken = 1;
    }
    apr_thread_mutex_unlock(turn->mutex);
    return status;
}

void turn_pass(turn_t *turn)
{
    apr_thread_mutex_lock(turn->mutex);
    turn->taken = 0;
    apr_thread_cond_signal(turn->changed);
    apr_thread_mutex_unlock(turn->mutex);
}

void turn_wake(turn_t *turn)
{
    /* With the mutex held, nobody is between looking and waiting. */
    apr_thread_mutex_lock(turn->mutex);
    apr_thread_cond_broadcast(turn->changed);
    apr_thread_mutex_unlock(turn->mutex);
}
