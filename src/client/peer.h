#ifndef UDPECHO_PEER_H
#define UDPECHO_PEER_H

/*
 * A peer that is asked: joins its probe, which decides, with its flows, which know the network, and
 * tells the reports what happens. One thread.
 */

#include "client/output/event.h"

typedef struct peer peer_t;

/* How much later than due datagrams left, microseconds. */
typedef struct lateness {
    histogram_t histogram;
    apr_uint64_t sum;
} lateness_t;

typedef struct peer_options {
    run_t run; /* what the reports receive about it */
    probe_t *probe;
    directions_t *directions; /* of a protocol that tells more than plain echo; otherwise NULL */
    flows_t *flows;
    unsigned first_flow; /* the flows of this peer are the run's number of them, from this one on */
    apr_array_header_t *reports;  /* of report_t *; told in this order */
    apr_interval_time_t patience; /* microseconds for which this host may have no room for what is
                                   * due, before that counts as not sent */
    apr_time_t begin;             /* when to send the first datagram; 0: at once */
    apr_interval_time_t interval; /* of the interim reports, microseconds; 0: none */
    void *context;                /* of who adds it to a prober */
} peer_options_t;

/* Lives as long as `pool`; `options` is copied. `lateness` counts by how many microseconds later
 * than due datagrams leave; it must outlive the peer. */
peer_t *peer_create(const peer_options_t *options, lateness_t *lateness, apr_pool_t *pool);

const peer_options_t *peer_options(const peer_t *peer);

/* Tells the reports of something that happened. */
void peer_tell(peer_t *peer, event_t event);

/* Tells them what it came to so far: a kind with a summary. */
void peer_tell_summary(peer_t *peer, event_kind_t kind, int is_interim, apr_time_t now);

/* Tells them what the last interval came to, if there are interim reports, and begins the next. */
void peer_tell_interval(peer_t *peer, apr_time_t now);

/* Sends what is due at `now`. Returns 0 once the probe is done; `until` is when to come back at the
 * latest. */
int peer_send(peer_t *peer, apr_time_t now, apr_time_t *until);

/* Takes what arrived by one of its flows, whose number is the peer's own from then on. */
void peer_take(peer_t *peer, arrival_t *arrival);

/* This host's clock has this quality from now on. */
void peer_set_clock(peer_t *peer, own_clock_t own);

#endif
