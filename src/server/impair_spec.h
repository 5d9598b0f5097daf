#ifndef UDPECHO_IMPAIR_SPEC_H
#define UDPECHO_IMPAIR_SPEC_H

/* What one --impair says. Any thread. */

#include <apr_pools.h>

#include "core/impair_schedule.h"

/*
 * Reads KEY=VALUE pairs that commas separate: which replies (from, port), what is done to them
 * (drop, duplicate, reorder, corrupt, delay, jitter, distribution, rate, queue; or none alone; or
 * schedule alone, the file that says it) and by which random numbers (seed). Sets `schedule` to the
 * name of that file, which is not read; NULL: there is none. Returns NULL, or what would have been
 * right, in words that can follow "expected". Memory from `pool`.
 */
const char *impair_spec_parse(impair_profile_t *profile, const char **schedule, const char *text,
                              apr_pool_t *pool);

/* What a line of a schedule says. */
typedef struct impair_line {
    int counts_replies; /* `step.after` is a number of replies, otherwise microseconds */
    int repeats;        /* the schedule begins again then, and nothing else is said */
    impair_step_t step;
} impair_line_t;

/* Reads a line of a schedule: when it begins (after, after-replies) and what is done to replies
 * from then on, or repeat. All else of the step's profile is that of `whose`. Returns as
 * impair_spec_parse(). */
const char *impair_line_parse(impair_line_t *line, const impair_profile_t *whose, const char *text,
                              apr_pool_t *pool);

#endif
