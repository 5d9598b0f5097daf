#include "core/stamp_tlv.h"

#include <string.h>

#include "core/own_addresses.h"

#define FLAGS_MALFORMED_UNKNOWN (STAMP_TLV_UNRECOGNIZED | STAMP_TLV_MALFORMED)

/* ---- Walking ---- */

/* A TLV or sub-TLV where it lies. */
typedef struct tlv {
    unsigned char *flags;
    unsigned type;
    unsigned char *value;
    apr_size_t length; /* of the value */
} tlv_t;

/* What is left to be read: the rest of a packet, or of the value of a TLV. */
typedef struct rest {
    unsigned char *at;
    apr_size_t length;
} rest_t;

typedef enum walk { WALK_TLV, WALK_OVERRUN, WALK_END } walk_t;

/* Takes the next one. WALK_OVERRUN: it says that it is longer than what is left, and only its
 * header can be used. */
static walk_t next_tlv(rest_t *rest, tlv_t *tlv)
{
    if (rest->length < STAMP_TLV_HEADER) {
        return WALK_END;
    }
    tlv->flags = rest->at;
    tlv->type = rest->at[1];
    tlv->length = big_endian_16(rest->at + 2);
    tlv->value = rest->at + STAMP_TLV_HEADER;
    rest->length -= STAMP_TLV_HEADER;
    rest->at += STAMP_TLV_HEADER;
    if (tlv->length > rest->length) {
        return WALK_OVERRUN;
    }
    rest->length -= tlv->length;
    rest->at += tlv->length;
    return WALK_TLV;
}

static rest_t tail_of(const datagram_t *datagram, apr_size_t base)
{
    return (rest_t){datagram->data + base, datagram->length - base};
}

/* ---- One function a type: what the reflector writes; 0 if the TLV is malformed ---- */

typedef struct answer {
    const stamp_tlv_context_t *context;
    datagram_t *datagram;
    stamp_reply_t *reply;
} answer_t;

static void put_port(unsigned char *field, const endpoint_t *endpoint)
{
    big_endian_put_16(field, endpoint_port(endpoint));
}

/* Writes an address and the type that tells its family, of which `ipv4` is the first. The field has
 * 16 octets. */
static void put_address(const tlv_t *sub, const endpoint_t *endpoint, unsigned ipv4)
{
    int is_ipv6 = endpoint->sa.any.sa_family == APR_INET6;

    memset(sub->value, 0, 16);
    if (is_ipv6) {
        memcpy(sub->value, &endpoint->sa.v6.sin6_addr, 16);
    } else {
        memcpy(sub->value, &endpoint->sa.v4.sin_addr, 4);
    }
    sub->flags[1] = (unsigned char)(ipv4 + (unsigned)is_ipv6);
}

/* A sub-TLV of Location. The MAC address is not known to a UDP socket: an EUI-64 of zeros. */
static int fill_place(const answer_t *answer, const tlv_t *sub)
{
    unsigned type = sub->type;

    *sub->flags = 0;
    if (type >= STAMP_LOCATION_SOURCE_MAC && type <= STAMP_LOCATION_SOURCE_EUI64) {
        if (sub->length != 8) {
            return 0;
        }
        memset(sub->value, 0, 8);
        sub->flags[1] = STAMP_LOCATION_SOURCE_EUI64;
    } else if (type >= STAMP_LOCATION_DESTINATION_IP && type <= STAMP_LOCATION_SOURCE_IPV6) {
        int is_source = type >= STAMP_LOCATION_SOURCE_IP;

        if (sub->length != 16) {
            return 0;
        }
        put_address(sub, is_source ? &answer->datagram->from : &answer->datagram->to,
                    is_source ? STAMP_LOCATION_SOURCE_IPV4 : STAMP_LOCATION_DESTINATION_IPV4);
    } else {
        *sub->flags = STAMP_TLV_UNRECOGNIZED;
    }
    return 1;
}

