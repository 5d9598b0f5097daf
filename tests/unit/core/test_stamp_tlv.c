/* TLVs in the places and lengths that nobody should give them. */

#include "unit.h"

#include "core/own_addresses.h"
#include "core/stamp.h"
#include "endpoints.h"

#define NOW     apr_time_from_sec(1000)
#define WALL_NS APR_INT64_C(1767225600251520000)
#define ROOM    256

static const unsigned char secret[] = "a secret of any length";

static apr_int64_t wall_clock(void)
{
    return WALL_NS;
}

/* A request, and the reply that it becomes. */
typedef struct packet {
    unsigned char data[ROOM];
    unsigned char sent[ROOM]; /* the request, as it was */
    datagram_t datagram;
} packet_t;

static packet_t *request(apr_pool_t *pool)
{
    packet_t *packet = apr_pcalloc(pool, sizeof *packet);

    packet->datagram = (datagram_t){
        .from = ipv4(0xc0000201, 49152),
        .to = ipv4(0xc6336407, 862),
        .data = packet->data,
        .length = STAMP_LENGTH,
        .hop_limit = -1,
        .traffic_class = -1,
        .reply_traffic_class = -1,
    };
    packet->data[3] = 5;
    return packet;
}

/* Adds a TLV whose value is zeros, and returns where that is. */
static unsigned char *add(packet_t *packet, unsigned type, unsigned length)
{
    unsigned char *tlv = packet->data + packet->datagram.length;

    tlv[0] = STAMP_TLV_UNRECOGNIZED;
    tlv[1] = (unsigned char)type;
    big_endian_put_16(tlv + 2, (apr_uint16_t)length);
    packet->datagram.length += STAMP_TLV_HEADER + length;
    assert_true(packet->datagram.length <= ROOM);
    return tlv + STAMP_TLV_HEADER;
}

static authentication_key_t *the_key(apr_pool_t *pool)
{
    if (!authentication_is_available()) {
        skip_test("built without libsodium");
    }
    return authentication_key_create(secret, sizeof secret, pool);
}

/* What an HMAC TLV whose value is here must say. */
static void code_of(const packet_t *packet, const unsigned char *value, apr_pool_t *pool,
                    unsigned char code[STAMP_HMAC_LENGTH])
{
    const unsigned char *tlvs = packet->data + STAMP_LENGTH;
    authentication_part_t parts[] = {{packet->data, 4},
                                     {tlvs, (apr_size_t)(value - STAMP_TLV_HEADER - tlvs)}};

    authentication_code(the_key(pool), parts, 2, code);
}

static unsigned char *add_hmac(packet_t *packet, apr_pool_t *pool)
{
    unsigned char *value = add(packet, STAMP_TLV_HMAC, STAMP_HMAC_LENGTH);

    code_of(packet, value, pool, value);
    return value;
}

static void answer_as(const own_addresses_t *own, packet_t *packet, int has_key, apr_pool_t *pool)
{
    apr_array_header_t *keys = apr_array_make(pool, 1, sizeof(stamp_key_t));
    stamp_policy_t policy = {.answers_short = 1, .reads_tlvs = 1};
    apr_size_t length = packet->datagram.length;
    stamp_reply_t reply;

    if (has_key) {
        APR_ARRAY_PUSH(keys, stamp_key_t) = (stamp_key_t){.key = the_key(pool), .ssid = -1};
        policy.keys = stamp_keys_create(keys, pool);
    }
    memcpy(packet->sent, packet->data, ROOM);
    assert_int_equal(stamp_judge(&policy, &packet->datagram), VERDICT_ECHO);
    assert_int_equal(stamp_answer(&policy, own, &packet->datagram, &reply, NOW), VERDICT_ECHO);
    stamp_finish(&policy, &packet->datagram, &reply, wall_clock);
    assert_int_equal(packet->datagram.length, length);
    assert_memory_equal(packet->data + length, packet->sent + length, ROOM - length);
}

static void answer(packet_t *packet, int has_key, apr_pool_t *pool)
{
    answer_as(NULL, packet, has_key, pool);
}

static unsigned flags_of(const unsigned char *value)
{
    return value[-STAMP_TLV_HEADER];
}

static void is_unchanged(const packet_t *packet, const unsigned char *from, apr_size_t length)
{
    assert_memory_equal(from, packet->sent + (from - packet->data), length);
}

