#ifndef UDPECHO_TURN_H
#define UDPECHO_TURN_H

/*
 * Workers that share a socket take turns to wait for it. If all waited, the kernel would wake
 * all of them for each datagram, all except one for nothing. EPOLLEXCLUSIVE would help on Linux
 * only; kqueue has no equivalent. So one worker waits, and keeps the turn while it answers; only
 * a full batch, which shows that there is more work, makes it pass the turn on. A quiet service
 * costs one wakeup for each datagram, and a busy one uses all its workers.
 */

#include <apr_pools.h>
#include <apr_time.h>
#include <stdatomic.h>

typedef struct turn turn_t;

/* A turn that nobody has. Lives as long as `pool`. Errors: those of monitor_create(). */
apr_status_t turn_create(turn_t **turn, apr_pool_t *pool);

/*
 * Waits until the turn is free, and takes it. APR_TIMEUP after `timeout` microseconds (-1:
 * without limit), or early; APR_EINTR when `woken` is not 0, which turn_wake() must follow. Any
 * thread.
 */
apr_status_t turn_take(turn_t *turn, const atomic_int *woken, apr_interval_time_t timeout);

/* Passes the turn to a thread that waits for it, or to nobody. Only the thread that has it. */
void turn_pass(turn_t *turn);

/* Makes all who wait look whether they were woken. Any thread. */
void turn_wake(turn_t *turn);

#endif
