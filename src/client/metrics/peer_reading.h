#ifndef UDPECHO_PEER_READING_H
#define UDPECHO_PEER_READING_H

/* What a scrape reads of one peer. */

#include "client/metrics/event_counts.h"

typedef struct peer_reading {
    const char *target; /* as the user wrote it */
    const char *labels; /* target="...",address="...",protocol="...",dscp="..." */
    int has_directions; /* the protocol tells of delays each way */
    int has_losses;     /* the peer numbers its replies: METRIC_LOST_FORWARD and on are known */
    apr_uint64_t numbers[METRIC_ALL_NUMBERS];
    apr_uint64_t replies[REPLY_KINDS];
    apr_uint64_t refused[REFUSALS];
    time_counts_t times[METRIC_TIMES]; /* from METRIC_ROUND_TRIP on */
} peer_reading_t;

/* Reads one peer at `now`, by clock_now(). Returns NULL if it has not started or has ended. From
 * `pool`. Any thread, while the one that measures does not use the probe and the directions.
 * `directions` may be NULL. */
peer_reading_t *peer_reading_take(const run_t *run, const probe_t *probe,
                                  const directions_t *directions, event_counts_t *events,
                                  apr_time_t now, apr_pool_t *pool);

/* Adds the numbers of a peer of the same labels. */
void peer_reading_merge(peer_reading_t *reading, const peer_reading_t *other);

#endif
