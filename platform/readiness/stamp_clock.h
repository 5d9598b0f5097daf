#ifndef UDPECHO_STAMP_CLOCK_H
#define UDPECHO_STAMP_CLOCK_H

/*
 * Which time stamps of the kernel can be used. It stamps arrivals by the wall clock, and everything
 * here is told in the time of clock_now(): how old a stamp is says when it was, unless the wall
 * clock was set in between. Microseconds; plain data; one thread.
 */

#include <apr_time.h>

typedef struct stamp_clock {
    apr_time_t wall_clock, now;      /* the latest reading: the same moment in both times */
    apr_time_t since;                /* the wall clock has not been set since this `now` */
    apr_interval_time_t uncertainty; /* how far apart the two clocks may have been read */
} stamp_clock_t;

/* A first reading. The wall clock is taken to be set before `now`. */
stamp_clock_t stamp_clock_begin(apr_time_t wall_clock, apr_time_t now,
                                apr_interval_time_t uncertainty);

/* Another one. Both clocks are slewed alike (adjtimex(2)), so that their distance changes only when
 * one of them is set, and when the host sleeps. */
void stamp_clock_read(stamp_clock_t *clock, apr_time_t wall_clock, apr_time_t now,
                      apr_interval_time_t uncertainty);

/* When a stamp was, in the time of clock_now(). Where that cannot be known, because the wall clock
 * was set between the stamp and the latest reading: that reading. */
apr_time_t stamp_clock_time(const stamp_clock_t *clock, apr_time_t stamp);

/* Reads the clocks of this system, the first time and later. */
stamp_clock_t stamp_clock_begin_here(void);
void stamp_clock_read_here(stamp_clock_t *clock);

#endif
