#include "readiness/waiter.h"

#include <assert.h>

#include "readiness/timer.h"
#include "udpecho/clock.h"

#define MILLISECOND 1000 /* in microseconds */

/* APR passes the timeout to the kernel as milliseconds in an int, which ends after 24 days. */
#define WAIT_MAX_US (24 * 60 * 60 * APR_USEC_PER_SEC)

/* How often in a row a wake may fail, and from which time on the caller pauses before the next. */
#define WAKE_ATTEMPTS_MAX  200
#define WAKE_ATTEMPTS_FAST 100
#define WAKE_PAUSE_US      10000

apr_status_t waiter_add(waiter_t *waiter, apr_pollfd_t *waited, apr_socket_t *socket, void *context)
{
    *waited = (apr_pollfd_t){
        .desc_type = APR_POLL_SOCKET,
        .reqevents = APR_POLLIN,
        .desc.s = socket,
        .client_data = context,
    };
    return apr_pollset_add(waiter->pollset, waited);
}

static apr_status_t close_timer(void *data)
{
    waiter_t *waiter = data;

    timer_close(waiter->timer);
    return APR_SUCCESS;
}

/* epoll(7) and poll(2) wait for whole milliseconds, which is too coarse for replies and requests
 * that are due in between. Without a timer the waits still work. */
static void add_timer(waiter_t *waiter, apr_pool_t *pool)
{
    apr_socket_t *socket = NULL;

    if (timer_open(&waiter->timer) != APR_SUCCESS) {
        return;
    }
    apr_pool_cleanup_register(pool, waiter, close_timer, apr_pool_cleanup_null);
    waiter->has_timer =
        apr_os_sock_put(&socket, &waiter->timer, pool) == APR_SUCCESS &&
        waiter_add(waiter, &waiter->timer_waited, socket, &waiter->timer_waited) == APR_SUCCESS;
}

apr_status_t waiter_open(waiter_t *waiter, unsigned count, apr_pollset_method_e method,
                         const platform_t *platform, apr_pool_t *pool)
{
    apr_uint32_t flags = APR_POLLSET_WAKEABLE | APR_POLLSET_NOCOPY | APR_POLLSET_NODEFAULT;
    apr_status_t status = apr_pollset_create_ex(&waiter->pollset, count + 1, pool, flags, method);

    waiter->is_exact = method == APR_POLLSET_KQUEUE;
    if (status == APR_SUCCESS && platform_has(platform, FEATURE_TIMER)) {
        add_timer(waiter, pool);
    }
    return status;
}

void waiter_remove(waiter_t *waiter, apr_pollfd_t *waited)
{
    apr_pollset_remove(waiter->pollset, waited);
    waiter->ready_count = 0;
}

/* A wake is what the flag says, not what the poll returns: APR reports a wake as a plain success
 * when a socket is readable too, and EINTR also comes without one, on Linux when the process is
 * continued after SIGSTOP (signal(7)). */
int waiter_take_wake(waiter_t *waiter)
{
    return atomic_load_explicit(&waiter->woken, memory_order_relaxed) &&
           atomic_exchange(&waiter->woken, 0);
}

/* A byte in a pipe that is nowhere near full, for which the kernel may have no memory right now.
 * Nobody would wake this thread a second time. */
static void write_wake(apr_pollset_t *pollset)
{
    int attempts = 0;

    while (apr_pollset_wakeup(pollset) != APR_SUCCESS && ++attempts < WAKE_ATTEMPTS_MAX) {
        if (attempts >= WAKE_ATTEMPTS_FAST) {
            clock_pause(WAKE_PAUSE_US);
        }
    }
}

int waiter_wake(waiter_t *waiter)
{
    if (atomic_exchange(&waiter->woken, 1) != 0) {
        return 0;
    }
    write_wake(waiter->pollset);
    return 1;
}

/* Returns the timeout of the poll: where the timer ends in between whole milliseconds, the next of
 * them. A timer that has ended stays readable until it is set again. */
static apr_interval_time_t set_timer(waiter_t *waiter, apr_interval_time_t timeout)
{
    apr_interval_time_t part = timeout > 0 ? timeout % MILLISECOND : 0;

    if (part > 0 || (waiter->timer_runs && timeout != 0)) {
        timer_set(waiter->timer, part > 0 ? timeout : 0);
        waiter->timer_runs = part > 0;
    }
    return part > 0 ? timeout - part + MILLISECOND : timeout;
}

apr_status_t waiter_wait(waiter_t *waiter, apr_interval_time_t timeout)
{
    assert(timeout >= -1);
    if (timeout > WAIT_MAX_US) {
        timeout = WAIT_MAX_US;
    }
    if (waiter->has_timer) {
        timeout = set_timer(waiter, timeout);
    }
    apr_status_t status =
        apr_pollset_poll(waiter->pollset, timeout, &waiter->ready_count, &waiter->ready);

    if (status != APR_SUCCESS) {
        waiter->ready_count = 0;
    }
    if (!APR_STATUS_IS_EINTR(status)) {
        return status;
    }
    return waiter_take_wake(waiter) ? APR_EINTR : APR_TIMEUP;
}