static void a_wrong_length_ends_it(void **state)
{
    static const struct {
        unsigned type, length;
    } wrong[] = {{STAMP_TLV_LOCATION, 3},
                 {STAMP_TLV_TIMESTAMP_INFORMATION, 3},
                 {STAMP_TLV_CLASS_OF_SERVICE, 5},
                 {STAMP_TLV_DIRECT_MEASUREMENT, 11},
                 {STAMP_TLV_ACCESS_REPORT, 4}, /* whose access type is none */
                 {STAMP_TLV_FOLLOW_UP_TELEMETRY, 15},
                 {STAMP_TLV_DESTINATION_NODE_ADDRESS, 5},
                 {STAMP_TLV_TIMESTAMP_INFORMATION, 0}};

    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        packet_t *packet = request(*state);
        unsigned char *first = add(packet, wrong[i].type, wrong[i].length);
        unsigned char *second = add(packet, STAMP_TLV_TIMESTAMP_INFORMATION, 4);

        answer(packet, 0, *state);
        assert_int_equal(flags_of(first), STAMP_TLV_MALFORMED);
        is_unchanged(packet, first, wrong[i].length);
        is_unchanged(packet, second - STAMP_TLV_HEADER, 8);
    }
}

static void an_unknown_type_may_be_malformed_too(void **state)
{
    packet_t *packet = request(*state);
    unsigned char *value = add(packet, 200, 4);

    big_endian_put_16(value - 2, 5);
    answer(packet, 0, *state);
    assert_int_equal(flags_of(value), STAMP_TLV_UNRECOGNIZED | STAMP_TLV_MALFORMED);
}

static void types_that_nobody_knows_keep_u(void **state)
{
    static const unsigned char types[] = {0, 10, 11, 12, 176, 255};

    for (unsigned i = 0; i < sizeof types; i++) {
        packet_t *packet = request(*state);
        unsigned char *padding = add(packet, STAMP_TLV_EXTRA_PADDING, 0);
        unsigned char *unknown = add(packet, types[i], 4);

        answer(packet, 0, *state);
        assert_int_equal(flags_of(padding), 0);
        assert_int_equal(flags_of(unknown), STAMP_TLV_UNRECOGNIZED);
    }
}

static void zeros_are_padding(void **state)
{
    packet_t *packet = request(*state);

    packet->datagram.length = 100;
    answer(packet, 0, *state);
    is_unchanged(packet, packet->data + STAMP_LENGTH, 100 - STAMP_LENGTH);
}

static void a_node_address_is_ours_or_keeps_u(void **state)
{
    packet_t *packet = request(*state);
    unsigned char *ours = add(packet, STAMP_TLV_DESTINATION_NODE_ADDRESS, 4);
    unsigned char *other = add(packet, STAMP_TLV_DESTINATION_NODE_ADDRESS, 4);
    unsigned char *longer = add(packet, STAMP_TLV_DESTINATION_NODE_ADDRESS, 16);

    big_endian_put_32(ours, 0xc6336407);
    big_endian_put_32(other, 0xc6336408);
    answer(packet, 0, *state);
    assert_int_equal(flags_of(ours), 0);
    assert_int_equal(flags_of(other), STAMP_TLV_UNRECOGNIZED);
    assert_int_equal(flags_of(longer), STAMP_TLV_UNRECOGNIZED);
}

/* Its listener has another one. */
static void an_address_of_the_host_is_ours(void **state)
{
    packet_t *packet = request(*state);
    unsigned char *node = add(packet, STAMP_TLV_DESTINATION_NODE_ADDRESS, 4);
    unsigned char *of_ipv6 = add(packet, STAMP_TLV_DESTINATION_NODE_ADDRESS, 16);
    unsigned char *other = add(packet, STAMP_TLV_DESTINATION_NODE_ADDRESS, 16);
    apr_array_header_t *listeners = apr_array_make(*state, 1, sizeof(endpoint_t));
    apr_array_header_t *host = apr_array_make(*state, 2, sizeof(host_address_t));
    endpoint_t second = ipv6(0x20, 0x01, 8, 0);

    APR_ARRAY_PUSH(listeners, endpoint_t) = packet->datagram.to;
    APR_ARRAY_PUSH(host, host_address_t) = (host_address_t){.address = ipv4(0xc6336408, 0)};
    APR_ARRAY_PUSH(host, host_address_t) = (host_address_t){.address = second};
    big_endian_put_32(node, 0xc6336408);
    memcpy(of_ipv6, &second.sa.v6.sin6_addr, 16);
    answer_as(own_addresses_create(listeners, host, *state), packet, 0, *state);
    assert_int_equal(flags_of(node), 0);
    assert_int_equal(flags_of(of_ipv6), 0);
    assert_int_equal(flags_of(other), STAMP_TLV_UNRECOGNIZED);
}

