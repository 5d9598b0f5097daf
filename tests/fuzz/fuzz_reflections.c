/*
 * The client's core with protocols that tell more than a round trip, on any reply: nothing is read
 * past its end, whatever numbers and times it has, and every request and delay is counted once. An
 * input is a plan and a row of steps. Replies are right ones whose bytes are changed.
 */

#include "fuzz.h"

#include "client/core/directions.h"
#include "client/core/echo_plus_sender.h"
#include "client/core/stamp_sender.h"
#include "common/big_endian.h"
#include "common/echo_plus_packet.h"

#define START     apr_time_from_sec(1000)
#define WALL_NS   APR_INT64_C(1767225600250000000)
#define MICRO     APR_INT64_C(1000)
#define LONGEST   300
#define SENDS_MAX 5000 /* more than the 4096 that are remembered */

/* What a plan says in its first byte. */
enum { ECHO_PLUS = 1, AUTHENTICATED = 2, PTP = 4, SYNCHRONISED = 8, ESTIMATES = 16, SSID = 32 };

static const unsigned char secret[] = "not a secret";

typedef struct run {
    unsigned how;
    session_format_t format;
    probe_t *probe;
    directions_t *directions;
    unsigned flows;
    apr_time_t now;
    unsigned sends;
    apr_uint64_t delays;
    unsigned char last[LONGEST]; /* the last request */
    apr_pool_t *pool;
} run_t;

static apr_int64_t wall_clock(const run_t *run)
{
    return WALL_NS + (run->now - START) * MICRO;
}

/* ---- The plan ---- */

static const unsigned char *filling(void)
{
    static const unsigned char zeros[LONGEST] = {0};

    return zeros;
}

static session_format_t take_format(run_t *run, input_t *input)
{
    unsigned tlvs = take_byte(input);
    unsigned padding = take_byte(input) % 40;
    int is_authenticated = (run->how & AUTHENTICATED) != 0 && authentication_is_available();
    stamp_options_t options = {
        .ssid = run->how & SSID ? 0x1234 : 0,
        .clock = run->how & PTP ? STAMP_CLOCK_PTP : STAMP_CLOCK_NTP,
        .tlvs = tlvs & (STAMP_TLV_BIT(STAMP_TLV_LOCATION) |
                        STAMP_TLV_BIT(STAMP_TLV_TIMESTAMP_INFORMATION) |
                        STAMP_TLV_BIT(STAMP_TLV_CLASS_OF_SERVICE) |
                        STAMP_TLV_BIT(STAMP_TLV_DIRECT_MEASUREMENT) |
                        STAMP_TLV_BIT(STAMP_TLV_FOLLOW_UP_TELEMETRY)),
        .dscp = 46,
    };

    if (run->how & ECHO_PLUS) {
        return echo_plus_format(ECHO_PLUS_LENGTH + padding, filling(), run->pool);
    }
    options.length = stamp_request_length(options.tlvs, is_authenticated);
    options.length += padding >= STAMP_TLV_HEADER ? padding : 0;
    if (is_authenticated) {
        options.key = authentication_key_create(secret, sizeof secret, run->pool);
    }
    return stamp_format(&options, run->pool);
}

static endpoint_t peer(void)
{
    endpoint_t endpoint = {.length = sizeof endpoint.sa.v4};

    endpoint.sa.v4.sin_family = APR_INET;
    endpoint.sa.v4.sin_port = htons(862);
    endpoint.sa.v4.sin_addr.s_addr = htonl(0xc0000201);
    return endpoint;
}

static void take_plan(run_t *run, input_t *input)
{
    run->how = take_byte(input);
    run->format = take_format(run, input);
    run->flows = 1 + take_byte(input) % 3;
    probe_plan_t plan = {.peer = peer(),
                         .flows = run->flows,
                         .size = run->format.length,
                         .format = &run->format,
                         .window = 1 + take_byte(input) % 8,
                         .timeout = 1 + (apr_interval_time_t)take_byte(input) * 100,
                         .remembered = 4096};
    directions_options_t options = {.flows = run->flows,
                                    .is_shared = run->format.is_shared,
                                    .counting = (counting_t)(take_byte(input) % 3),
                                    .offset = run->how & ESTIMATES ? OFFSET_MINIMUM : OFFSET_NONE};

    require(plan.size <= LONGEST);
    require(probe_create(&run->probe, &plan, run->pool) == APR_SUCCESS);
    run->directions = directions_create(&options, run->pool);
    own_clock_t own = {.is_synchronised = (run->how & SYNCHRONISED) != 0, .error = 1000};

    probe_set_clock(run->probe, own);
    directions_set_clock(run->directions, own);
}

/* ---- Steps ---- */

