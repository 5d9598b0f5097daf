#ifndef UDPECHO_TIMER_H
#define UDPECHO_TIMER_H

/* A timer that a thread waits for as it waits for sockets. FEATURE_TIMER; where a system has none,
 * timer_open() fails. Internal to platform/; the thread that waits. */

#include <apr_portable.h>
#include <apr_time.h>

/* Opens a timer that is stopped. Errors: APR_ENOTIMPL, or those of timerfd_create(2). */
apr_status_t timer_open(apr_os_sock_t *timer);

/* Starts the timer, which is readable once `timeout` microseconds have passed; 0 stops it. Either
 * way it is not readable now. */
void timer_set(apr_os_sock_t timer, apr_interval_time_t timeout);

void timer_close(apr_os_sock_t timer);

#endif
