#ifndef UDPECHO_ECHO_H
#define UDPECHO_ECHO_H

/*
 * The core: judges each datagram and says when the service is over. It makes no system call;
 * bytes, addresses and the time go in, verdicts and a waiting time come out (RFC 862: "When a
 * datagram is received, the data from it is sent back in an answering datagram").
 *
 * Serving -> draining -> done. Draining answers what the kernel already holds and ends when a
 * receive comes back empty, or after ECHO_DRAIN_MAX_US for senders that never pause.
 *
 * Each worker has a core of its own and is the only one to call it, except where a function says
 * otherwise. Times are microseconds of clock_now().
 */

#include <apr_pools.h>
#include <apr_time.h>

#include "core/counters.h"
#include "core/echo_quota.h"
#include "udpecho/datagram.h"

#define ECHO_DRAIN_MAX_US (1 * APR_USEC_PER_SEC)

/* How long to leave a receive call alone that failed: the first time, and at most. */
#define ECHO_PAUSE_MIN_US (10 * 1000)
#define ECHO_PAUSE_MAX_US (1 * APR_USEC_PER_SEC)

/* Who may judge a datagram, each in a header of its own in src/. */
typedef struct own_addresses own_addresses_t;
typedef struct rate_limit rate_limit_t;
typedef struct source_ports source_ports_t;
typedef struct token_bucket token_bucket_t;
typedef struct access_list access_list_t;
typedef struct stamp_policy stamp_policy_t;

/* What may be done to replies: impair.h and delay_line.h. */
typedef struct impair_policy impair_policy_t;
typedef struct delay_line delay_line_t;
struct listener;

/* What is the same for all workers. A judge that is NULL has no say. Nothing of it changes while a
 * core reads it, so that no worker needs a lock; to change it, apply another. */
typedef struct echo_policy {
    echo_quota_t *quota;             /* never NULL */
    apr_interval_time_t duration_us; /* 0: without end */
    const own_addresses_t *own;      /* what is sent to or from here is not answered */
    source_ports_t *ports;           /* nor these, or a few times a second only */
    const access_list_t *access;     /* who is answered */
    rate_limit_t *per_source;
    const access_list_t *exempt;   /* from it; NULL: nobody is */
    int per_source_dry_run;        /* counts what it would drop, and drops nothing */
    token_bucket_t *datagrams;     /* echoed by the whole server */
    token_bucket_t *bytes;         /* of them */
    const unsigned char *loop_key; /* of each core's loop detectors; NULL: there are none */
    const stamp_policy_t *stamp;   /* how STAMP is answered; NULL: stamp_policy_default */
    int mirror_dscp;               /* echoes have the DSCP of their requests, as replies of STAMP */
    impair_policy_t *impair;       /* how replies are impaired; NULL: they are not */
    apr_interval_time_t impair_drain_us; /* how long delayed replies may leave after draining */
} echo_policy_t;

typedef struct echo echo_t;

/* Why a core left the serving state. */
typedef enum echo_end {
    ECHO_END_NONE,     /* it has not */
    ECHO_END_ASKED,    /* echo_drain() */
    ECHO_END_DURATION, /* the time it was given is over */
    ECHO_END_COUNT     /* the quota is spent */
} echo_end_t;

/*
 * A core that serves from `now` on, until the policy's time is over or its quota is spent. Keeps
 * the policy, which must outlive it or be replaced. Lives as long as `pool`.
 */
echo_t *echo_create(const echo_policy_t *policy, apr_time_t now, apr_pool_t *pool);

/* Judges by another policy from the next batch on; the quota, the time and the loop detector stay
 * those of the first.
 * One thread at a time, whichever. */
void echo_apply(echo_t *echo, const echo_policy_t *policy);

/* Non-zero while the worker reads a policy that was replaced, which is during one batch at most.
 * Once this is 0, its memory may go. Any thread. */
int echo_reads(const echo_t *echo, const echo_policy_t *policy);

