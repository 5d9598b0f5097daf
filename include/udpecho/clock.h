#ifndef UDPECHO_CLOCK_H
#define UDPECHO_CLOCK_H

/*
 * The time that passes, in which every deadline and every interval of this project is measured:
 * nobody can set it, as they can the wall clock. And the wall clock, for what is told to other
 * hosts.
 */

#include <apr_time.h>

/* Microseconds since an arbitrary moment; never goes back, whatever becomes of the wall clock
 * (clock_gettime(2), CLOCK_MONOTONIC). Any thread. */
apr_time_t clock_now(void);

/* Does nothing for this time, or a little longer; less where the process is stopped and continued
 * meanwhile, or a signal comes in. It makes no call that anything else is waited for by, whose
 * failure may be why there is a pause: clock_nanosleep(2) on Linux. Any thread. */
void clock_pause(apr_interval_time_t time);

/* Nanoseconds since 1970 UTC, leap seconds not counted, by the clock that kernels stamp arrivals
 * with (clock_gettime(2), CLOCK_REALTIME; GetSystemTimePreciseAsFileTime()). It can be set, and
 * then goes back. Any thread. */
apr_int64_t clock_wall(void);

/* What the system knows of its wall clock. */
typedef struct clock_quality {
    int is_synchronised;  /* somebody keeps it to UTC, and has not lost it */
    apr_int64_t error_ns; /* how far it may be from UTC at most; 0: nobody knows */
} clock_quality_t;

/* Asks the system: clock_adjtime(2) on Linux, ntp_adjtime(2) where there is one. OpenBSD and
 * Windows do not tell; their clocks count as not synchronised. In the sandbox it takes
 * `asks_clock_quality` of confinement.h. Costs a system call. Any thread. */
clock_quality_t clock_quality(void);

#endif