static int fill_location(const answer_t *answer, const tlv_t *tlv)
{
    tlv_t sub;
    walk_t walk;

    if (tlv->length < 4) {
        return 0;
    }
    rest_t rest = {tlv->value + 4, tlv->length - 4};

    put_port(tlv->value, &answer->datagram->to);
    put_port(tlv->value + 2, &answer->datagram->from);
    while ((walk = next_tlv(&rest, &sub)) == WALK_TLV) {
        if (!fill_place(answer, &sub)) {
            *sub.flags = STAMP_TLV_MALFORMED;
            return 1;
        }
    }
    if (walk == WALK_OVERRUN) {
        *sub.flags = sub.type >= STAMP_LOCATION_SOURCE_MAC && sub.type <= STAMP_LOCATION_SOURCE_IPV6
                         ? STAMP_TLV_MALFORMED
                         : FLAGS_MALFORMED_UNKNOWN;
    }
    return 1;
}

static int fill_timestamp_information(const answer_t *answer, const tlv_t *tlv)
{
    const stamp_policy_t *policy = answer->context->policy;
    unsigned source = policy->quality != NULL ? atomic_load_explicit(&policy->quality->sync_source,
                                                                     memory_order_relaxed)
                                              : STAMP_SYNC_FREE_RUNNING;

    if (tlv->length < 4) {
        return 0;
    }
    tlv->value[0] = (unsigned char)source;
    tlv->value[1] = (unsigned char)(policy->receive_method != 0 ? policy->receive_method
                                                                : STAMP_METHOD_SOFTWARE);
    tlv->value[2] = (unsigned char)source;
    tlv->value[3] = STAMP_METHOD_SOFTWARE;
    return 1;
}

/* DSCP1, DSCP2, ECN and RP in 6, 6, 2 and 2 bits (RFC 8972 section 4.4). */
static int fill_class_of_service(const answer_t *answer, const tlv_t *tlv)
{
    datagram_t *datagram = answer->datagram;
    unsigned came = datagram->traffic_class >= 0 ? (unsigned)datagram->traffic_class & 0xff : 0;

    if (tlv->length != 4) {
        return 0;
    }
    unsigned asked = tlv->value[0] >> 2;
    const stamp_policy_t *policy = answer->context->policy;
    int is_permitted =
        asked == 0 || (!policy->lacks_dscp &&
                       (asked == came >> 2 || (policy->permitted_dscps >> asked & 1) != 0));

    if (is_permitted) {
        datagram->reply_traffic_class = (int)(asked << 2);
    }
    tlv->value[0] = (unsigned char)(asked << 2 | came >> 6);
    tlv->value[1] = (unsigned char)((came << 2 & 0xfc) | (is_permitted ? 0 : 1));
    tlv->value[2] = 0;
    tlv->value[3] = 0;
    return 1;
}

/* As many packets are received as are sent: those that limits drop are of no session. */
static int fill_direct_measurement(const answer_t *answer, const tlv_t *tlv)
{
    const stamp_tlv_context_t *context = answer->context;
    const datagram_t *datagram = answer->datagram;
    session_turn_t *turn = &answer->reply->turn;

    if (tlv->length != 12) {
        return 0;
    }
    if (turn->sessions == NULL && context->policy->sessions != NULL) {
        *turn = session_take(context->policy->sessions, &datagram->from, &datagram->to,
                             context->ssid, context->now);
    }
    apr_uint32_t packets = turn->sessions != NULL ? turn->sequence + 1 : 0;

    big_endian_put_32(tlv->value + 4, packets);
    big_endian_put_32(tlv->value + 8, packets);
    return 1;
}

static int check_access_report(const answer_t *answer, const tlv_t *tlv)
{
    (void)answer;
    return tlv->length == 4 && (tlv->value[0] >> 4 == 1 || tlv->value[0] >> 4 == 2);
}

static int fill_follow_up(const answer_t *answer, const tlv_t *tlv)
{
    if (tlv->length != 16) {
        return 0;
    }
    memset(tlv->value, 0, 16);
    answer->reply->follow_up = (apr_size_t)(tlv->value - answer->datagram->data);
    return 1;
}

