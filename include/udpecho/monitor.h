#ifndef UDPECHO_MONITOR_H
#define UDPECHO_MONITOR_H

/*
 * A lock, and a way for who has it to wait until another thread has changed what it guards: a mutex
 * and a condition variable. Those of APR wait until a time of day: when somebody sets the wall
 * clock back by an hour, a wait of a moment takes an hour. This one waits by the clock of
 * clock_now().
 */

#include <apr_pools.h>
#include <apr_time.h>

typedef struct monitor monitor_t;

/* One that nobody has locked. Lives as long as `pool`. Errors: those of pthread_mutex_init(3) and
 * pthread_cond_init(3). */
apr_status_t monitor_create(monitor_t **monitor, apr_pool_t *pool);

/* Any thread; one that has it locked must unlock it before it locks it again. */
void monitor_lock(monitor_t *monitor);

/* The thread that has it locked. */
void monitor_unlock(monitor_t *monitor);

/* Unlocks it, waits to be woken, for `timeout` microseconds at most (-1: without limit), and locks
 * it again. May return earlier, so look again at what was waited for (pthread_cond_wait(3)). The
 * thread that has it locked. Returns APR_TIMEUP when the time is up. */
apr_status_t monitor_wait(monitor_t *monitor, apr_interval_time_t timeout);

/* Wakes one of those who wait. Any thread. */
void monitor_wake_one(monitor_t *monitor);

/* Wakes all who wait. Any thread. */
void monitor_wake_all(monitor_t *monitor);

#endif
