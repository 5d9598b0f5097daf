#ifndef UDPECHO_PHASES_H
#define UDPECHO_PHASES_H

/*
 * When, within an interval that all peers share, each of them is asked: their datagrams are spread
 * over the interval, so that they neither leave this host nor return to it at the same time.
 * A phase is a time from 0 to less than the interval, microseconds. One thread at a time.
 */

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

typedef struct phases {
    apr_interval_time_t interval;
    apr_array_header_t *sorted; /* of apr_interval_time_t, those in use, ascending */
} phases_t;

/* None in use. `interval` is positive. Lives as long as `pool`. */
phases_t phases_create(apr_interval_time_t interval, apr_pool_t *pool);

/* Takes the `index`-th of `count` phases that divide the interval evenly. */
apr_interval_time_t phases_add_even(phases_t *phases, unsigned index, unsigned count);

/* Takes the middle of the widest gap between two phases in use, the first of several; 0 if none is
 * in use. */
apr_interval_time_t phases_add(phases_t *phases);

/* Gives back one that was taken. */
void phases_remove(phases_t *phases, apr_interval_time_t phase);

/* The first time from `now` on that has this phase, where `origin`, which is not after `now`, has
 * phase 0. */
apr_time_t phases_next(const phases_t *phases, apr_interval_time_t phase, apr_time_t origin,
                       apr_time_t now);

#endif
