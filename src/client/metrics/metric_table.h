#ifndef UDPECHO_METRIC_TABLE_H
#define UDPECHO_METRIC_TABLE_H

/* The metrics of udpecho: their names, types and what they say. */

typedef enum metric {
    /* Numbers of a peer. */
    METRIC_SENT,
    METRIC_RECEIVED,
    METRIC_RECEIVED_BYTES,
    METRIC_TIMED_OUT,
    METRIC_REORDERED,
    METRIC_NOT_SENT,
    METRIC_MISSED,
    METRIC_LOST,
    METRIC_CORRUPTED,
    METRIC_OUTSTANDING,
    METRIC_NUMBERS,

    /* The same, of a peer that numbers its replies. */
    METRIC_LOST_FORWARD = METRIC_NUMBERS,
    METRIC_LOST_BACKWARD,
    METRIC_LOST_BY_PEER,
    METRIC_ALL_NUMBERS,

    /* A metric of a peer, with another label. */
    METRIC_REPLIES = METRIC_ALL_NUMBERS,
    METRIC_REFUSED,

    /* Times of a peer. */
    METRIC_ROUND_TRIP,
    METRIC_FORWARD_VARIATION,
    METRIC_BACKWARD_VARIATION,
    METRIC_FORWARD_DELAY,
    METRIC_BACKWARD_DELAY,

    /* A metric of a target. */
    METRIC_LOOKUP_FAILURES,

    /* A metric of the process. */
    METRIC_LATENESS,
    METRIC_TARGETS,
    METRIC_PEERS,
    METRIC_BUILD,
    METRIC_START,
    METRICS
} metric_t;

/* How many metrics are times of a peer. */
#define METRIC_TIMES (METRIC_LOOKUP_FAILURES - METRIC_ROUND_TRIP)

typedef struct metric_row {
    const char *name; /* "udpecho_sent_datagrams_total" */
    const char *type; /* "counter", "gauge" or "histogram" */
    const char *help; /* a sentence */
} metric_row_t;

extern const metric_row_t metric_table[METRICS];

#endif
