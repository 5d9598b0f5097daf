#include "readiness/turn.h"

#include <assert.h>

#include "udpecho/monitor.h"

struct turn {
    monitor_t *monitor;
    int taken;
};

apr_status_t turn_create(turn_t **created, apr_pool_t *pool)
{
    turn_t *turn = apr_pcalloc(pool, sizeof *turn);

    *created = turn;
    return monitor_create(&turn->monitor, pool);
}

apr_status_t turn_take(turn_t *turn, const atomic_int *woken, apr_interval_time_t timeout)
{
    assert(timeout >= -1);

    apr_status_t status = APR_SUCCESS;

    monitor_lock(turn->monitor);
    if (turn->taken && !atomic_load(woken)) {
        monitor_wait(turn->monitor, timeout);
    }
    if (atomic_load(woken)) {
        /* The wake that came may have been the turn's. */
        monitor_wake_one(turn->monitor);
        status = APR_EINTR;
    } else if (turn->taken) {
        status = APR_TIMEUP;
    } else {
        turn->taken = 1;
    }
    monitor_unlock(turn->monitor);
    return status;
}

void turn_pass(turn_t *turn)
{
    monitor_lock(turn->monitor);
    assert(turn->taken);
    turn->taken = 0;
    monitor_wake_one(turn->monitor);
    monitor_unlock(turn->monitor);
}

void turn_wake(turn_t *turn)
{
    /* With the monitor locked, nobody is between looking and waiting. */
    monitor_lock(turn->monitor);
    monitor_wake_all(turn->monitor);
    monitor_unlock(turn->monitor);
}
