#ifndef UDPECHO_DIRECTIONS_H
#define UDPECHO_DIRECTIONS_H

/*
 * Loss and delay in each direction, from the replies of a protocol that tells more than plain
 * echo: forward, to the peer, and backward, to this host. Loss: see losses.h. Delay: forward it
 * is t2 - t1, backward t4 - t3 (RFC 8762 section 4), each the difference of two hosts' clocks,
 * and a delay only if both are synchronised. Otherwise only its variation is known. One thread.
 */

#include "client/core/delays.h"
#include "client/core/losses.h"
#include "client/core/path_facts.h"
#include "client/core/probe.h"
#include "client/core/telemetry.h"

/* Whether the peer numbers its replies, or returns the numbers of the requests. */
typedef enum counting {
    COUNTING_UNKNOWN, /* what its replies show */
    COUNTING_NONE,    /* the user says that it does not, */
    COUNTING_SESSION, /* or that it does */
} counting_t;

typedef enum offset_estimate {
    OFFSET_NONE,   /* delays are told only if both clocks are synchronised */
    OFFSET_MINIMUM /* they are told as if the shortest took equally long each way */
} offset_estimate_t;

typedef struct directions_options {
    unsigned flows;
    int is_shared; /* the peer numbers its replies to all senders together, not to each */
    counting_t counting;
    offset_estimate_t offset;
} directions_options_t;

/* What one reply tells. Times are nanoseconds, delays microseconds. */
typedef struct one_way {
    const reflection_t *reflection; /* with t1 to t3 */
    apr_int64_t t4;                 /* when the reply arrived here, since 1970 UTC */
    int has_delays;                 /* 0: this host's clock was set during the run */
    int is_true;                    /* both clocks are synchronised: these are delays */
    apr_int64_t forward, backward;  /* t2 - t1 and t4 - t3 */
    /* What they are more than the least of the same source port so far, whatever the clocks are. */
    apr_int64_t forward_above, backward_above;
    apr_interval_time_t kept; /* by the peer */
    own_clock_t own;
} one_way_t;

/* What is known of the two clocks, from all replies together. */
typedef enum clocks {
    CLOCKS_UNTOLD,       /* the protocol does not tell, or nothing came */
    CLOCKS_SYNCHRONISED, /* both are, as each host says */
    CLOCKS_OWN_UNKNOWN,  /* this host's is not synchronised, */
    CLOCKS_PEER_UNKNOWN, /* the peer's is not, */
    CLOCKS_BOTH_UNKNOWN, /* neither is */
    CLOCKS_CONTRADICTORY /* both hosts say so, but a datagram came before it left, by more than
                          * they say that they may be off */
} clocks_t;

typedef struct directions_summary {
    int is_counted; /* the peer counts: these are right; otherwise the losses are of no meaning */
    loss_counts_t losses;
    unsigned restarts; /* how often the peer forgot the session */
    clocks_t clocks;
    apr_int64_t own_error, peer_error; /* the largest, nanoseconds; -1: not known */
    int is_true;        /* `forward` and `backward` are delays, with at most both errors */
    int is_estimated;   /* they are under the assumption of OFFSET_MINIMUM */
    apr_int64_t offset; /* which was that the peer's clock is ahead by this, microseconds */
    delay_summary_t forward, backward; /* else only their differences mean anything */
    apr_uint64_t kept_count;
    apr_interval_time_t kept_minimum, kept_mean, kept_maximum;
    path_facts_t facts;
    telemetry_t telemetry; /* of all sessions */
    /* How often which delay occurred, as above; where these are no delays, by how much they were
     * more than the least one. Microseconds; until the next summary. */
    const histogram_t *forward_histogram, *backward_histogram;
} directions_summary_t;

typedef struct directions directions_t;

/* Lives as long as `pool`. */
directions_t *directions_create(const directions_options_t *options, apr_pool_t *pool);

/* What this host's clock is like from now on; before, it is not synchronised. */
void directions_set_clock(directions_t *directions, own_clock_t own);

/* Counts a reply that has a reflection, and arrived at `t4` with this hop limit and traffic class;
 * -1: not known. */
one_way_t directions_add(directions_t *directions, const reply_t *reply, apr_int64_t t4,
                         int hop_limit, int traffic_class);

/* What they come to so far. */
directions_summary_t directions_summary(directions_t *directions);

/* Losses in each direction so far, as in the summary. Returns 0 if they are unknown. Costs
 * little. */
int directions_losses(const directions_t *directions, loss_counts_t *losses);

/* What was lost each way by one flow; of no meaning unless the summary's are counted. */
loss_counts_t directions_flow_losses(const directions_t *directions, unsigned flow);

#endif
