/* Systems without a timer among the sockets; kqueue(2) needs none. */

#include "readiness/timer.h"

#include <apr_errno.h>

apr_status_t timer_open(apr_os_sock_t *timer)
{
    (void)timer;
    return APR_ENOTIMPL;
}

void timer_set(apr_os_sock_t timer, apr_interval_time_t timeout)
{
    (void)timer;
    (void)timeout;
}

void timer_close(apr_os_sock_t timer)
{
    (void)timer;
}
