#ifndef UDPECHO_INTERVAL_H
#define UDPECHO_INTERVAL_H

/* What the datagrams of a probe came to in the last interval, for interim reports. Plain data, all
 * zero at the start. */

#include "client/core/probe.h"
#include "client/core/round_trips.h"

typedef struct interval {
    probe_summary_t before;    /* up to where the interval begins */
    apr_time_t since;          /* when it begins */
    round_trips_t round_trips; /* of the replies in it */
} interval_t;

/* An interval begins at `now`, up to which the probe came to `summary`. */
void interval_begin(interval_t *interval, const probe_summary_t *summary, apr_time_t now);

/* Counts the round trip of an answer. */
void interval_add(interval_t *interval, apr_interval_time_t round_trip);

/* What was counted between the beginning of the interval and `now`, up to which the probe came to
 * `summary`. A datagram counts as sent in the interval in which it leaves, as lost in the one in
 * which its timeout ends, and as received in the one in which it is answered: late answers to
 * datagrams of earlier intervals are not taken from what is lost in this one. */
probe_summary_t interval_summary(const interval_t *interval, const probe_summary_t *summary,
                                 apr_time_t now);

#endif
