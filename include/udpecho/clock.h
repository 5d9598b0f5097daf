#ifndef UDPECHO_CLOCK_H
#define UDPECHO_CLOCK_H

/*
 * The time that passes, in which every deadline and every interval of this project is measured:
 * nobody can set it, as they can the wall clock.
 */

#include <apr_time.h>

/* Microseconds since an arbitrary moment; never goes back, whatever becomes of the wall clock
 * (clock_gettime(2), CLOCK_MONOTONIC). Any thread. */
apr_time_t clock_now(void);

/* Does nothing for this time, or a little longer; less where the process is stopped and continued
 * meanwhile, or a signal comes in. It makes no call that anything else is waited for by, whose
 * failure may be why there is a pause: clock_nanosleep(2) on Linux. Any thread. */
void clock_pause(apr_interval_time_t time);

#endif