/* Non-zero if it is an address of this host, of whichever family. */
static int is_own(const answer_t *answer, const tlv_t *tlv)
{
    const own_addresses_t *own = answer->context->own;
    const endpoint_t *to = &answer->datagram->to;
    int is_ipv6 = tlv->length == 16;
    endpoint_t node = {.length = is_ipv6 ? sizeof node.sa.v6 : sizeof node.sa.v4};

    if ((to->sa.any.sa_family == APR_INET6) == is_ipv6) {
        node = *to; /* with its port and its scope */
    }
    if (is_ipv6) {
        node.sa.v6.sin6_family = APR_INET6;
        memcpy(&node.sa.v6.sin6_addr, tlv->value, 16);
    } else {
        node.sa.v4.sin_family = APR_INET;
        memcpy(&node.sa.v4.sin_addr, tlv->value, 4);
    }
    return endpoint_equal(&node, to) || (own != NULL && own_is_address(own, &node));
}

static int check_destination_node(const answer_t *answer, const tlv_t *tlv)
{
    if (tlv->length != 4 && tlv->length != 16) {
        return 0;
    }
    if (!is_own(answer, tlv)) {
        *tlv->flags = STAMP_TLV_UNRECOGNIZED;
    }
    return 1;
}

static int check_padding(const answer_t *answer, const tlv_t *tlv)
{
    (void)answer;
    (void)tlv;
    return 1;
}

/* The HMAC TLV was verified before; its place is written to later. */
static int check_hmac(const answer_t *answer, const tlv_t *tlv)
{
    (void)answer;
    return tlv->length == STAMP_HMAC_LENGTH;
}

typedef int fill_t(const answer_t *answer, const tlv_t *tlv);

static fill_t *const fills[] = {
    [STAMP_TLV_EXTRA_PADDING] = check_padding,
    [STAMP_TLV_LOCATION] = fill_location,
    [STAMP_TLV_TIMESTAMP_INFORMATION] = fill_timestamp_information,
    [STAMP_TLV_CLASS_OF_SERVICE] = fill_class_of_service,
    [STAMP_TLV_DIRECT_MEASUREMENT] = fill_direct_measurement,
    [STAMP_TLV_ACCESS_REPORT] = check_access_report,
    [STAMP_TLV_FOLLOW_UP_TELEMETRY] = fill_follow_up,
    [STAMP_TLV_HMAC] = check_hmac,
    [STAMP_TLV_DESTINATION_NODE_ADDRESS] = check_destination_node,
};

/* The function of a type, or NULL: it is unknown. */
static fill_t *fill_of(const stamp_tlv_context_t *context, unsigned type)
{
    if (type == STAMP_TLV_HMAC && context->key == NULL) {
        return NULL;
    }
    return type < sizeof fills / sizeof fills[0] ? fills[type] : NULL;
}

/* ---- Integrity ---- */

typedef enum integrity { INTEGRITY_NOT_ASKED, INTEGRITY_VERIFIED, INTEGRITY_FAILED } integrity_t;

static int is_only_padding(rest_t rest)
{
    tlv_t tlv;
    walk_t walk;

    while ((walk = next_tlv(&rest, &tlv)) == WALK_TLV && tlv.type == STAMP_TLV_EXTRA_PADDING) {
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
    while (next_tlv(&rest, &tlv) == WALK_TLV) {
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

    while ((walk = next_tlv(&rest, &tlv)) != WALK_END) {
        int flags = STAMP_TLV_INTEGRITY;

        flags |= fill_of(context, tlv.type) == NULL ? STAMP_TLV_UNRECOGNIZED : 0;
        flags |= walk == WALK_OVERRUN ? STAMP_TLV_MALFORMED : 0;
        *tlv.flags = (unsigned char)flags;
        if (walk == WALK_OVERRUN) {
            return;
        }
    }
}

static void fill_all(const answer_t *answer, rest_t rest)
{
    tlv_t tlv;
    walk_t walk;

    while ((walk = next_tlv(&rest, &tlv)) != WALK_END) {
        fill_t *fill = fill_of(answer->context, tlv.type);

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
    answer_t answer = {context, datagram, reply};
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
