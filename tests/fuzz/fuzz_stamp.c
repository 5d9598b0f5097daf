/*
 * The services of the core, on anything that arrives: a reply is never longer than its request or a
 * base packet of STAMP, nothing beyond either is read or written, and every datagram is counted
 * once. An input is a byte that says which protocol and how it is answered, and a row of datagrams.
 */

#include "fuzz.h"

#include "core/echo.h"
#include "core/service.h"
#include "core/stamp.h"

#define START   apr_time_from_sec(1000)
#define WALL_NS APR_INT64_C(1767225600251520000)

/* How it is answered. */
enum {
    ECHO_PLUS = 1,
    STATEFUL = 2,
    AUTHENTICATED = 4,
    KEYS = 8,
    SHORT = 16,
    TLVS = 32,
    PTP = 64,
    STRICT = 128
};

static const unsigned char secret[APR_SIPHASH_KSIZE] = "not a secret";

static apr_int64_t wall_clock(void)
{
    return WALL_NS;
}

static authentication_key_t *make_key(apr_pool_t *pool)
{
    return authentication_key_create(secret, sizeof secret, pool);
}

static stamp_policy_t make_policy(unsigned how, apr_pool_t *pool)
{
    apr_array_header_t *keys = apr_array_make(pool, 1, sizeof(stamp_key_t));
    stamp_policy_t policy = {
        .sessions = sessions_create(secret, pool),
        .is_stateful = (how & STATEFUL) != 0,
        .is_authenticated = (how & AUTHENTICATED) != 0,
        .answers_short = (how & SHORT) != 0,
        .is_strict = (how & STRICT) != 0,
        .reads_tlvs = (how & TLVS) != 0,
        .clock = (how & PTP) != 0 ? STAMP_CLOCK_PTP : STAMP_CLOCK_NTP,
    };

    if ((how & KEYS) != 0 && authentication_is_available()) {
        APR_ARRAY_PUSH(keys, stamp_key_t) = (stamp_key_t){.key = make_key(pool), .ssid = -1};
        policy.keys = stamp_keys_create(keys, pool);
    }
    return policy;
}

/* ---- What the fuzzer cannot guess ---- */

/* Authenticates the base packet. */
static void sign_packet(unsigned char *data, apr_size_t length, apr_pool_t *pool)
{
    authentication_part_t base = {data, stamp_authenticated.hmac};

    if (length >= stamp_authenticated.length && authentication_is_available()) {
        authentication_code(make_key(pool), &base, 1, data + stamp_authenticated.hmac);
    }
}

/* Writes the code into the first HMAC TLV, if it has room for it. */
static void sign_tlvs(unsigned char *data, apr_size_t length, apr_size_t base, apr_pool_t *pool)
{
    apr_size_t at = base;

    while (length >= STAMP_TLV_HEADER && at <= length - STAMP_TLV_HEADER) {
        apr_size_t value = at + STAMP_TLV_HEADER;
        apr_size_t size = big_endian_16(data + at + 2);

        if (size > length - value) {
            return;
        }
        if (data[at + 1] == STAMP_TLV_HMAC) {
            authentication_part_t parts[] = {{data, 4}, {data + base, at - base}};

            if (size == STAMP_HMAC_LENGTH && authentication_is_available()) {
                authentication_code(make_key(pool), parts, 2, data + value);
            }
            return;
        }
        at = value + size;
    }
}

/* ---- A datagram ---- */

typedef struct run {
    unsigned how;
    echo_t *echo;
    service_t *service;
    apr_time_t now;
    apr_uint64_t received;
    apr_pool_t *pool;
} run_t;

static endpoint_t endpoint_at(unsigned char last, apr_port_t port)
{
    endpoint_t endpoint = {.length = sizeof endpoint.sa.v4};

    endpoint.sa.v4.sin_family = APR_INET;
    endpoint.sa.v4.sin_port = htons(port);
    endpoint.sa.v4.sin_addr.s_addr = htonl(0xc0000200U | last);
    return endpoint;
}

static void check_counters(const run_t *run)
{
    counter_totals_t totals = {{0}};
    apr_uint64_t accounted = 0;
    apr_uint64_t dropped = 0;

    counters_sum(&totals, echo_counters(run->echo));
    for (unsigned i = 0; i < DROP_KINDS; i++) {
        accounted += totals.value[COUNTER_DROPPED + i];
        dropped += service_value(run->service, SERVICE_DROPPED + i);
    }
    require(totals.value[COUNTER_RECEIVED] == run->received);
    require(run->received == totals.value[COUNTER_ECHOED] + accounted);
    require(dropped == accounted);
    require(service_value(run->service, SERVICE_REPLIES) == totals.value[COUNTER_ECHOED]);
    require(service_value(run->service, SERVICE_REPLY_BYTES) == totals.value[COUNTER_ECHOED_BYTES]);
}

static void take_datagram(run_t *run, input_t *input)
{
    unsigned flags = take_byte(input);
    apr_size_t length = take_byte(input) + (flags & 1) * 256;
    apr_size_t room = length > STAMP_AUTHENTICATED_LENGTH ? length : REPLY_ROOM_MIN;
    unsigned char *data = malloc(room);
    apr_size_t base = run->how & AUTHENTICATED ? STAMP_AUTHENTICATED_LENGTH : STAMP_LENGTH;
    send_outcome_t outcome = {.sent = 0};

    require(data != NULL);
    memset(data, 0xee, room);
    take_bytes(input, data, length);
    if (flags & 2) {
        sign_packet(data, length, run->pool);
    }
    if ((flags & 4) && length > base) {
        sign_tlvs(data, length, base, run->pool);
    }
    datagram_t datagram = {
        .from = endpoint_at((unsigned char)(flags >> 6), 40000),
        .to = endpoint_at(9, STAMP_PORT),
        .data = data,
        .length = length,
        .service = run->service,
        .hop_limit = -1,
        .traffic_class = flags & 8 ? (int)take_byte(input) : -1,
        .reply_traffic_class = -1,
        .arrived = flags & 16 ? WALL_NS - 1000 : 0,
    };
    batch_t batch = {.count = 1, .at = {&datagram}};

    run->now += (flags & 32) * 10000;
    echo_step(run->echo, &batch, run->now);
    echo_stamp(run->echo, &batch, wall_clock);
    run->received++;
    require(datagram.length == length ||
            (datagram.verdict == VERDICT_ECHO && datagram.length == STAMP_LENGTH &&
             length < STAMP_LENGTH));
    require(datagram.reply_traffic_class == -1 || (datagram.reply_traffic_class & 3) == 0);
    for (apr_size_t i = datagram.length; i < room; i++) {
        require(data[i] == 0xee);
    }
    if (datagram.verdict == VERDICT_ECHO) {
        outcome.sent = 1;
        outcome.sent_bytes = datagram.length;
    }
    echo_settle(run->echo, &outcome);
    check_counters(run);
    free(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input_t input = {data, size};
    apr_pool_t *pool = pool_create();
    unsigned how = take_byte(&input);
    stamp_policy_t stamp = make_policy(how, pool);
    echo_policy_t policy = {
        .quota = echo_quota_create(0, pool), .stamp = &stamp, .loop_key = secret};
    run_t run = {.how = how, .now = START, .pool = pool};

    run.service = service_create(how & ECHO_PLUS ? PROTOCOL_ECHO_PLUS : PROTOCOL_STAMP, pool);
    run.echo = echo_create(&policy, run.now, pool);
    while (input.size > 0) {
        take_datagram(&run, &input);
    }
    apr_pool_destroy(pool);
    return 0;
}
