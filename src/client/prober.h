#ifndef UDPECHO_PROBER_H
#define UDPECHO_PROBER_H

/*
 * The loop that asks all peers: sends what is due, receives, and judges what is missing. Peers may
 * come and go while it runs. Functions are for the thread that runs it, or for any thread before it
 * runs and after it ended, unless it says otherwise.
 */

#include "client/peer.h"

typedef struct prober prober_t;

/* Work that the loop does besides. */
typedef struct prober_task {
    /* Called when it is due and after flows_wake(); returns when to call it again, by clock_now();
     * PROBER_NEVER: only after flows_wake(). */
    apr_time_t (*run)(void *context, apr_time_t now);
    /* Non-zero if it may add peers later: the loop then goes on without any. */
    int (*is_pending)(void *context);
    void *context;
} prober_task_t;

#define PROBER_NEVER APR_INT64_MAX

typedef struct prober_options {
    flows_t *flows;
    run_t run;                    /* what the reports receive about the total */
    apr_array_header_t *reports;  /* of report_t *; those of all peers */
    apr_interval_time_t interval; /* of the interim reports, microseconds; 0: none */
    const prober_task_t *task;    /* NULL: none */
    /* A peer is no longer asked: it is done, or the run is over. The peer and its flows are left to
     * who added it. It may add others. */
    void (*ended)(void *context, peer_t *peer);
    void *context;
} prober_options_t;

/* Errors: those of apr_thread_mutex_create(). Lives as long as `pool`; `options` is copied. */
apr_status_t prober_create(prober_t **prober, const prober_options_t *options, apr_pool_t *pool);

/* Adds a peer, of at most FLOWS_MAX at a time, in memory from `pool`. */
peer_t *prober_add(prober_t *prober, const peer_options_t *options, apr_pool_t *pool);

/* Makes the peer send no more. It ends when everything that it sent is answered or missing. */
void prober_finish(prober_t *prober, peer_t *peer);

/* Passes to the reports an event that belongs to no peer; `run` is its run. */
void prober_tell(prober_t *prober, const run_t *run, event_t event);

/* Sends and receives until all peers ended and no task is pending, it is `end`, by clock_now() (0:
 * no end), prober_stop() was called or one of the reports cannot go on; then the peers that are
 * left end. Whatever sends and receives come to, it is noticed at once. Errors: those of
 * flows_receive() that do not pass. */
apr_status_t prober_run(prober_t *prober, apr_time_t end);

/* What all peers came to so far, those that ended included. `total` refers to the prober. */
void prober_total(prober_t *prober, total_t *total, apr_time_t now);

/* Ends prober_run() soon, whatever is still to come; a prober that was stopped does not run. Any
 * thread. */
void prober_stop(prober_t *prober);

/* Makes it tell the reports what it came to so far. Any thread. */
void prober_report(prober_t *prober);

/* Calls visit(context, peer) for each peer while the loop waits, but not between two peers:
 * peers may be added and removed between them. Any thread except the one that runs it. */
void prober_visit(prober_t *prober, void (*visit)(void *context, const peer_t *peer),
                  void *context);

/* How much later than due datagrams left, to whichever peer. Any thread but the one that runs it.
 */
void prober_lateness(prober_t *prober, lateness_t *lateness);

#endif
