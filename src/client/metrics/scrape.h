#ifndef UDPECHO_SCRAPE_H
#define UDPECHO_SCRAPE_H

#include "client/metrics/peer_reading.h"

/* All that a scrape reads. */
typedef struct scrape {
    const apr_array_header_t *peers;   /* of peer_reading_t *; no two of the same labels */
    const apr_array_header_t *lookups; /* of target_lookups_t, each target once */
    time_counts_t lateness;
    unsigned targets;
    apr_time_t started; /* by the wall clock */
} scrape_t;

/* It in Prometheus' text format: see prometheus.h. From `pool`; any thread. */
const char *scrape_text(const scrape_t *scrape, apr_pool_t *pool);

#endif
