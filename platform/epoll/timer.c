/* Linux: timerfd_create(2). */

#include "readiness/timer.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

apr_status_t timer_open(apr_os_sock_t *timer)
{
    *timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    return *timer >= 0 ? APR_SUCCESS : errno;
}

void timer_set(apr_os_sock_t timer, apr_interval_time_t timeout)
{
    struct itimerspec spec = {
        .it_value = {.tv_sec = (time_t)apr_time_sec(timeout),
                     .tv_nsec = (long)apr_time_usec(timeout) * 1000},
    };

    timerfd_settime(timer, 0, &spec, NULL);
}

void timer_close(apr_os_sock_t timer)
{
    close(timer);
}
