#ifndef UDPECHO_SESSIONS_H
#define UDPECHO_SESSIONS_H

/*
 * The STAMP sessions that a reflector knows: how many packets it has answered in each, so that the
 * sender can tell on which way one was lost (RFC 8762 section 4.3). The table has a fixed size, of
 * which three quarters can be taken before a session may find no place in it. Sessions are found by
 * a keyed hash, so that nobody can choose places; one that has no place takes that of the one which
 * was idle longest. Where a session had more than one packet, only a 64th of its idle time counts:
 * forged packets take the places of each other. All workers share a table without a lock, and each
 * reply has a number of its own.
 */

#include <apr_pools.h>
#include <apr_siphash.h>
#include <apr_time.h>

#include "udpecho/datagram.h"

#define SESSIONS_MAX 16384

/* A session that is idle for longer starts anew, from 0: REFWAIT of RFC 5357 section 3.1. */
#define SESSION_IDLE_US (900 * APR_USEC_PER_SEC)

typedef struct sessions sessions_t;

/* `key` is random and secret; it is not kept elsewhere. All memory is taken here, about 390 KiB of
 * `pool`, which must outlive all cores that use it. */
sessions_t *sessions_create(const unsigned char key[APR_SIPHASH_KSIZE], apr_pool_t *pool);

/* A packet of a session, and what to report about earlier ones. */
typedef struct session_turn {
    sessions_t *sessions;
    unsigned place;        /* in the table */
    apr_uint32_t sequence; /* of this reply: how many the session had before it, modulo 2^32 */
} session_turn_t;

/* Counts a packet that will be answered, in the session from `from` to `to` with this SSID.
 * `now` is that of clock_now(). Any thread. */
session_turn_t session_take(sessions_t *sessions, const endpoint_t *from, const endpoint_t *to,
                            unsigned ssid, apr_time_t now);

/* Keeps when the reply of this turn left, nanoseconds since 1970 UTC. Any thread. */
void session_sent(const session_turn_t *turn, apr_int64_t sent_ns);

/* A number for the reply of this turn, by which session_departed() knows it while it is the last of
 * its session. Any thread. */
apr_uint32_t session_departure_id(const session_turn_t *turn);

/* Keeps instead that this reply left at another time, which is not before. Any thread. */
void session_departed(sessions_t *sessions, const departure_t *departure);

/* When the reply before this one left, nanoseconds since 1970 UTC; `near_ns` is any time within
 * two hours of it. 0: there was none, or another worker is sending it. Any thread. */
apr_int64_t session_last_sent(const session_turn_t *turn, apr_int64_t near_ns);

/* How many sessions are not idle. Looks at the whole table. Any thread. */
unsigned sessions_count(const sessions_t *sessions, apr_time_t now);

/* How many lost their place before they were idle. Any thread. */
apr_uint64_t sessions_evicted(const sessions_t *sessions);

#endif
