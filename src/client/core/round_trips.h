#ifndef UDPECHO_ROUND_TRIPS_H
#define UDPECHO_ROUND_TRIPS_H

/*
 * What a number of round trips have in common. Microseconds; plain data, all zero at the start.
 * The mean and the deviations from it are kept as Welford did (Technometrics 4, 1962, page 419):
 * sums of round trips and of their squares lose what differs in long round trips that are much
 * alike, since it is as small as what a double rounds away.
 */

#include <apr_time.h>

#include "client/core/histogram.h"

typedef struct round_trips {
    apr_uint64_t count;
    apr_interval_time_t minimum, maximum; /* of no meaning while count is 0 */
    apr_interval_time_t last;
    apr_uint64_t sum; /* exact, modulo 2^64 */
    double mean;
    double squares; /* the sum of the squared deviations from the mean */
    double jitter;  /* RFC 3550 section 6.4.1 */
    histogram_t histogram;
} round_trips_t;

/* Adds the next round trip, in the order of arrival. */
void round_trips_add(round_trips_t *trips, apr_interval_time_t round_trip);

/* Adds all of `other`, another flow's: the jitter becomes the mean, weighted by the count, since
 * two paths' round trips are no succession. */
void round_trips_merge(round_trips_t *trips, const round_trips_t *other);

/* Rounded to the nearest microsecond; 0 if there are none. The standard deviation is that of the
 * round trips there were, not an estimate for others: divided by the count. */
apr_interval_time_t round_trips_mean(const round_trips_t *trips);
apr_interval_time_t round_trips_deviation(const round_trips_t *trips);
apr_interval_time_t round_trips_jitter(const round_trips_t *trips);

/* See histogram_quantile(); never outside of minimum and maximum. */
apr_interval_time_t round_trips_quantile(const round_trips_t *trips, double fraction);

#endif
