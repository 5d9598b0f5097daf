/*
 * The client's core, on any order of sending, time and replies. What is right of a reply is looked
 * up in a list of all that was sent, and everything sent must be accounted for at every moment. An
 * input is a plan and a row of steps.
 */

#include "fuzz.h"

#include "client/core/probe.h"

#define START         apr_time_from_sec(1000)
#define SIZE_MAX_HERE 40
#define SENDS_MAX     10000 /* more than the 4096 that are remembered */

/* What is known of a datagram that was sent. */
typedef struct packet {
    unsigned flow;
    apr_size_t length;
    unsigned char data[SIZE_MAX_HERE];
    unsigned is_missing : 1;
    unsigned is_answered : 1;
    unsigned is_corrupt : 1;
    unsigned is_not_sent : 1;
} packet_t;

typedef struct run {
    probe_t *probe;
    probe_plan_t plan;
    apr_time_t now;
    apr_uint64_t sends;
    apr_uint64_t not_sent;
    apr_uint64_t replies;
    packet_t *packets; /* by sequence number */
} run_t;

/* ---- The plan ---- */

static endpoint_t peer_at(apr_port_t port)
{
    endpoint_t endpoint = {.length = sizeof endpoint.sa.v4};

    endpoint.sa.v4.sin_family = APR_INET;
    endpoint.sa.v4.sin_port = htons(port);
    endpoint.sa.v4.sin_addr.s_addr = htonl(0xc0000201);
    return endpoint;
}

static const unsigned char *random_bytes(void)
{
    static unsigned char bytes[PROBE_RANDOM];
    static unsigned made;

    for (apr_uint32_t number = 1; made < PROBE_RANDOM; made++) {
        number = number * 1664525 + 1013904223;
        bytes[made] = (unsigned char)(number >> 24);
    }
    return bytes;
}

static probe_plan_t take_plan(input_t *input)
{
    static const unsigned char text[SIZE_MAX_HERE] = "what the user wrote, and then zero bytes";
    unsigned flags = take_byte(input);
    probe_plan_t plan = {.peer = peer_at(7), .random = random_bytes(), .remembered = 4096};

    plan.payload = flags & 1 ? text : NULL;
    plan.any_peer = (flags & 2) != 0;
    plan.flows = 1 + (flags >> 2 & 3);
    plan.window = flags >> 4;
    plan.shuffle = plan.window == 0 ? flags : 0;
    plan.size = take_byte(input) % (SIZE_MAX_HERE + 1);
    plan.burst = 1 + take_byte(input);
    plan.interval = (apr_interval_time_t)take_byte(input) * 1000;
    plan.timeout = 1 + (apr_interval_time_t)take_byte(input) * 100;
    plan.count = (apr_uint64_t)take_byte(input) * 64;
    plan.duration = (apr_interval_time_t)take_byte(input) * 10000;
    return plan;
}

/* ---- Sending ---- */

static void note_sent(run_t *run, const request_t *request)
{
    packet_t *packet = &run->packets[run->sends];

    require(request->sequence == run->sends++);
    require(request->flow < run->plan.flows);
    require(request->head_length <= request->length);
    *packet = (packet_t){.flow = request->flow, .length = request->length};
    memcpy(packet->data, request->head, request->head_length);
    memcpy(packet->data + request->head_length, request->body,
           request->length - request->head_length);
}

static void note_missing(run_t *run, const request_t *request)
{
    packet_t *packet = &run->packets[request->sequence];

    require(request->sequence < run->sends);
    require(request->flow == packet->flow && request->length == packet->length);
    require(!packet->is_missing && !packet->is_answered);
    require(!packet->is_corrupt && !packet->is_not_sent);
    packet->is_missing = 1;
}

static void take_steps_of_probe(run_t *run, unsigned most)
{
    for (unsigned i = 0; i < most; i++) {
        probe_next_t next = probe_next(run->probe, run->now);

        if (next.step == PROBE_SEND) {
            note_sent(run, &next.request);
            if (most % 32 == 1) { /* else as soon as it was made */
                probe_sent(run->probe, &next.request, 1, run->now + i % 4);
            }
        } else if (next.step == PROBE_MISSING) {
            note_missing(run, &next.request);
        } else {
            require(next.step == PROBE_DONE || next.until > run->now);
            break;
        }
        if (run->sends == SENDS_MAX) {
            probe_finish(run->probe);
        }
    }
}

static void take_back(run_t *run, unsigned distance)
{
    if (distance < run->sends) {
        apr_uint64_t sequence = run->sends - 1 - distance;
        packet_t *packet = &run->packets[sequence];

        probe_not_sent(run->probe, &(request_t){.sequence = sequence});
        if (!packet->is_answered && !packet->is_corrupt && !packet->is_missing &&
            !packet->is_not_sent) {
            packet->is_not_sent = 1;
            run->not_sent++;
        }
    }
}

/* ---- Replies ---- */

static int is_same(const packet_t *packet, const unsigned char *data, apr_size_t length)
{
    return packet->length == length && (length == 0 || memcmp(packet->data, data, length) == 0);
}

static void check_verdict(const run_t *run, const reply_t *reply, const packet_t *packet, int same)
{
    int is_here = packet->flow == reply->flow;
    int is_late = reply->round_trip >= run->plan.timeout;

    require(!packet->is_not_sent && reply->round_trip >= 0);
    require(reply->expected == packet->length);
    switch (reply->verdict) {
    case REPLY_ANSWER:
    case REPLY_LATE:
        require(is_here && same && !packet->is_answered);
        require(!reply->has_sequence || is_late == (reply->verdict == REPLY_LATE));
        break;
    case REPLY_DUPLICATE:
        require(is_here && same && packet->is_answered);
        break;
    case REPLY_CORRUPT:
        require(is_here && !same);
        break;
    case REPLY_MISDELIVERED:
        require(!is_here);
        break;
    default:
        require(reply->verdict == REPLY_ELSEWHERE);
    }
}

