#include "core/stamp.h"

#include <string.h>

#include "core/stamp_tlv.h"

const stamp_policy_t stamp_policy_default = {.answers_short = 1, .reads_tlvs = 1};

apr_size_t stamp_reply_length(apr_size_t length)
{
    return length < STAMP_LENGTH ? STAMP_LENGTH : length;
}

static const stamp_layout_t *layout_of(const stamp_policy_t *policy)
{
    return policy->is_authenticated ? &stamp_authenticated : &stamp_unauthenticated;
}

/* ---- Judging ---- */

verdict_t stamp_judge(const stamp_policy_t *policy, const datagram_t *request)
{
    const stamp_layout_t *layout = layout_of(policy);

    if (request->length < (policy->is_authenticated ? layout->length : STAMP_REQUEST_MIN)) {
        return VERDICT_STAMP_LENGTH;
    }
    if (request->length < layout->length && !policy->answers_short) {
        return VERDICT_STAMP_SHORT;
    }
    if (policy->is_strict &&
        !stamp_error_decode(big_endian_16(request->data + layout->error_estimate)).is_valid) {
        return VERDICT_STAMP_ERROR_ESTIMATE;
    }
    return VERDICT_ECHO;
}

static int are_zero(const unsigned char *bytes, unsigned from, unsigned to)
{
    unsigned char any = 0;

    while (from < to) {
        any |= bytes[from++];
    }
    return any == 0;
}

int stamp_is_reply(const stamp_policy_t *policy, const datagram_t *packet)
{
    const stamp_layout_t *layout = layout_of(policy);
    unsigned char head[STAMP_AUTHENTICATED_LENGTH] = {0}; /* what is missing counts as zero */

    /* Not even reflectors of TWAMP Light that leave the end out send less than the sender's time.
     */
    if (packet->length < layout->sender_error_estimate) {
        return 0;
    }
    memcpy(head, packet->data, packet->length < layout->length ? packet->length : layout->length);
    if (are_zero(head, layout->receive_timestamp, layout->receive_timestamp + 8)) {
        return 0;
    }
    return memcmp(head + layout->sequence, head + layout->sender_sequence, 4) == 0 ||
           (are_zero(head, layout->sender_error_estimate + 2, layout->sender_ttl) &&
            are_zero(head, layout->sender_ttl + 1,
                     layout->hmac != 0 ? layout->hmac : layout->length));
}

/* ---- Answering ---- */

static int is_genuine(const stamp_layout_t *layout, const authentication_key_t *key,
                      const unsigned char *packet)
{
    authentication_part_t base = {packet, layout->hmac};

    return authentication_verifies(key, &base, 1, packet + layout->hmac);
}

/* Writes the base packet without its own number, its time stamps and its authentication. */
static void write_base(const stamp_layout_t *layout, const datagram_t *datagram, unsigned estimate)
{
    unsigned char *data = datagram->data;
    unsigned char request[STAMP_AUTHENTICATED_LENGTH];

    memcpy(request, data, layout->length);
    memset(data, 0, layout->length);
    memcpy(data + layout->sequence, request + layout->sequence, 4);
    big_endian_put_16(data + layout->error_estimate, (apr_uint16_t)estimate);
    memcpy(data + layout->ssid, request + layout->ssid, 2);
    memcpy(data + layout->sender_sequence, request + layout->sequence, 4);
    memcpy(data + layout->sender_timestamp, request + layout->timestamp, 8);
    memcpy(data + layout->sender_error_estimate, request + layout->error_estimate, 2);
    data[layout->sender_ttl] =
        (unsigned char)(datagram->hop_limit >= 0 ? datagram->hop_limit : STAMP_TTL_UNKNOWN);
}

static unsigned own_estimate(const stamp_policy_t *policy)
{
    unsigned estimate =
        policy->quality != NULL
            ? atomic_load_explicit(&policy->quality->error_estimate, memory_order_relaxed)
            : STAMP_ERROR_UNKNOWN;

    return stamp_error_with_clock((apr_uint16_t)estimate, policy->clock);
}

verdict_t stamp_answer(const stamp_policy_t *policy, const own_addresses_t *own,
                       datagram_t *datagram, stamp_reply_t *reply, apr_time_t now)
{
    const stamp_layout_t *layout = layout_of(policy);
    unsigned char *data = datagram->data;
    apr_size_t length = datagram->length;

    if (length < layout->length) {
        memset(data + length, 0, layout->length - length);
    }
    unsigned ssid = big_endian_16(data + layout->ssid);
    const authentication_key_t *key =
        policy->keys != NULL ? stamp_keys_find(policy->keys, &datagram->from, ssid) : NULL;

    if (policy->is_authenticated && key == NULL) {
        return VERDICT_STAMP_KEY;
    }
    if (policy->is_authenticated && !is_genuine(layout, key, data)) {
        return VERDICT_STAMP_HMAC;
    }
    *reply = (stamp_reply_t){
        .layout = layout,
        .packet_key = policy->is_authenticated ? key : NULL,
    };
    datagram->length = stamp_reply_length(length);
    datagram->reply_traffic_class =
        datagram->traffic_class >= 0 ? datagram->traffic_class & TRAFFIC_CLASS_DSCP : -1;
    write_base(layout, datagram, own_estimate(policy));
    if (policy->is_stateful && policy->sessions != NULL) {
        reply->turn = session_take(policy->sessions, &datagram->from, &datagram->to, ssid, now);
    }
    if (policy->reads_tlvs) {
        stamp_tlv_context_t context = {policy, own, key, policy->is_authenticated, now, ssid};

        stamp_tlv_answer(&context, datagram, layout->length, reply);
    }
    if (policy->is_stateful && reply->turn.sessions != NULL) {
        big_endian_put_32(data + layout->sequence, reply->turn.sequence);
        datagram->departure_id =
            reply->follow_up != 0 ? (apr_int64_t)session_departure_id(&reply->turn) : -1;
    }
    return VERDICT_ECHO;
}

/* ---- Finishing ---- */

apr_uint64_t stamp_policy_time(const stamp_policy_t *policy, apr_int64_t unix_ns)
{
    apr_int64_t offset = policy->clock == STAMP_CLOCK_PTP ? policy->ptp_offset_ns : 0;

    return stamp_timestamp(unix_ns + offset, policy->clock);
}

void stamp_finish(const stamp_policy_t *policy, datagram_t *datagram, const stamp_reply_t *reply,
                  apr_int64_t (*wall_clock)(void))
{
    const stamp_layout_t *layout = reply->layout;
    unsigned char *data = datagram->data;

    stamp_tlv_finish(policy, datagram, reply, wall_clock);

    apr_int64_t now = wall_clock();

    big_endian_put_64(data + layout->timestamp, stamp_policy_time(policy, now));
    big_endian_put_64(data + layout->receive_timestamp,
                      stamp_policy_time(policy, datagram->arrived != 0 ? datagram->arrived : now));
    if (reply->turn.sessions != NULL) {
        session_sent(&reply->turn, now);
    }
    if (reply->packet_key != NULL) {
        authentication_part_t base = {data, layout->hmac};

        authentication_code(reply->packet_key, &base, 1, data + layout->hmac);
    }
}
