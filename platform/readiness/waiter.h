#ifndef UDPECHO_WAITER_H
#define UDPECHO_WAITER_H

/* Waits until one of several sockets is readable, or another thread ends the wait. A pollset of
 * APR and what is known about its sockets. Internal to platform/; one thread, except for
 * waiter_wake(). */

#include <apr_poll.h>
#include <apr_portable.h>
#include <stdatomic.h>

#include "udpecho/platform.h"

typedef struct waiter {
    apr_pollset_t *pollset;
    const apr_pollfd_t *ready; /* of the last wait, what was not yet dealt with */
    apr_int32_t ready_count;
    int is_exact; /* to the microsecond, without a timer */
    int has_timer;
    int timer_runs;
    apr_os_sock_t timer;
    apr_pollfd_t timer_waited;
    atomic_int woken;
} waiter_t;

/* For up to `count` sockets. Lives as long as `pool`. Errors: those of apr_pollset_create_ex(),
 * APR_ENOTIMPL if this APR has no such method. */
apr_status_t waiter_open(waiter_t *waiter, unsigned count, apr_pollset_method_e method,
                         const platform_t *platform, apr_pool_t *pool);

/* Waits for this socket too; `context` becomes the client_data of what is ready. `waited` is
 * filled, and stays where it is until waiter_remove(). Errors: those of apr_pollset_add(). */
apr_status_t waiter_add(waiter_t *waiter, apr_pollfd_t *waited, apr_socket_t *socket,
                        void *context);

/* Stops waiting for the socket, and forgets which sockets are ready: those that still are will
 * be reported again. */
void waiter_remove(waiter_t *waiter, apr_pollfd_t *waited);

/* Non-zero if waits end to the microsecond. Otherwise their timeouts are truncated to whole
 * milliseconds. */
static inline int waiter_is_exact(const waiter_t *waiter)
{
    return waiter->is_exact || waiter->has_timer;
}

/*
 * Waits up to `timeout` microseconds (-1: without limit, 0: not at all) for what waiter_ready()
 * then returns. APR_TIMEUP: nothing is ready, it may come early, and APR_SUCCESS may come in its
 * place; APR_EINTR: waiter_wake() was called, and for no other reason. Otherwise: those of
 * apr_pollset_poll().
 */
apr_status_t waiter_wait(waiter_t *waiter, apr_interval_time_t timeout);

/* Goes on to what is ready next. */
static inline void waiter_pass(waiter_t *waiter)
{
    waiter->ready++;
    waiter->ready_count--;
}

/* What the last wait found ready and waiter_pass() did not pass yet; NULL: nothing is left. */
static inline const apr_pollfd_t *waiter_ready(waiter_t *waiter)
{
    if (waiter->ready_count > 0 && waiter->ready->client_data == &waiter->timer_waited) {
        waiter_pass(waiter);
    }
    return waiter->ready_count > 0 ? waiter->ready : NULL;
}

/* Non-zero if waiter_wake() was called since it was last said here or by waiter_wait(). */
int waiter_take_wake(waiter_t *waiter);

/* Ends the current wait, or the next. Returns 0 if that was under way already. Any thread. */
int waiter_wake(waiter_t *waiter);

#endif