static reply_t give_reply(run_t *run, unsigned flow, apr_port_t port, const unsigned char *data,
                          apr_size_t length)
{
    endpoint_t from = peer_at(port);
    apr_uint64_t corrupted = probe_summary(run->probe, run->now).corrupted;
    reply_t reply = probe_reply(run->probe, flow, &from, data, length, run->now);
    int is_settled = probe_summary(run->probe, run->now).corrupted > corrupted;

    run->replies++;
    require(reply.flow == flow);
    require((reply.verdict == REPLY_ELSEWHERE) == (port != 7));
    require(!reply.has_sequence || reply.verdict != REPLY_UNKNOWN);
    if (reply.verdict < REPLY_MISDELIVERED || reply.has_sequence) {
        require(reply.sequence < run->sends);
        packet_t *packet = &run->packets[reply.sequence];

        check_verdict(run, &reply, packet, is_same(packet, data, length));
        packet->is_answered |= reply.verdict == REPLY_ANSWER || reply.verdict == REPLY_LATE;
        packet->is_corrupt |= is_settled;
    }
    return reply;
}

/* The bytes of a datagram that was sent, as they are; where they tell its whole number it must be
 * known by them. */
static void echo(run_t *run, unsigned distance)
{
    if (distance >= run->sends) {
        return;
    }
    apr_uint64_t sequence = run->sends - 1 - distance;
    packet_t packet = run->packets[sequence];
    reply_t reply = give_reply(run, packet.flow, 7, packet.data, packet.length);

    if (run->plan.payload == NULL && packet.length >= 4 && !packet.is_not_sent) {
        require(reply.has_sequence && reply.sequence == sequence);
        require(reply.verdict <= REPLY_DUPLICATE);
    }
}

/* The bytes of one that was sent, with some changed, cut off or added. */
static void mangle(run_t *run, input_t *input)
{
    unsigned flags = take_byte(input);
    unsigned distance = take_byte(input);
    apr_size_t length = take_byte(input) % (SIZE_MAX_HERE + 20);
    unsigned char *data = take_block(input, length);

    if (distance < run->sends) {
        const packet_t *packet = &run->packets[run->sends - 1 - distance];

        for (apr_size_t i = 0; i < length && i < packet->length; i++) {
            data[i] ^= packet->data[i];
        }
    }
    give_reply(run, flags % run->plan.flows, flags & 128 ? 8 : 7, data, length);
    free(data);
}

/* ---- Sums ---- */

static void check_sums(const probe_summary_t *summary)
{
    require(summary->sent ==
            summary->received + summary->corrupted + summary->lost + summary->outstanding);
    require(summary->late <= summary->received && summary->reordered <= summary->received);
    require(summary->elapsed >= 0);
    require(summary->minimum <= summary->p50 && summary->p50 <= summary->p90);
    require(summary->p90 <= summary->p99 && summary->p99 <= summary->p999);
    require(summary->p999 <= summary->maximum && summary->mean <= summary->maximum);
    require(summary->minimum <= summary->mean && summary->deviation <= summary->maximum);
}

static void check(const run_t *run)
{
    probe_summary_t whole = probe_summary(run->probe, run->now);
    apr_uint64_t replies = 0;
    apr_uint64_t sent = 0;

    check_sums(&whole);
    for (unsigned i = 0; i < run->plan.flows; i++) {
        probe_summary_t part = probe_flow_summary(run->probe, i, run->now);

        check_sums(&part);
        sent += part.sent;
        require(run->plan.window == 0 || part.outstanding <= run->plan.window);
    }
    for (unsigned i = 0; i < REPLY_KINDS; i++) {
        replies += whole.replies[i];
    }
    require(replies == run->replies);
    require(whole.received == whole.replies[REPLY_ANSWER] + whole.replies[REPLY_LATE]);
    require(whole.sent == sent && whole.sent + whole.not_sent == run->sends);
    require(whole.not_sent == run->not_sent);
    require(run->plan.count == 0 || run->sends <= run->plan.count);
}

static void take_step(run_t *run, input_t *input)
{
    unsigned step = take_byte(input);

    switch (step % 8) {
    case 0:
        run->now += (apr_time_t)(step / 8) * (step / 8) * 50; /* up to 48 ms */
        break;
    case 1:
        take_steps_of_probe(run, 1 + step / 8 * 16);
        break;
    case 2:
        take_back(run, step / 8);
        break;
    case 3:
        probe_resize(run->probe, take_byte(input) % (SIZE_MAX_HERE + 1));
        break;
    case 4:
        mangle(run, input);
        break;
    case 5:
        run->now += step / 8;
        break;
    default:
        echo(run, step / 8 * (step % 8 - 5));
    }
    if (step == 251) {
        probe_finish(run->probe);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static packet_t packets[SENDS_MAX];
    input_t input = {data, size};
    apr_pool_t *pool = pool_create();
    run_t run = {.plan = take_plan(&input), .now = START, .packets = packets};

    require(probe_create(&run.probe, &run.plan, pool) == APR_SUCCESS);
    for (unsigned steps = 1; input.size > 0; steps++) {
        take_step(&run, &input);
        if (steps % 32 == 0) { /* it takes long */
            check(&run);
        }
    }
    check(&run);
    apr_pool_destroy(pool);
    return 0;
}
