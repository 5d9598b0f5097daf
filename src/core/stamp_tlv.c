#include "core/stamp_tlv.h"

#include "core/stamp_tlv_fill.h"

static rest_t tail_of(const datagram_t *datagram, apr_size_t base)
{
    return (rest_t){datagram->data + base, datagram->length - base};
}

/* ---- Integrity ---- */

typedef enum integrity { INTEGRITY_NOT_ASKED, INTEGRITY_VERIFIED, INTEGRITY_FAILED } integrity_t;

static int is_only_padding(rest_t rest)
{
    tlv_t tlv;
    walk_t walk;

    while ((walk = stamp_tlv_next(&rest, &tlv)) == WALK_TLV &&
           tlv.type == STAMP_TLV_EXTRA_PADDING) {
    }
    return walk == WALK_END;
}

/* Covers the number of the packet, and all TLVs before it. */
static unsigned covered_parts(const datagram_t *datagram, apr_size_t base, apr_size_t hmac,
                              authentication_part_t parts[2])
{
    parts[0] = (authentication_part_t){datagram->data, 4};
    parts[1] = (authentication_part_t){datagram->data + base, hmac - STAMP_TLV_HEADER - base};
    return 2;
}

/* Verifies the HMAC TLV, behind which there may be nothing but padding. `*hmac` becomes the offset
 * of its value. */
static integrity_t verify(const stamp_tlv_context_t *context, const datagram_t *datagram,
                          apr_size_t base, apr_size_t *hmac)
{
    rest_t rest = tail_of(datagram, base);
    tlv_t tlv;

    if (context->key == NULL) {
        return INTEGRITY_NOT_ASKED;
    }
    while (stamp_tlv_next(&rest, &tlv) == WALK_TLV) {
        if (tlv.type == STAMP_TLV_HMAC) {
            authentication_part_t parts[2];

            *hmac = (apr_size_t)(tlv.value - datagram->data);
            return tlv.length == STAMP_HMAC_LENGTH && is_only_padding(rest) &&
                           authentication_verifies(context->key, parts,
                                                   covered_parts(datagram, base, *hmac, parts),
                                                   tlv.value)
                       ? INTEGRITY_VERIFIED
                       : INTEGRITY_FAILED;
        }
    }
    return context->is_authenticated && !is_only_padding(tail_of(datagram, base))
               ? INTEGRITY_FAILED
               : INTEGRITY_NOT_ASKED;
}

/* ---- The whole ---- */

static void flag_all(const stamp_tlv_context_t *context, rest_t rest)
{
    tlv_t tlv;
    walk_t walk;

    while ((walk = stamp_tlv_next(&rest, &tlv)) != WALK_END) {
        int flags = STAMP_TLV_INTEGRITY;

        flags |= stamp_tlv_fill_of(context, tlv.type) == NULL ? STAMP_TLV_UNRECOGNIZED : 0;
        flags |= walk == WALK_OVERRUN ? STAMP_TLV_MALFORMED : 0;
        *tlv.flags = (unsigned char)flags;
        if (walk == WALK_OVERRUN) {
            return;
        }
    }
}

static void fill_all(const stamp_tlv_answer_t *answer, rest_t rest)
{
    tlv_t tlv;
    walk_t walk;

    while ((walk = stamp_tlv_next(&rest, &tlv)) != WALK_END) {
        stamp_tlv_fill_t *fill = stamp_tlv_fill_of(answer->context, tlv.type);

        *tlv.flags = fill == NULL ? STAMP_TLV_UNRECOGNIZED : 0;
        if (walk == WALK_OVERRUN || (fill != NULL && !fill(answer, &tlv))) {
            *tlv.flags = (unsigned char)(*tlv.flags | STAMP_TLV_MALFORMED);
            return;
        }
    }
}

/* Padding of TWAMP Light, which is no chain of TLVs: their type 0 is reserved. */
static int is_zero_padding(rest_t rest)
{
    return rest.length >= 4 && big_endian_32(rest.at) == 0;
}

void stamp_tlv_answer(const stamp_tlv_context_t *context, datagram_t *datagram, apr_size_t base,
                      stamp_reply_t *reply)
{
    rest_t tail = tail_of(datagram, base);
    stamp_tlv_answer_t answer = {context, datagram, reply};
    apr_size_t hmac = 0;

    if (is_zero_padding(tail)) {
        return;
    }
    switch (verify(context, datagram, base, &hmac)) {
    case INTEGRITY_FAILED:
        flag_all(context, tail);
        return;
    case INTEGRITY_VERIFIED:
        reply->tlv_key = context->key;
        reply->tlv_hmac = hmac;
        datagram->data[hmac - STAMP_TLV_HEADER] = 0; /* also behind a malformed one */
        break;
    case INTEGRITY_NOT_ASKED:
        break;
    }
    fill_all(&answer, tail);
}

/* The reply before this one: its number, when it left, and how that was measured. */
static void finish_follow_up(const stamp_policy_t *policy, const datagram_t *datagram,
                             const stamp_reply_t *reply, apr_int64_t now)
{
    unsigned char *value = datagram->data + reply->follow_up;
    apr_int64_t sent = session_last_sent(&reply->turn, now);

    if (sent != 0) {
        big_endian_put_32(value, reply->turn.sequence - 1);
        big_endian_put_64(value + 4, stamp_policy_time(policy, sent));
        value[12] = STAMP_METHOD_SOFTWARE;
    }
}

void stamp_tlv_finish(const stamp_policy_t *policy, datagram_t *datagram,
                      const stamp_reply_t *reply, apr_int64_t (*wall_clock)(void))
{
    if (reply->follow_up != 0 && policy->is_stateful && reply->turn.sessions != NULL) {
        finish_follow_up(policy, datagram, reply, wall_clock());
    }
    if (reply->tlv_key != NULL) {
        authentication_part_t parts[2];

        covered_parts(datagram, reply->layout->length, reply->tlv_hmac, parts);
        authentication_code(reply->tlv_key, parts, 2, datagram->data + reply->tlv_hmac);
    }
}
