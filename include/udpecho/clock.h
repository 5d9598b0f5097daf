#ifndef UDPECHO_CLOCK_H
#define UDPECHO_CLOCK_H

/*
 * The monotonic clock, in which all deadlines and intervals are measured, because nobody can set
 * it; and the wall clock, for times that other hosts see.
 */

#include <apr_time.h>

/* Microseconds since an arbitrary moment; never goes back, even if the wall clock is set
 * (clock_gettime(2), CLOCK_MONOTONIC). Any thread. */
apr_time_t clock_now(void);

/* Sleeps for this time or a little longer; less if the process is stopped and continued, or a
 * signal arrives. It uses clock_nanosleep(2) on Linux, not poll(2) or epoll_wait(2), whose
 * failure may be the reason for the pause. Any thread. */
void clock_pause(apr_interval_time_t time);

/* Nanoseconds since 1970 UTC, leap seconds not counted, by the clock that kernels stamp arrivals
 * with (clock_gettime(2), CLOCK_REALTIME; GetSystemTimePreciseAsFileTime()). It can be set, and
 * then goes back. Any thread. */
apr_int64_t clock_wall(void);

/* What the system knows of its wall clock. */
typedef struct clock_quality {
    int is_synchronised;  /* the clock is synchronised to UTC */
    apr_int64_t error_ns; /* the maximum error to UTC; 0: unknown */
} clock_quality_t;

/* Asks the system: clock_adjtime(2) on Linux, ntp_adjtime(2) where there is one. OpenBSD and
 * Windows do not tell; their clocks count as not synchronised. In the sandbox it takes
 * `asks_clock_quality` of confinement.h. Costs a system call. Any thread. */
clock_quality_t clock_quality(void);

#endif
