#ifndef UDPECHO_SCRIPTED_PROBE_H
#define UDPECHO_SCRIPTED_PROBE_H

/* A probe whose clock, network and server are the test. */

#include "unit.h"

#include "client/core/probe.h"
#include "endpoints.h"

#define START       apr_time_from_sec(1000)
#define SECOND      APR_USEC_PER_SEC
#define MILLISECOND (SECOND / 1000)

static unsigned char random_bytes[PROBE_RANDOM];

/* A datagram on its way. */
typedef struct packet {
    apr_uint64_t sequence;
    unsigned flow;
    apr_size_t length;
    unsigned char data[2000];
} packet_t;

/* One datagram of 32 bytes after the other, each second, to 192.0.2.1. */
static inline probe_plan_t plain_plan(void)
{
    probe_plan_t plan = {.peer = ipv4(0xc0000201, 7),
                         .size = 32,
                         .random = random_bytes,
                         .flows = 1,
                         .burst = 1,
                         .interval = SECOND,
                         .timeout = SECOND,
                         .remembered = 4096};
    apr_uint32_t number = 1;

    for (unsigned i = 0; i < PROBE_RANDOM; i++) {
        number = number * 1664525 + 1013904223;
        random_bytes[i] = (unsigned char)(number >> 24);
    }
    return plan;
}

static inline probe_t *probe_of(probe_plan_t plan, apr_pool_t *pool)
{
    probe_t *probe = NULL;

    assert_int_equal(probe_create(&probe, &plan, pool), APR_SUCCESS);
    return probe;
}

/* One that sends datagrams of `size` bytes as soon as it is asked. */
static inline probe_t *flood(apr_size_t size, unsigned flows, apr_pool_t *pool)
{
    probe_plan_t plan = plain_plan();

    plan.size = size;
    plan.flows = flows;
    plan.interval = 0;
    return probe_of(plan, pool);
}

static inline packet_t packet_of(const request_t *request)
{
    packet_t packet = {
        .sequence = request->sequence, .flow = request->flow, .length = request->length};

    assert_true(request->length <= sizeof packet.data);
    memcpy(packet.data, request->head, request->head_length);
    memcpy(packet.data + request->head_length, request->body,
           request->length - request->head_length);
    return packet;
}

/* What the probe sends at `now`, and it must send. */
static inline packet_t sent_at(probe_t *probe, apr_time_t now)
{
    probe_next_t next = probe_next(probe, now);

    assert_int_equal(next.step, PROBE_SEND);
    return packet_of(&next.request);
}

/* How many of a step there are at `now`, up to `most`; if it is fewer, another one was made. */
static inline unsigned steps_at(probe_t *probe, probe_step_t step, apr_time_t now, unsigned most)
{
    unsigned steps = 0;

    while (steps < most && probe_next(probe, now).step == step) {
        steps++;
    }
    return steps;
}

static inline reply_t echoed_from(probe_t *probe, endpoint_t from, const packet_t *packet,
                                  apr_time_t now)
{
    return probe_reply(probe, packet->flow, &from, packet->data, packet->length, now);
}

/* What the probe says of the packet when it comes back from its peer. */
static inline reply_t echoed_at(probe_t *probe, const packet_t *packet, apr_time_t now)
{
    return echoed_from(probe, ipv4(0xc0000201, 7), packet, now);
}

static inline void assert_adds_up(const probe_summary_t *summary)
{
    apr_uint64_t replies = 0;

    for (unsigned i = 0; i < REPLY_KINDS; i++) {
        replies += summary->replies[i];
    }
    assert_int_equal(summary->sent,
                     summary->received + summary->corrupted + summary->lost + summary->outstanding);
    assert_int_equal(summary->received,
                     summary->replies[REPLY_ANSWER] + summary->replies[REPLY_LATE]);
    assert_int_equal(summary->late, summary->replies[REPLY_LATE]);
    assert_true(replies >= summary->received + summary->corrupted);
    assert_true(summary->reordered <= summary->received);
    assert_true(summary->elapsed >= 0);
}

static inline probe_summary_t summary_at(const probe_t *probe, apr_time_t now)
{
    probe_summary_t summary = probe_summary(probe, now);

    assert_adds_up(&summary);
    return summary;
}

#endif
