#ifndef UDPECHO_RANGES_H
#define UDPECHO_RANGES_H

/* The ranges of a histogram that is drawn. Pure functions; any thread. */

#include "client/core/histogram.h"

#define RANGES_MAX 64

/* Values that differ by more than this factor are drawn on a logarithmic scale. */
#define RANGES_LINEAR_FACTOR 4

typedef struct ranges {
    int is_logarithmic;                /* else all ranges have the same width */
    unsigned count;                    /* of ranges */
    apr_int64_t bound[RANGES_MAX + 1]; /* range i begins at bound[i] and ends below bound[i + 1] */
    apr_uint64_t in[RANGES_MAX];       /* how many values are in range i */
    apr_uint64_t below, above;         /* how many are in none of them */
    apr_uint64_t most;                 /* the largest of all these counts */
} ranges_t;

/*
 * Divides the values of `histogram` into ranges with round bounds. With the ranges for the
 * values below and above, if any, there are at most `most` (2 to RANGES_MAX + 2). The scale is
 * logarithmic if 98 % of the values, without 1 % at each end, differ by more than
 * RANGES_LINEAR_FACTOR; the bounds are then the preferred numbers of ISO 3, or 1-2-5, or powers
 * of ten. At most 1 % at each end is outside the ranges, if that makes the others at most half
 * as wide, and none at the upper end of a logarithmic scale. The count of an empty histogram is
 * 0.
 */
ranges_t ranges_of(const histogram_t *histogram, unsigned most);

/* The same ranges with the values of another histogram in them. */
ranges_t ranges_with(const ranges_t *ranges, const histogram_t *histogram);

/* The next one of 1, 2, 5, 10, 20, 50 and so on; `step` is one of them. */
apr_int64_t ranges_next_step(apr_int64_t step);

#endif
