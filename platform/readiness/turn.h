#ifndef UDPECHO_TURN_H
#define UDPECHO_TURN_H

/*
 * Workers that share a socket take turns to wait for it. If all waited, the kernel would wake all
 * for each datagram, and all but one in vain. EPOLLEXCLUSIVE would help on Linux only, and nothing
 * the like on kqueue. So one waits, and keeps the turn while it answers what it got; only a batch
 * that came full, which says that there is more than one worker can do, makes it pass the turn on.
 * A quiet service costs one wake for each datagram, a busy one uses all its workers.
 */

#include <apr_pools.h>
#include <apr_time.h>
#include <stdatomic.h>

typedef struct turn turn_t;

/* A turn that nobody has. Lives as long as `pool`. Errors: those of monitor_create(). */
apr_status_t turn_create(turn_t **turn, apr_pool_t *pool);

/*
 * Waits until the turn is free, and takes it. APR_TIMEUP after `timeout` microseconds (-1: for
 * ever), or early; APR_EINTR once `woken` is not 0, which turn_wake() must follow. Any thread.
 */
apr_status_t turn_take(turn_t *turn, const atomic_int *woken, apr_interval_time_t timeout);

/* Gives the turn to a thread that waits for it, or to nobody. Only who has it. */
void turn_pass(turn_t *turn);

/* Makes all who wait look whether they were woken. Any thread. */
void turn_wake(turn_t *turn);

#endif