static void send_some(run_t *run, unsigned most)
{
    for (unsigned i = 0; i < most && run->sends < SENDS_MAX; i++) {
        probe_next_t next = probe_next(run->probe, run->now);

        if (next.step == PROBE_WAIT || next.step == PROBE_DONE) {
            return;
        }
        if (next.step == PROBE_SEND) {
            require(probe_prepare(run->probe, &next.request, 1, wall_clock(run)) == 1);
            require(next.request.length == run->format.length);
            memcpy(run->last, next.request.body, next.request.length);
            probe_sent(run->probe, &next.request, 1, run->now);
            run->sends++;
        }
    }
}

/* What a peer would say to the last request, as far as that is fixed. */
static void make_reply(const run_t *run, unsigned char *reply)
{
    memcpy(reply, run->last, run->format.length);
    if (run->how & ECHO_PLUS) {
        big_endian_put_32(reply + ECHO_PLUS_RESPONSE_SEQUENCE, run->sends);
        return;
    }
    const stamp_layout_t *layout =
        run->format.length >= STAMP_AUTHENTICATED_LENGTH && run->how & AUTHENTICATED
            ? &stamp_authenticated
            : &stamp_unauthenticated;

    memcpy(reply + layout->sender_timestamp, reply + layout->timestamp, 8);
    memcpy(reply + layout->sender_sequence, reply + layout->sequence, 4);
    big_endian_put_64(reply + layout->receive_timestamp,
                      stamp_timestamp(wall_clock(run), STAMP_CLOCK_NTP));
    reply[layout->sender_ttl] = 60;
}

/* The codes that the fuzzer cannot guess: of the packet, and of the first HMAC TLV. */
static void sign(const run_t *run, unsigned char *data, apr_size_t length)
{
    authentication_key_t *key = authentication_key_create(secret, sizeof secret, run->pool);
    authentication_part_t base = {data, stamp_authenticated.hmac};
    apr_size_t first = stamp_authenticated.length;

    if (key == NULL || length < first) {
        return;
    }
    authentication_code(key, &base, 1, data + stamp_authenticated.hmac);
    for (apr_size_t at = first; at + STAMP_TLV_HEADER + STAMP_HMAC_LENGTH <= length;
         at += STAMP_TLV_HEADER + big_endian_16(data + at + 2)) {
        if (data[at + 1] == STAMP_TLV_HMAC) {
            authentication_part_t parts[] = {{data, 4}, {data + first, at - first}};

            authentication_code(key, parts, 2, data + at + STAMP_TLV_HEADER);
            return;
        }
    }
}

static void give_reply(run_t *run, input_t *input)
{
    unsigned flags = take_byte(input);
    apr_size_t length = run->format.length + flags % 16;
    unsigned char right[LONGEST + 16] = {0};

    length = flags & 128 ? take_byte(input) : length;
    make_reply(run, right);
    unsigned char *data = take_block(input, length);

    for (apr_size_t i = 0; i < length; i++) {
        data[i] ^= i < sizeof right ? right[i] : 0;
    }
    if (flags & 64) {
        sign(run, data, length);
    }
    endpoint_t from = peer();
    unsigned flow = (flags >> 4 & 3) % run->flows;
    reply_t reply = probe_reply(run->probe, flow, &from, data, length, run->now);

    if (reply.reflection != NULL) {
        one_way_t one_way = directions_add(run->directions, &reply, wall_clock(run), 60, 0);

        require(reply.kept >= 0 && reply.round_trip >= 0);
        run->delays += one_way.has_delays && !reply.reflection->is_repeated;
    }
    free(data);
}

/* ---- Sums ---- */

static void check_delays(const delay_summary_t *delays)
{
    require(delays->minimum <= delays->p50 && delays->p50 <= delays->p90);
    require(delays->p90 <= delays->p99 && delays->p99 <= delays->p999);
    require(delays->p999 <= delays->maximum && delays->deviation >= 0 && delays->jitter >= 0);
}

static void check(run_t *run)
{
    probe_summary_t whole = probe_summary(run->probe, run->now);
    directions_summary_t summary = directions_summary(run->directions);

    require(whole.sent == whole.received + whole.corrupted + whole.lost + whole.outstanding);
    require(summary.forward.count == run->delays && summary.backward.count == run->delays);
    require(histogram_total(summary.forward_histogram) == run->delays);
    require(histogram_total(summary.backward_histogram) == run->delays);
    require(summary.kept_count == whole.received && summary.facts.replies == whole.received);
    require(!summary.is_true || run->how & SYNCHRONISED);
    check_delays(&summary.forward);
    check_delays(&summary.backward);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input_t input = {data, size};
    run_t run = {.now = START, .pool = pool_create()};

    take_plan(&run, &input);
    send_some(&run, 1);
    while (input.size > 0) {
        unsigned step = take_byte(&input);

        if (step % 4 == 0) {
            run.now += (apr_time_t)(step / 4) * (step / 4) * 50; /* up to 200 ms */
        } else if (step % 4 == 1) {
            send_some(&run, 1 + step / 4);
        } else {
            give_reply(&run, &input);
        }
    }
    check(&run);
    apr_pool_destroy(run.pool);
    return 0;
}
