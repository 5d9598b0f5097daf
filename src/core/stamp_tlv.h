#ifndef UDPECHO_STAMP_TLV_H
#define UDPECHO_STAMP_TLV_H

/*
 * The TLVs behind a STAMP base packet (RFC 8972 section 4; RFC 9503 section 4 for type 9), as the
 * reflector fills them in. Their number, order and lengths stay.
 *
 * Where RFC 8972 leaves it open: a malformed TLV and those whose HMAC is wrong keep U only if their
 * type is unknown; what follows a malformed TLV is copied as it came; a tail that begins with four
 * zero octets is padding of TWAMP Light, and copied. Without a key, an HMAC TLV is of an unknown
 * type.
 */

#include "core/stamp.h"

/* What the reflector knows of a request when it fills in its TLVs. */
typedef struct stamp_tlv_context {
    const stamp_policy_t *policy;
    const own_addresses_t *own;      /* or NULL */
    const authentication_key_t *key; /* of the session, or NULL */
    int is_authenticated;            /* TLVs other than padding need an HMAC TLV */
    apr_time_t now;
    unsigned ssid;
} stamp_tlv_context_t;

/* Fills in the TLVs from `base` on, the length of the base packet, which still has the sender's
 * sequence number; notes in `reply` what is to be done later, and sets the datagram's
 * reply_traffic_class if one asks for it. Never reads or writes beyond its length. */
void stamp_tlv_answer(const stamp_tlv_context_t *context, datagram_t *datagram, apr_size_t base,
                      stamp_reply_t *reply);

/* Fills in what depends on when the reply before this one left and on the number of this one, which
 * is in the datagram. `wall_clock` tells nanoseconds since 1970 UTC. */
void stamp_tlv_finish(const stamp_policy_t *policy, datagram_t *datagram,
                      const stamp_reply_t *reply, apr_int64_t (*wall_clock)(void));

#endif
