#ifndef UDPECHO_IMPAIR_SCHEDULE_H
#define UDPECHO_IMPAIR_SCHEDULE_H

/* Impairment that changes with time, or with the number of replies: steps, each of which is in
 * effect until the next one begins. Plain data; any thread. */

#include <stdatomic.h>

#include "core/impair_profile.h"

/* The most steps, and the largest value of `after`. */
#define IMPAIR_STEPS_MAX         10000
#define IMPAIR_AFTER_MAX_US      (365 * APR_INT64_C(86400000000))
#define IMPAIR_AFTER_REPLIES_MAX APR_INT64_C(1000000000000000)

typedef struct impair_step {
    apr_int64_t after; /* how many microseconds or replies come before it */
    impair_profile_t profile;
} impair_step_t;

typedef struct impair_schedule {
    int counts_replies; /* `after` and `period` are numbers of replies, otherwise microseconds */
    apr_int64_t period; /* after which the schedule begins again; 0: it does not */
    unsigned count;     /* of steps */
    const impair_step_t *steps; /* each begins after the one before it */
} impair_schedule_t;

/*
 * Returns what is in effect at `position`, the microseconds or replies before it; NULL if no step
 * has begun. This depends on the position alone. `begun` is 0 at first: the number of steps that
 * have begun, which is searched for again only when it has changed. Threads may share it.
 */
const impair_profile_t *impair_schedule_at(const impair_schedule_t *schedule, apr_int64_t position,
                                           atomic_uint *begun);

#endif
