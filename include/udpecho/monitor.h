#ifndef UDPECHO_MONITOR_H
#define UDPECHO_MONITOR_H

/*
 * A mutex and a condition variable, with which the thread that holds the lock waits until
 * another thread has changed the data. Those of APR wait until a time of day: if the wall clock
 * is set back by an hour, a short wait takes an hour. This one uses clock_now().
 */

#include <apr_pools.h>
#include <apr_time.h>

typedef struct monitor monitor_t;

/* One that nobody has locked. Lives as long as `pool`. Errors: those of pthread_mutex_init(3) and
 * pthread_cond_init(3). */
apr_status_t monitor_create(monitor_t **monitor, apr_pool_t *pool);

/* Any thread that does not hold the lock. */
void monitor_lock(monitor_t *monitor);

/* The thread that holds the lock. */
void monitor_unlock(monitor_t *monitor);

/* Unlocks, waits to be woken, for at most `timeout` microseconds (-1: without limit), and locks
 * again. May return early, so check the condition again (pthread_cond_wait(3)). The thread that
 * holds the lock. Returns APR_TIMEUP when the time is up. */
apr_status_t monitor_wait(monitor_t *monitor, apr_interval_time_t timeout);

/* Wakes one of those who wait. Any thread. */
void monitor_wake_one(monitor_t *monitor);

/* Wakes all who wait. Any thread. */
void monitor_wake_all(monitor_t *monitor);

#endif
