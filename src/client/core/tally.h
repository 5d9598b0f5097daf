#ifndef UDPECHO_TALLY_H
#define UDPECHO_TALLY_H

/* What the datagrams of one flow came to. Plain data, all zero at the start. */

#include "client/core/probe.h"
#include "client/core/round_trips.h"
#include "client/core/sent.h"

typedef struct tally {
    apr_uint64_t fates[FATES];         /* how many datagrams have which */
    apr_uint64_t replies[REPLY_KINDS]; /* how many of each kind came by this flow */
    apr_uint64_t departed;             /* those that left */
    apr_uint64_t timed_out;       /* those that were lost, before they were answered late or not */
    apr_uint64_t refused;         /* as the network says */
    apr_uint64_t late, reordered; /* of those received */
    apr_uint64_t bytes;           /* in those */
    apr_uint64_t highest;         /* sequence number answered */
    apr_time_t first, last;       /* sent; sent or answered */
    apr_time_t last_left;         /* 0: none */
    apr_time_t first_answer, last_answer; /* 0: none */
    apr_uint64_t missed;                  /* due, and skipped; of all flows of a probe together */
    int is_scheduled;
    round_trips_t round_trips;
} tally_t;

/* Counts a datagram made at `now`, and when one of them left. */
void tally_sent(tally_t *tally, apr_time_t now);
void tally_left(tally_t *tally, apr_time_t now);

/* Another fate for a datagram that had `from`. */
void tally_change(tally_t *tally, fate_t from, fate_t to);

/* Counts the answer to `sent`, and says in it whether it is reordered. Its fate is counted by
 * tally_change(). */
void tally_answer(tally_t *tally, reply_t *reply, apr_time_t received);

/* Counts datagrams of another flow too. */
void tally_merge(tally_t *tally, const tally_t *other);

/* Sets what a summary says of round trips. */
void tally_describe(probe_summary_t *summary, const round_trips_t *trips);

probe_summary_t tally_summary(const tally_t *tally, apr_time_t now);

#endif
