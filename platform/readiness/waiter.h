#ifndef UDPECHO_WAITER_H
#define UDPECHO_WAITER_H

/* Waits until one of several sockets is readable, or another thread says to stop waiting. A pollset
 * of APR with what is known of its sockets. Internal to platform/; one thread, but for
 * waiter_wake().
 */

#include <apr_poll.h>
#include <stdatomic.h>

typedef struct waiter {
    apr_pollset_t *pollset;
    const apr_pollfd_t *ready; /* of the last wait, what was not yet dealt with */
    apr_int32_t ready_count;
    atomic_int woken;
} waiter_t;

/* For up to `count` sockets. Lives as long as `pool`. Errors: those of apr_pollset_create_ex(),
 * APR_ENOTIMPL if this APR has no such method. */
apr_status_t waiter_open(waiter_t *waiter, unsigned count, apr_pollset_method_e method,
                         apr_pool_t *pool);

/* Waits for this socket too; `context` becomes the client_data of what is ready. `waited` is
 * filled, and stays where it is until waiter_remove(). Errors: those of apr_pollset_add(). */
apr_status_t waiter_add(waiter_t *waiter, apr_pollfd_t *waited, apr_socket_t *socket,
                        void *context);

/* Waits for it no more, and forgets what is ready: what still is will be said again. */
void waiter_remove(waiter_t *waiter, apr_pollfd_t *waited);

/*
 * Waits up to `timeout` microseconds (-1: without limit, 0: not at all), cut to whole milliseconds,
 * and sets `ready`. APR_TIMEUP: none is, it may come early; APR_EINTR: waiter_wake() was called,
 * and for no other reason. Else: those of apr_pollset_poll().
 */
apr_status_t waiter_wait(waiter_t *waiter, apr_interval_time_t timeout);

/* Non-zero if waiter_wake() was called since it was last said here or by waiter_wait(). */
int waiter_take_wake(waiter_t *waiter);

/* Ends the current wait, or the next. Returns 0 if that was under way already. Any thread. */
int waiter_wake(waiter_t *waiter);

#endif