static void a_location_has_ipv6_addresses(void **state)
{
    packet_t *packet = request(*state);
    endpoint_t from = ipv6(0x20, 0x01, 9, 49152);
    unsigned char *value = add(packet, STAMP_TLV_LOCATION, 4 + 4 + 16 + 4 + 7);
    unsigned char *source = value + 8;
    unsigned char *mac = source + 16 + STAMP_TLV_HEADER;

    packet->datagram.from = from;
    packet->datagram.to = ipv6(0x20, 0x01, 8, 862);
    source[-STAMP_TLV_HEADER] = STAMP_TLV_UNRECOGNIZED;
    source[-3] = STAMP_LOCATION_SOURCE_IP;
    source[-1] = 16;
    mac[-STAMP_TLV_HEADER] = STAMP_TLV_UNRECOGNIZED;
    mac[-3] = STAMP_LOCATION_SOURCE_MAC; /* which has 8 octets, not 7 */
    mac[-1] = 7;
    answer(packet, 0, *state);
    assert_int_equal(flags_of(value), 0);
    assert_int_equal(flags_of(source), 0);
    assert_int_equal(source[-3], STAMP_LOCATION_SOURCE_IPV6);
    assert_memory_equal(source, &from.sa.v6.sin6_addr, 16);
    assert_int_equal(flags_of(mac), STAMP_TLV_MALFORMED);
}

/* ---- The HMAC TLV ---- */

static void padding_may_follow_an_hmac(void **state)
{
    packet_t *packet = request(*state);
    unsigned char *information = add(packet, STAMP_TLV_TIMESTAMP_INFORMATION, 4);
    unsigned char *hmac = add_hmac(packet, *state);
    unsigned char *padding = add(packet, STAMP_TLV_EXTRA_PADDING, 8);
    unsigned char code[STAMP_HMAC_LENGTH];

    answer(packet, 1, *state);
    assert_int_equal(flags_of(information) | flags_of(hmac) | flags_of(padding), 0);
    assert_int_equal(information[1], STAMP_METHOD_SOFTWARE);
    code_of(packet, hmac, *state, code);
    assert_memory_equal(hmac, code, STAMP_HMAC_LENGTH);
}

static void nothing_else_may(void **state)
{
    packet_t *packet = request(*state);
    unsigned char *hmac = add_hmac(packet, *state);
    unsigned char *information = add(packet, STAMP_TLV_TIMESTAMP_INFORMATION, 4);

    answer(packet, 1, *state);
    assert_int_equal(flags_of(hmac), STAMP_TLV_INTEGRITY);
    assert_int_equal(flags_of(information), STAMP_TLV_INTEGRITY);
    is_unchanged(packet, hmac, STAMP_HMAC_LENGTH);
    is_unchanged(packet, information, 4);
}

static void an_hmac_of_another_length_is_wrong(void **state)
{
    packet_t *packet = request(*state);
    unsigned char *information = add(packet, STAMP_TLV_TIMESTAMP_INFORMATION, 4);

    add(packet, STAMP_TLV_HMAC, STAMP_HMAC_LENGTH - 1);
    answer(packet, 1, *state);
    assert_int_equal(flags_of(information), STAMP_TLV_INTEGRITY);
}

static void without_a_key_an_hmac_is_of_an_unknown_type(void **state)
{
    packet_t *packet = request(*state);
    unsigned char *information = add(packet, STAMP_TLV_TIMESTAMP_INFORMATION, 4);
    unsigned char *hmac = add(packet, STAMP_TLV_HMAC, STAMP_HMAC_LENGTH);

    answer(packet, 0, *state);
    assert_int_equal(flags_of(information), 0);
    assert_int_equal(flags_of(hmac), STAMP_TLV_UNRECOGNIZED);
    is_unchanged(packet, hmac, STAMP_HMAC_LENGTH);
}

