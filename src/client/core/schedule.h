#ifndef UDPECHO_SCHEDULE_H
#define UDPECHO_SCHEDULE_H

/*
 * When datagrams are due: `burst` of them in each interval, evenly spread, at times that the first
 * one decides for all. A sender that comes late does not move them: those that it cannot make up
 * for are missed, and counted. Times are microseconds; plain data.
 */

#include <apr_time.h>

/* A sender that is behind by this much was stopped, or cannot keep up. It catches up only on
 * what was due in this time, or one datagram, so that it never floods a peer that expects
 * occasional requests. */
#define SCHEDULE_CATCH_UP_US (10 * 1000)

typedef struct schedule {
    unsigned burst;
    apr_interval_time_t interval; /* 0: datagrams are always due */
    apr_time_t turn;              /* when the present interval began */
    unsigned index;               /* of the next datagram in it, below burst */
    apr_uint64_t missed;          /* datagrams that were due and are ignored */
} schedule_t;

/* The first datagram is due at `now`. Either `interval` is 0, or `burst` is not and their product
 * at most 2^62. */
schedule_t schedule_make(unsigned burst, apr_interval_time_t interval, apr_time_t now);

/* When the next datagram is due, seen from `now`; misses what cannot be made up for. */
apr_time_t schedule_due(schedule_t *schedule, apr_time_t now);

/* The next datagram is sent: now it is the turn of the one after it. */
void schedule_advance(schedule_t *schedule);

/* Misses all that are due before `end`. */
void schedule_end(schedule_t *schedule, apr_time_t end);

#endif
