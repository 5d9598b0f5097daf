#ifndef UDPECHO_PROBE_STATE_H
#define UDPECHO_PROBE_STATE_H

/* What a probe keeps, for the two halves of it: probe.c, which sends, and probe_replies.c. */

#include "client/core/flow_queue.h"
#include "client/core/payload.h"
#include "client/core/probe.h"
#include "client/core/schedule.h"
#include "client/core/sent.h"
#include "client/core/tally.h"

struct probe {
    probe_plan_t plan;
    payload_t payload;
    session_sender_t *sender; /* of another protocol; NULL: plain echo */
    reflection_t reflection;  /* of the last reply, with a sender */
    apr_size_t size;          /* of the next datagrams */
    apr_size_t largest;       /* of all so far */
    sent_ring_t sent;
    flow_queue_t queue; /* of flows whose window has room */
    tally_t *tallies;   /* of each flow */
    schedule_t schedule;
    apr_time_t start; /* of no meaning before the first probe_next() */
    int has_begun;
    int is_finished;        /* nothing more is sent */
    apr_uint64_t corrupted; /* datagrams that were answered only with other bytes */
    apr_time_t
        corrupt_until; /* the last time at which the right answer to one of them is in time */
};

/* Datagram `sequence`, which is remembered, has this fate from now on: counts it, and lets its flow
 * send again if its window has room now. */
void probe_settle(probe_t *probe, apr_uint64_t sequence, fate_t fate);

#endif