static void a_verified_reply_is_verifiable_behind_a_malformed_tlv(void **state)
{
    packet_t *packet = request(*state);
    unsigned char *malformed = add(packet, STAMP_TLV_TIMESTAMP_INFORMATION, 3);
    unsigned char *hmac = add_hmac(packet, *state);
    unsigned char code[STAMP_HMAC_LENGTH];

    answer(packet, 1, *state);
    assert_int_equal(flags_of(malformed), STAMP_TLV_MALFORMED);
    assert_int_equal(flags_of(hmac), 0);
    code_of(packet, hmac, *state, code);
    assert_memory_equal(hmac, code, STAMP_HMAC_LENGTH);
}

/* ---- Keys ---- */

static void the_most_special_key_is_taken(void **state)
{
    static const struct {
        const char *network; /* NULL: any */
        int ssid;
    } rules[] = {
        {NULL, -1}, {"192.0.2.0/24", -1}, {"192.0.2.1", -1}, {NULL, 7}, {"192.0.2.0/24", 7}};
    apr_array_header_t *keys = apr_array_make(*state, 5, sizeof(stamp_key_t));
    endpoint_t near_one = ipv4(0xc0000201, 1);
    endpoint_t near_two = ipv4(0xc0000202, 1);
    endpoint_t away = ipv4(0xc6336401, 1);
    authentication_key_t *made[5];

    for (int i = 0; i < 5; i++) {
        stamp_key_t key = {.key = made[i] = the_key(*state), .ssid = rules[i].ssid};

        if (rules[i].network != NULL) {
            key.has_network = 1;
            assert_null(cidr_parse(&key.network, rules[i].network, *state));
        }
        APR_ARRAY_PUSH(keys, stamp_key_t) = key;
    }
    const stamp_keys_t *table = stamp_keys_create(keys, *state);

    assert_ptr_equal(stamp_keys_find(table, &away, 0), made[0]);
    assert_ptr_equal(stamp_keys_find(table, &near_two, 0), made[1]);
    assert_ptr_equal(stamp_keys_find(table, &near_one, 0), made[2]);
    assert_ptr_equal(stamp_keys_find(table, &away, 7), made[3]);
    assert_ptr_equal(stamp_keys_find(table, &near_one, 7), made[4]);
}

/* Where the system sends all replies with its own DSCP, 0 is the only one that may be asked for. */
static void a_dscp_that_no_reply_can_have_is_refused(void **state)
{
    static const unsigned asked[] = {0, 10, 46};

    for (unsigned i = 0; i < 3; i++) {
        const stamp_policy_t policy = {
            .reads_tlvs = 1, .permitted_dscps = ~APR_UINT64_C(0), .lacks_dscp = 1};
        packet_t *packet = request(*state);
        unsigned char *class = add(packet, STAMP_TLV_CLASS_OF_SERVICE, 4);
        stamp_reply_t reply;

        packet->datagram.traffic_class = 10 << 2;
        class[0] = (unsigned char)(asked[i] << 2);
        assert_int_equal(stamp_answer(&policy, NULL, &packet->datagram, &reply, NOW), VERDICT_ECHO);
        assert_int_equal(flags_of(class), 0);
        assert_int_equal(big_endian_16(class), asked[i] << 10 | 10 << 4 | (asked[i] != 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_wrong_length_ends_it),
        scene(a_dscp_that_no_reply_can_have_is_refused),
        scene(an_unknown_type_may_be_malformed_too),
        scene(types_that_nobody_knows_keep_u),
        scene(zeros_are_padding),
        scene(a_node_address_is_ours_or_keeps_u),
        scene(an_address_of_the_host_is_ours),
        scene(a_location_has_ipv6_addresses),
        scene(padding_may_follow_an_hmac),
        scene(nothing_else_may),
        scene(an_hmac_of_another_length_is_wrong),
        scene(without_a_key_an_hmac_is_of_an_unknown_type),
        scene(a_verified_reply_is_verifiable_behind_a_malformed_tlv),
        scene(the_most_special_key_is_taken),
    };

    return run_group("stamp_tlv", tests);
}
