#ifndef UDPECHO_TIME_COUNTS_H
#define UDPECHO_TIME_COUNTS_H

/*
 * How often which time occurred, by the bounds that metrics have. Microseconds; plain data, all
 * zero at the start.
 *
 * The bounds are powers of two from 64 us to 8.4 s and 1.5 times these, since no bucket of
 * histogram_t has values on both sides of such a bound. A time that is kept in whole microseconds
 * was cut down to them, so it was up to a bound if and only if what is kept is below the bound.
 */

#include "client/core/histogram.h"

#include <apr_time.h>

#define TIME_BOUNDS 35

/* In ascending order, microseconds. */
extern const apr_interval_time_t time_bounds_us[TIME_BOUNDS];

typedef struct time_counts {
    apr_uint64_t counts[TIME_BOUNDS + 1]; /* the last one: above all bounds */
    apr_uint64_t sum_us;
} time_counts_t;

/* Counts a time; a negative one counts as 0. */
void time_counts_add(time_counts_t *times, apr_interval_time_t us);

/* Counts all that is in the histogram, whose sum is `sum_us`. */
void time_counts_add_histogram(time_counts_t *times, const histogram_t *histogram,
                               apr_uint64_t sum_us);

/* Adds all of `other`. */
void time_counts_merge(time_counts_t *times, const time_counts_t *other);

#endif
