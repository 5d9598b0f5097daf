#ifndef UDPECHO_SENT_H
#define UDPECHO_SENT_H

/*
 * The datagrams sent, as many of the latest as there is room for: when and by which flow each
 * was sent, and its fate. A ring by sequence number. The outstanding ones of each flow are
 * linked, so that the oldest is known. Each operation takes constant time, on average if replies
 * overtake each other.
 */

#include <apr_pools.h>

#include "client/core/payload.h"

#define NO_SEQUENCE (~(apr_uint64_t)0)

#define SENT_MIN ((apr_uint64_t)1 << 6)
#define SENT_MAX ((apr_uint64_t)1 << 26) /* a GiB, and well below 2^32: see sent_find() */

/* No more than so many only for the sake of late answers: 64 MiB. */
#define SENT_COMFORT ((apr_uint64_t)1 << 22)

typedef enum fate {
    FATE_OUTSTANDING, /* not answered yet, and still in time */
    FATE_RECEIVED,
    FATE_CORRUPTED,
    FATE_LOST,
    FATE_NOT_SENT, /* refused by this host */
    FATES
} fate_t;

/* 16 bytes, as there can be millions. */
typedef struct sent {
    apr_time_t at;
    apr_uint32_t next; /* low bits of the sequence number that its flow sent next */
    unsigned size : 16;
    unsigned flow : 12;
    unsigned fate : 4; /* a fate_t */
} sent_t;

typedef struct sent_flow {
    apr_uint64_t oldest; /* of the outstanding ones; of no meaning if there are none */
    apr_uint64_t newest; /* that it sent */
    apr_uint64_t outstanding;
    apr_uint64_t lost[2]; /* the last two, or NO_SEQUENCE; [0] is the later one */
    apr_time_t
        guessed_at; /* when the newest one was sent as of the last sent_guessed(); 0: never */
} sent_flow_t;

typedef struct sent_ring {
    sent_t *records;
    apr_size_t capacity; /* a power of two */
    apr_uint64_t oldest; /* of the outstanding ones; `next` if there are none */
    apr_uint64_t next;   /* the sequence number to come */
    sent_flow_t *flows;
} sent_ring_t;

/* A ring for `needed` datagrams, SENT_MAX at most, and as far as SENT_COMFORT for `wanted` ones: a
 * power of two from SENT_MIN on. */
sent_ring_t sent_create(double needed, double wanted, unsigned flows, apr_pool_t *pool);

/* The next datagram; returns its sequence number. Not while sent_is_full(). */
apr_uint64_t sent_add(sent_ring_t *ring, unsigned flow, apr_size_t size, apr_time_t now);

/* Datagram `sequence` left at `now`, and not when it was added. Returns 0, and changes nothing, if
 * it is not outstanding. */
int sent_left(sent_ring_t *ring, apr_uint64_t sequence, apr_time_t now);

/* Non-zero if the next datagram would be remembered in place of one that is outstanding. */
int sent_is_full(const sent_ring_t *ring);

/* Non-zero if datagram `sequence`, which sent_find() found by `part`, is the only one of its flow,
 * among those sent after `since`, that can be meant: no other that has these bits may still be
 * answered. */
int sent_is_certain(const sent_ring_t *ring, apr_uint64_t sequence, const sequence_part_t *part,
                    apr_time_t since);

/* Notes that an arrival by `flow` settled a datagram that it need not have been about: any other
 * sent so far may still be answered. */
void sent_guessed(sent_ring_t *ring, unsigned flow);

/* That which is outstanding for the longest time, or NULL. */
const sent_t *sent_oldest(const sent_ring_t *ring);

/* What is remembered of datagram `sequence`, or NULL. */
const sent_t *sent_get(const sent_ring_t *ring, apr_uint64_t sequence);

/* Changes the fate of a datagram that is remembered; never back to FATE_OUTSTANDING. */
void sent_settle(sent_ring_t *ring, apr_uint64_t sequence, fate_t fate);

/*
 * The datagram that an arrival by `flow` is about, which tells `part` of its sequence number; NULL
 * if there is none. All 32 bits name one. Fewer are taken for the oldest outstanding one of the
 * flow that has them, otherwise for the newest.
 */
const sent_t *sent_find(const sent_ring_t *ring, unsigned flow, const sequence_part_t *part,
                        apr_uint64_t *sequence);

#endif
