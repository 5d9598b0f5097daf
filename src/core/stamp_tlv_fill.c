#include "core/stamp_tlv_fill.h"

#include <string.h>

#include "core/own_addresses.h"

#define FLAGS_MALFORMED_UNKNOWN (STAMP_TLV_UNRECOGNIZED | STAMP_TLV_MALFORMED)

walk_t stamp_tlv_next(rest_t *rest, tlv_t *tlv)
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
static int fill_place(const stamp_tlv_answer_t *answer, const tlv_t *sub)
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

static int fill_location(const stamp_tlv_answer_t *answer, const tlv_t *tlv)
{
    tlv_t sub;
    walk_t walk;

    if (tlv->length < 4) {
        return 0;
    }
    rest_t rest = {tlv->value + 4, tlv->length - 4};

    put_port(tlv->value, &answer->datagram->to);
    put_port(tlv->value + 2, &answer->datagram->from);
    while ((walk = stamp_tlv_next(&rest, &sub)) == WALK_TLV) {
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

static int fill_timestamp_information(const stamp_tlv_answer_t *answer, const tlv_t *tlv)
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
static int fill_class_of_service(const stamp_tlv_answer_t *answer, const tlv_t *tlv)
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
static int fill_direct_measurement(const stamp_tlv_answer_t *answer, const tlv_t *tlv)
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

static int check_access_report(const stamp_tlv_answer_t *answer, const tlv_t *tlv)
{
    (void)answer;
    return tlv->length == 4 && (tlv->value[0] >> 4 == 1 || tlv->value[0] >> 4 == 2);
}

static int fill_follow_up(const stamp_tlv_answer_t *answer, const tlv_t *tlv)
{
    if (tlv->length != 16) {
        return 0;
    }
    memset(tlv->value, 0, 16);
    answer->reply->follow_up = (apr_size_t)(tlv->value - answer->datagram->data);
    return 1;
}

/* Non-zero if it is an address of this host, of whichever family. */
static int is_own(const stamp_tlv_answer_t *answer, const tlv_t *tlv)
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

static int check_destination_node(const stamp_tlv_answer_t *answer, const tlv_t *tlv)
{
    if (tlv->length != 4 && tlv->length != 16) {
        return 0;
    }
    if (!is_own(answer, tlv)) {
        *tlv->flags = STAMP_TLV_UNRECOGNIZED;
    }
    return 1;
}

static int check_padding(const stamp_tlv_answer_t *answer, const tlv_t *tlv)
{
    (void)answer;
    (void)tlv;
    return 1;
}

/* The HMAC TLV was verified before; its place is written to later. */
static int check_hmac(const stamp_tlv_answer_t *answer, const tlv_t *tlv)
{
    (void)answer;
    return tlv->length == STAMP_HMAC_LENGTH;
}

static stamp_tlv_fill_t *const fills[] = {
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

stamp_tlv_fill_t *stamp_tlv_fill_of(const stamp_tlv_context_t *context, unsigned type)
{
    if (type == STAMP_TLV_HMAC && context->key == NULL) {
        return NULL;
    }
    return type < sizeof fills / sizeof fills[0] ? fills[type] : NULL;
}
