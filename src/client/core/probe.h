#ifndef UDPECHO_PROBE_H
#define UDPECHO_PROBE_H

/*
 * The client's core: what to send next and when, what a reply means, and what it all comes to.
 * Sans I/O: it has no socket and no clock; time and bytes go in, decisions come out. Times are
 * those of clock_now(), microseconds. All memory is taken by probe_create(); one thread at a time.
 *
 * Every datagram carries its sequence number and a key of this run, and then a window into one
 * block of random bytes, another window for every datagram: a reply that was joined from the
 * fragments of two datagrams (RFC 4963) is found out. A payload of fewer than 4 bytes carries only
 * low bits of the number, and one that the user wrote carries nothing: such a reply settles the
 * oldest outstanding datagram of its flow that it can belong to; if there is none, the newest.
 * Where it can belong to several, those lost in the last two timeouts among them, which one it
 * answers and its round trip are not told.
 *
 * The requests of another protocol are as that has them, and tell of themselves what it has them
 * tell: see session_sender.h.
 *
 * As many datagrams are remembered as are sent in two timeouts, within bounds: from what the plan
 * says to 4 Mi, or as many as can be outstanding. None that is outstanding is ever forgotten: one
 * that is lost can hold up all others until its timeout, and what is due meanwhile is missed.
 */

#include <apr_pools.h>
#include <apr_time.h>

#include "client/core/round_trips.h"
#include "client/core/session_sender.h"

typedef struct probe_plan {
    endpoint_t peer;      /* who is asked */
    int any_peer;         /* peer is a multicast group or a broadcast address: any host
                           * that answers from its port is right, and the first one counts */
    unsigned flows;       /* 1 to FLOWS_MAX; datagrams go over them in turn, or, with a window,
                           * over each until its window is full: then they can leave together */
    apr_uint64_t shuffle; /* random bits: the turns are in another random order in each round, so
                           * that what depends on the time hits all flows alike; 0: in the same
                           * order. Not with a window */
    apr_size_t size;      /* of each payload, bytes; see probe_resize() */
    const unsigned char *payload;   /* these `size` bytes each time, not copied; NULL: made as said
                                     * above, of ... */
    const unsigned char *random;    /* ... PROBE_RANDOM bytes, not copied */
    const session_format_t *format; /* of another protocol, whose requests are `size` bytes long,
                                     * and there is no payload; NULL: plain echo */
    unsigned window;                /* unanswered ones on each flow at most; 0: any number */
    unsigned burst;                 /* how many datagrams are due ... */
    apr_interval_time_t interval;   /* ... in each interval, evenly spread; 0: at once */
    apr_uint64_t count;             /* datagrams to send, those that this host refuses among them;
                                     * 0: without end */
    apr_interval_time_t duration;   /* for which to send, from the first on; 0: without end */
    apr_interval_time_t timeout;    /* an answer is late that takes so long; above 0 */
    unsigned remembered;            /* how many datagrams to remember at least, so that answers
                                     * that come very late are known */
} probe_plan_t;

/* How many random bytes payloads are made of: the key, and the largest payload at any of the
 * offsets that a window may have. */
#define PROBE_OFFSETS 4096
#define PROBE_RANDOM  (4 + PAYLOAD_MAX_IPV6 + PROBE_OFFSETS)

/* The most datagrams of a plan that can be outstanding. */
#define PROBE_OUTSTANDING_MAX (1 << 26)

/* How many can: all of its windows, or what is sent in a timeout. */
double probe_outstanding(const probe_plan_t *plan);

/* What a reply is. */
typedef enum reply_verdict {
    REPLY_ANSWER,       /* the bytes that were sent, in time, for the first time */
    REPLY_LATE,         /* the same after the timeout, by `received` and not by what was told */
    REPLY_DUPLICATE,    /* the same once more */
    REPLY_CORRUPT,      /* to a datagram of this run, but with other bytes or another length; one
                         * cut off too far to tell which of several it is to settles none */
    REPLY_MISDELIVERED, /* came by another flow than its datagram went */
    REPLY_ELSEWHERE,    /* from an address or port that was not asked */
    REPLY_UNKNOWN,      /* to no datagram that this run can have sent, or one of long ago */
    REPLY_KINDS
} reply_verdict_t;

typedef struct reply {
    reply_verdict_t verdict;
    unsigned flow;         /* that it came by */
    int is_reordered;      /* a datagram of the same flow that was sent later was answered before
                            * (RFC 4737 section 3) */
    int has_sequence;      /* 0: nothing tells which datagram it answers, nor its round trip */
    apr_uint64_t sequence; /* of that datagram */
    apr_size_t expected;   /* how long it should have been, bytes */
    apr_interval_time_t round_trip; /* microseconds, without ... */
    apr_interval_time_t kept;       /* ... the time for which the peer kept the datagram, as far as
                                     * the protocol tells */
    const reflection_t
        *reflection; /* what an answer, a late one or a duplicate of another protocol
                      * than plain echo tells, until the next reply; otherwise NULL */
} reply_t;

/* What a probe, or one flow of it, came to. sent = received + corrupted + lost + outstanding.
 * `replies` of a flow are those that came by it; what is missed is no flow's. */
