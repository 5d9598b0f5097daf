#ifndef UDPECHO_STAMP_H
#define UDPECHO_STAMP_H

/*
 * The STAMP Session-Reflector (RFC 8762, TLVs of RFC 8972), which also serves TWAMP Light (RFC 5357
 * appendix I). It turns a request into its reply in place, in three steps: stamp_judge() sees
 * whether it is a request at all, stamp_answer() makes all of the reply but what depends on when it
 * leaves, and stamp_finish() adds that.
 *
 * There is no protection from replay: a packet that was recorded is answered again, to the address
 * that it claims to come from.
 */

#include <stdatomic.h>

#include "common/stamp_packet.h"
#include "core/sessions.h"
#include "core/stamp_keys.h"
#include "udpecho/datagram.h"

typedef struct own_addresses own_addresses_t;

/* What is known of the wall clock. The server writes it every few seconds while workers read it.
 * Z is not kept in it: the policy says which clock is written. */
typedef struct stamp_quality {
    _Atomic unsigned error_estimate; /* of stamp_error_encode() */
    _Atomic unsigned sync_source;    /* STAMP_SYNC_NTP, STAMP_SYNC_FREE_RUNNING, ... */
} stamp_quality_t;

/* An error estimate for a clock of which nothing is known: not synchronised, a millisecond. */
#define STAMP_ERROR_UNKNOWN 0x0f84

/* How STAMP listeners answer. Every pointer may be NULL. Nothing of it changes while a core reads
 * it but what other threads may change by themselves. */
typedef struct stamp_policy {
    sessions_t *sessions;      /* what all listeners share; NULL: none are counted */
    int is_stateful;           /* replies are numbered by session, not as their requests are */
    int is_authenticated;      /* packets are; if not, keys are for HMAC TLVs only */
    const stamp_keys_t *keys;  /* without one for its session, an authenticated packet is dropped */
    int answers_short;         /* requests of 14 to 43 bytes (RFC 8762 section 4.6) */
    int is_strict;             /* drops packets whose error estimate has a multiplier of 0 */
    int reads_tlvs;            /* else what follows the base packet is copied as it is */
    stamp_clock_t clock;       /* how its time stamps are written */
    apr_int64_t ptp_offset_ns; /* added to UTC for STAMP_CLOCK_PTP: TAI is 37 s ahead */
    unsigned receive_method;   /* how T2 is taken: STAMP_METHOD_SOFTWARE, ...; 0: by software */
    int lacks_dscp;            /* this host sends every reply with DSCP 0, whatever is asked for */
    apr_uint64_t permitted_dscps;   /* bit n: a request may ask for a reply with DSCP n; 0 and its
                                     * own are always permitted */
    const stamp_quality_t *quality; /* NULL: nothing is known */
} stamp_policy_t;

/* What holds where there is no policy: stateless, unauthenticated, short requests and TLVs, NTP. */
extern const stamp_policy_t stamp_policy_default;

/* A time of the wall clock, nanoseconds since 1970 UTC, as the policy has time stamps written. */
apr_uint64_t stamp_policy_time(const stamp_policy_t *policy, apr_int64_t unix_ns);

/* What is still to be done for a reply. */
typedef struct stamp_reply {
    const stamp_layout_t *layout;
    const authentication_key_t *packet_key; /* NULL: the packet is not authenticated */
    const authentication_key_t *tlv_key;    /* of the HMAC TLV; NULL: there is none to be written */
    apr_size_t tlv_hmac;                    /* offset of that TLV's value */
    apr_size_t follow_up;                   /* offset of the value of Follow-Up Telemetry, or 0 */
    session_turn_t turn;                    /* its `sessions` are NULL: of none */
} stamp_reply_t;

/* How long the reply to a request of this length is, bytes. */
apr_size_t stamp_reply_length(apr_size_t length);

/* What is wrong with a request: VERDICT_STAMP_LENGTH, VERDICT_STAMP_SHORT,
 * VERDICT_STAMP_ERROR_ESTIMATE; or VERDICT_ECHO. */
verdict_t stamp_judge(const stamp_policy_t *policy, const datagram_t *request);

/* Non-zero if a packet that passed stamp_judge() looks like a reply of a reflector, whose answer
 * would be answered again: it is as long as one, it has a receive timestamp, and either the
 * sender's number is its own or the octets are zero that are in replies. */
int stamp_is_reply(const stamp_policy_t *policy, const datagram_t *packet);

/*
 * Makes the reply of a request that passed stamp_judge(). `own`, which may be NULL, knows this
 * host's addresses; `now` is that of clock_now(). Returns VERDICT_STAMP_KEY or VERDICT_STAMP_HMAC,
 * and then changed nothing; or VERDICT_ECHO, and then `reply` is filled and the data, length and
 * reply_traffic_class of the datagram are those of the reply, and its departure_id is set if the
 * next reply may have to tell when this one left.
 */
verdict_t stamp_answer(const stamp_policy_t *policy, const own_addresses_t *own,
                       datagram_t *datagram, stamp_reply_t *reply, apr_time_t now);

/* Writes the time of its departure, asked for as late as possible by `wall_clock`, nanoseconds
 * since 1970 UTC, and what authenticates it. Where the time of arrival is not known, it is the
 * same. */
void stamp_finish(const stamp_policy_t *policy, datagram_t *datagram, const stamp_reply_t *reply,
                  apr_int64_t (*wall_clock)(void));

#endif
