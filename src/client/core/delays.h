#ifndef UDPECHO_DELAYS_H
#define UDPECHO_DELAYS_H

/*
 * One-way delays, each the difference of the readings of two hosts' clocks. Where these clocks are
 * not synchronised all of them are off by the same unknown time, which may be years, either way:
 * the values say nothing then, but their differences do. So each is kept as its distance from a
 * reference: what the first of them would have been, had its datagram taken no time at all. No
 * delay is longer than its round trip, which says where that is at most. Microseconds; plain data,
 * all zero at the start.
 */

#include "client/core/round_trips.h"

typedef struct delays {
    apr_int64_t reference; /* of no meaning while there are none */
    round_trips_t above;   /* what each is more than the reference */
} delays_t;

/* What they have in common; all 0 if there are none. */
typedef struct delay_summary {
    apr_uint64_t count;
    apr_int64_t minimum, mean, maximum;
    apr_int64_t p50, p90, p99, p999;
    /* From differences only, and therefore right whatever the clocks show. */
    apr_interval_time_t deviation;
    apr_interval_time_t jitter; /* RFC 3550 section 6.4.1 */
} delay_summary_t;

/* Adds the next one, in the order of arrival, that of a datagram whose round trip is known. */
void delays_add(delays_t *delays, apr_int64_t delay, apr_interval_time_t round_trip);

/* Adds all of `other`, another flow's: see round_trips_merge(). */
void delays_merge(delays_t *delays, const delays_t *other);

/* The least of them, of which there is one. */
apr_int64_t delays_minimum(const delays_t *delays);

delay_summary_t delays_summary(const delays_t *delays);

#endif