typedef struct probe_summary {
    apr_uint64_t sent;
    apr_uint64_t received;             /* answered with the same bytes, however late */
    apr_uint64_t corrupted;            /* answered, and only with other bytes */
    apr_uint64_t lost;                 /* not answered within the timeout, nor later */
    apr_uint64_t outstanding;          /* not answered yet, and still in time */
    apr_uint64_t outstanding_before;   /* of an interval: when it began; otherwise 0 */
    apr_uint64_t departed;             /* of the sent ones: less those that still wait to leave */
    apr_uint64_t timed_out;            /* were lost, those among them that were answered late */
    apr_uint64_t not_sent;             /* refused by this host; not part of `sent` */
    apr_uint64_t missed;               /* due, and skipped since this host came late */
    int is_scheduled;                  /* 0: no time said when datagrams were due */
    apr_uint64_t refused;              /* word came from the network that this many were */
    apr_uint64_t late;                 /* of the received ones */
    apr_uint64_t reordered;            /* of the received ones */
    apr_uint64_t bytes;                /* of the received ones, payload */
    apr_uint64_t replies[REPLY_KINDS]; /* of each kind */
    /* From the first datagram sent to the last that was sent or received; while some are
     * outstanding, to now. */
    apr_interval_time_t elapsed;
    apr_interval_time_t sending;   /* from the first datagram to the last that left; 0: not known */
    apr_interval_time_t answering; /* from the first answer to the last; 0: not known */
    apr_uint64_t timed;            /* of the received ones, those whose round trip is known */
    /* Their round trips, microseconds; 0 if there are none. */
    apr_interval_time_t minimum, mean, maximum, deviation;
    apr_interval_time_t p50, p90, p99, p999; /* see histogram.h for how exact they are */
    apr_interval_time_t jitter; /* RFC 3550 section 6.4.1, on round trips instead of transits */
} probe_summary_t;

typedef enum probe_step {
    PROBE_SEND,    /* send `request` now, which was due at `due` */
    PROBE_MISSING, /* datagram `request.sequence` is not answered in time: said once for each */
    PROBE_WAIT,    /* nothing to do until `until`, or a reply */
    PROBE_DONE     /* all is sent, and answered or lost; a corrupted one until its timeout */
} probe_step_t;

typedef struct probe_next {
    probe_step_t step;
    request_t request; /* of PROBE_MISSING: only its sequence, flow and length */
    apr_time_t until;
    apr_time_t due; /* 0: no time said when it is */
} probe_next_t;

typedef struct probe probe_t;
struct tally;

/* A probe that begins at its first probe_next(). `plan` is copied. Errors: APR_EINVAL if the plan
 * is out of the bounds above, or spans more than 2^62 microseconds. */
apr_status_t probe_create(probe_t **probe, const probe_plan_t *plan, apr_pool_t *pool);

/*
 * What to do at `now`. Call it again until it says to wait. A caller that is late may send at
 * once only what was due in the last 10 ms, or one datagram: the rest is missed, and later
 * datagrams keep their due times.
 */
probe_next_t probe_next(probe_t *probe, apr_time_t now);

/*
 * To be called right before requests leave, at `time`, nanoseconds since 1970 UTC: writes into the
 * first of `count` requests at `requests` what it says of that. Returns how many of them can leave
 * as one message. The request is to leave before another one is prepared.
 */
unsigned probe_prepare(probe_t *probe, const request_t *requests, unsigned count, apr_int64_t time);

/* What this host's clock is like from now on, which requests say as well; before, it is not
 * synchronised. */
void probe_set_clock(probe_t *probe, own_clock_t own);

/* Non-zero if requests say when they leave: else `time` may be anything. */
int probe_tells_time(const probe_t *probe);

/* The first `count` requests at `requests` left at `now`, when their round trips begin: not
 * before the time of the probe_next() that made them. No effect on those that are answered or
 * missing. */
void probe_sent(probe_t *probe, const request_t *requests, unsigned count, apr_time_t now);

/* Non-zero if probe_next() would say at `now` that a datagram is missing, or is done since the
 * right answer to a corrupted one did not come in time: all that has arrived ought to be told
 * first, since that may be the answer. */
int probe_is_overdue(const probe_t *probe, apr_time_t now);

/* This host refused a request of probe_next(), which never left. Its sequence number is not used
 * again, nor its place in the plan. No effect if it is already answered or missing. */
void probe_not_sent(probe_t *probe, const request_t *request);

/* What the `length` bytes at `data` are, that came from `from` by flow `flow` at `received`. Counts
 * them. */
reply_t probe_reply(probe_t *probe, unsigned flow, const endpoint_t *from,
                    const unsigned char *data, apr_size_t length, apr_time_t received);

/* The network reported that a datagram of flow `flow` was refused, whose first `length` bytes
 * are at `data`: counts it. Returns non-zero and sets `sequence` if this identifies a datagram
 * of this run. Its reply may still arrive, because such reports can be forged (RFC 5927). */
int probe_refused(probe_t *probe, unsigned flow, const unsigned char *data, apr_size_t length,
                  apr_uint64_t *sequence);

/* Makes the datagrams from now on `size` bytes long. A payload that the user wrote gets no longer
 * than it was at first. Not of another protocol than plain echo. */
void probe_resize(probe_t *probe, apr_size_t size);

/* Sends no more; waits for outstanding replies. */
void probe_finish(probe_t *probe);

/* The result until `now`: of all flows, or of one. May be called at any time. In one run, only
 * `sent`, `corrupted`, `lost`, `outstanding` and the times can decrease. */
probe_summary_t probe_summary(const probe_t *probe, apr_time_t now);
probe_summary_t probe_flow_summary(const probe_t *probe, unsigned flow, apr_time_t now);

/* The round trips of all flows. */
void probe_round_trips(const probe_t *probe, round_trips_t *all);

/* Adds to `tally` what all flows came to. */
void probe_add_to(const probe_t *probe, struct tally *tally);

#endif