/*
 * Gives each datagram of the batch its verdict and counts it. Datagrams of a service become
 * their replies in place. An empty batch means that nothing was waiting, which ends draining;
 * the time still advances. The policy is held until echo_settle(). Returns one that met a limit,
 * verdict_is_limit(), as an example for the log; NULL if none did.
 */
const datagram_t *echo_step(echo_t *echo, const batch_t *batch, apr_time_t now);

/* Lets time pass, as echo_step() and echo_receive_failed() do: for a wait that ended for another
 * reason. */
void echo_pass_time(echo_t *echo, apr_time_t now);

/*
 * A receive failed: counts it, advances the time, and returns how long to pause before the next
 * one, microseconds. Each failure in a row doubles the pause, so that a call that always fails
 * costs next to nothing. It is unknown whether datagrams wait, so draining continues, with the
 * shortest pauses, until a receive works again or its time is over.
 */
apr_interval_time_t echo_receive_failed(echo_t *echo, apr_time_t now);

/*
 * Non-zero after a failed receive until one does not fail: echo_step(). One that finds nothing
 * is enough, and echo_timeout() is at most ECHO_PAUSE_MAX_US until then, so that it happens. Any
 * thread.
 */
int echo_is_degraded(const echo_t *echo);

/*
 * Writes into the replies of services when they leave, and what authenticates them, by
 * `wall_clock`, which tells nanoseconds since 1970 UTC. Between echo_step() and transport_reply()
 * of the same batch, as late as possible.
 */
void echo_stamp(echo_t *echo, const batch_t *batch, apr_int64_t (*wall_clock)(void));

/* Has delayed replies wait in the delay line of the policy in effect, of worker number `worker`;
 * those that have no room there are dropped and counted. The one of an earlier policy is not used
 * any more. Returns non-zero if the policy impairs replies, or delayed ones wait: only then are the
 * next two functions worth calling. Between batches. */
int echo_impairs(echo_t *echo, unsigned worker);

/*
 * Impairs the replies of the batch, if the policy says so: drops, changes or delays them, as worker
 * number `worker`. Between echo_stamp() and transport_reply() of the same batch.
 */
void echo_impair(echo_t *echo, const batch_t *batch, unsigned worker, apr_time_t now);

/* Takes out delayed replies that are due, all of one listener, which the datagrams name. They go
 * to transport_send() and their outcome to echo_settle(), before the next call. Returns their
 * number; 0: none is due. */
unsigned echo_due(echo_t *echo, batch_t *batch, apr_time_t now);

/* When the next delayed reply is due; -1: there is none. */
apr_time_t echo_next_due(const echo_t *echo);

/* How long delayed replies may leave once draining is over, microseconds, by the policy in effect.
 * Between batches. */
apr_interval_time_t echo_impair_drain(echo_t *echo);

/* Drops the delayed replies of listeners for which `is_kept` is 0, which is called with `context`;
 * where it is NULL, all. Counts them. */
void echo_discard(echo_t *echo, int (*is_kept)(void *context, const struct listener *listener),
                  void *context);

/* Tells when replies left that had a departure_id; before the next echo_step(). */
void echo_departed(echo_t *echo, const departure_t *departures, unsigned count);

/* Counts the outcome of replies; those that failed go back to the quota. */
void echo_settle(echo_t *echo, const send_outcome_t *outcome);

/* Counts for its service that a reply failed; plain echo has none. Any thread. */
void echo_reply_failed(const datagram_t *reply);

/* Stops serving: what the kernel holds is still answered. Calling it again changes nothing. */
void echo_drain(echo_t *echo, apr_time_t now);

/* How long to wait for datagrams, microseconds; -1: without limit, 0: only look. No longer than
 * until the next delayed reply is due. */
apr_interval_time_t echo_timeout(const echo_t *echo, apr_time_t now);

/* Non-zero when there is nothing left to do. */
int echo_done(const echo_t *echo);

/* Why serving ended. Any thread, once the worker has stopped. */
echo_end_t echo_end(const echo_t *echo);

/* The counters of this core. Any thread may read them while the worker runs. */
counters_t *echo_counters(echo_t *echo);

#endif
