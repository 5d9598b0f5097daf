#ifndef UDPECHO_SESSION_SENDER_H
#define UDPECHO_SESSION_SENDER_H

/*
 * The sending side of a protocol in which requests carry a number and the time, and replies tell
 * more than that they came: STAMP (RFC 8762), UDPEchoPlus (TR-143). Each flow is a session with
 * numbers of its own: from 0 on, without gaps, since what this host refused uses none.
 *
 * What is sent is written right before it leaves, so that the time in it is that of leaving, and
 * there is room for one packet only. What was sent is remembered: for each flow, the last datagrams
 * as many as there is room for. One thread.
 */

#include <apr_pools.h>
#include <apr_time.h>

#include "client/core/stamp_tlvs.h"
#include "udpecho/datagram.h"

/* What this host knows of its own clock. */
typedef struct own_clock {
    int is_synchronised; /* to UTC */
    apr_int64_t error;   /* by how much it may be off, nanoseconds; -1: not known */
} own_clock_t;

/* What a reply tells. Times are nanoseconds. */
typedef struct reflection {
    apr_uint32_t number;      /* of the request */
    apr_uint32_t peer_number; /* the peer's own, from 0 on */
    apr_uint32_t failures;    /* requests that the peer got and did not answer; 0 where it does not
                               * tell */
    int is_intact;            /* 0: it is no right answer, whatever else it tells */
    apr_int64_t t1;           /* when the request left, by this host's clock: since 1970 UTC, as are
                               * the next two where the peer's clock is of that kind */
    apr_int64_t t2, t3;       /* when it arrived there and when its reply left, by the peer's */
    int is_synchronised;      /* the peer says that its clock is, to UTC ... */
    apr_int64_t error;        /* the maximum error of t2 and t3; -1: the reply does not say */
    apr_int64_t period;       /* after which the peer's clock begins anew; 0: it never does */
    int hop_limit;            /* that the request arrived there with; -1: not told */
    int is_changed;           /* the reply does not return what the request said of its time */
    stamp_tlvs_t tlvs;        /* of STAMP */
    int is_repeated;          /* the request was answered before ... */
    apr_uint32_t repeats;     /* ... by the peer's reply of this number */
} reflection_t;

/* A protocol. */
typedef struct session_format {
    int is_shared; /* the peer numbers its replies to all senders together, not to each */
    void *context; /* of the functions */
    const unsigned char *packet; /* where write() writes; lives as long as the sender */
    apr_size_t length;           /* of a request, bytes */

    /* Writes the request of this number that leaves at `time`, by a clock of this kind, into the
     * packet. */
    void (*write)(void *context, apr_uint32_t number, apr_int64_t time, const own_clock_t *own);

    /* Reads the number of a request of which `length` bytes, perhaps not all, are at `data`.
     * Returns 0 if they do not tell. */
    int (*read_request)(const unsigned char *data, apr_size_t length, apr_uint32_t *number);

    /* The same of the request that a reply is to. Returns 0 if it is none of this protocol. */
    int (*read_number)(void *context, const unsigned char *data, apr_size_t length,
                       apr_uint32_t *number);

    /* Reads all else of it; number, t1, is_repeated and repeats are set. Returns 0 if it is to no
     * request of this run after all. */
    int (*read_reply)(void *context, const unsigned char *data, apr_size_t length,
                      reflection_t *reflection);
} session_format_t;

/* How long the peer kept the request, microseconds, of a round trip that took `round_trip` with
 * that; 0 if its clock tells what cannot be. */
apr_interval_time_t reflection_kept(const reflection_t *reflection, apr_interval_time_t round_trip);

typedef struct session_sender session_sender_t;

/* A sender for `flows` flows, which remembers `each` datagrams of each at least. `format` is
 * copied. From `pool`. */
session_sender_t *session_sender_create(const session_format_t *format, unsigned flows, double each,
                                        apr_pool_t *pool);

/* What this host's clock is like from now on; before, it is not synchronised. */
void session_sender_set_clock(session_sender_t *sender, own_clock_t own);

/* Makes `request` one whose bytes are those of the packet, which session_sender_write() writes. */
void session_sender_make(const session_sender_t *sender, request_t *request);

/* Writes the packet of `request`, which leaves at `time`, nanoseconds since 1970. What was written
 * before and did not leave never existed. */
void session_sender_write(session_sender_t *sender, const request_t *request, apr_int64_t time);

/* The request that was written at last has left. */
void session_sender_left(session_sender_t *sender, const request_t *request);

/* The low 32 bits of the sequence number of the request that `length` bytes at `data` are the
 * beginning of, sent by `flow`. Returns 0 if they do not tell, or it is forgotten. */
int session_sender_read_request(const session_sender_t *sender, unsigned flow,
                                const unsigned char *data, apr_size_t length,
                                apr_uint32_t *sequence);

/* The same of the request that `length` bytes at `data`, received by `flow`, are a reply to; sets
 * `reflection` too. */
int session_sender_read_reply(const session_sender_t *sender, unsigned flow,
                              const unsigned char *data, apr_size_t length,
                              reflection_t *reflection, apr_uint32_t *sequence);

/* The reply that `reflection` is of answers its request, by `flow`: another one to it will be
 * repeated. */
void session_sender_answered(session_sender_t *sender, unsigned flow,
                             const reflection_t *reflection);

#endif
