#ifndef UDPECHO_PLOT_SERIES_H
#define UDPECHO_PLOT_SERIES_H

/*
 * What happened when, in a memory that does not grow: time is cut into bins of equal width, and
 * where there is no room for one more, every two of them become one. The first datagrams are kept
 * one by one as well. Times are microseconds since the start. Plain data; one thread at a time.
 */

#include <apr_pools.h>
#include <apr_time.h>

#include "client/core/histogram.h"

/* What may be wrong with a datagram. */
typedef enum mark {
    MARK_LOST,
    MARK_LATE,
    MARK_CORRUPT,
    MARK_DUPLICATE,
    MARK_REORDERED,
    MARK_REFUSED,
    MARK_NOT_SENT,
    MARKS
} mark_t;

typedef struct bin {
    apr_uint64_t answered;
    apr_uint64_t timed;           /* of these, those whose round trip is known: */
    apr_int64_t minimum, maximum; /* their round trips, microseconds */
    apr_uint64_t marks[MARKS];    /* how often each was set */
    apr_uint64_t ways;            /* how many delays each way are known */
    double forward, backward;     /* their sums, less the first ones of the series, microseconds */
} bin_t;

/* One datagram. */
typedef struct point {
    apr_interval_time_t at;
    apr_int64_t round_trip; /* -1: none */
    unsigned mark;          /* a mark_t; MARKS: none */
    apr_uint64_t sequence;
} point_t;

#define POINTS_MAX 2000

typedef struct series {
    unsigned bins;             /* how many there are */
    apr_interval_time_t width; /* of each */
    bin_t *bin;
    histogram_t *round_trips; /* of each bin; NULL: their medians are not wanted */
    point_t *point;           /* NULL: not wanted */
    unsigned points;
    int is_cut; /* more came than there is room for: `point` is not all of them */
    apr_interval_time_t loaded_from; /* since when there was load; 0: there was none */
    int has_ways;
    apr_int64_t forward, backward; /* the first delays each way */
} series_t;

/* With `bins` bins, an even number. `has_details`: medians and points too. */
series_t *series_create(unsigned bins, int has_details, apr_pool_t *pool);

/* Makes it as series_create() made it. */
void series_clear(series_t *series);

/* The datagram sent at that time was answered; round_trip -1: after an unknown time. */
void series_answer(series_t *series, apr_interval_time_t at, apr_int64_t round_trip,
                   apr_uint64_t sequence);

void series_mark(series_t *series, apr_interval_time_t at, mark_t mark, apr_uint64_t sequence);

/* The datagram, sent at about that time, was marked as lost, but is not. */
void series_not_lost(series_t *series, apr_interval_time_t at, apr_uint64_t sequence);

/* How long a datagram took each way, microseconds, by clocks that may differ. */
void series_ways(series_t *series, apr_interval_time_t at, apr_int64_t forward,
                 apr_int64_t backward);

/* The median round trip of a bin that has some. */
apr_int64_t series_median(const series_t *series, unsigned bin);

#endif
