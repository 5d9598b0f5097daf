#include "client/peer.h"

#include <assert.h>
#include <errno.h>

#include "client/core/interval.h"
#include "client/core/outbox.h"
#include "client/output/report.h"
#include "udpecho/clock.h"

/* How long to wait before the next attempt, if this host sent nothing of what was due. */
#define RETRY_INTERVAL_US 1000

struct peer {
    peer_options_t options;
    lateness_t *lateness;
    interval_t *interval; /* NULL: no interim reports */
    outbox_t outbox;
    apr_time_t full_since;    /* this host has had no room for what is due; 0: it has */
    apr_status_t full_reason; /* or what else it is that may pass */
};

peer_t *peer_create(const peer_options_t *options, lateness_t *lateness, apr_pool_t *pool)
{
    peer_t *peer = apr_pcalloc(pool, sizeof *peer);
    probe_summary_t nothing = {0};

    assert(options->reports->elt_size == sizeof(report_t *));
    peer->options = *options;
    peer->lateness = lateness;
    if (options->interval > 0) {
        peer->interval = apr_palloc(pool, sizeof *peer->interval);
        interval_begin(peer->interval, &nothing, clock_now());
    }
    return peer;
}

const peer_options_t *peer_options(const peer_t *peer)
{
    return &peer->options;
}

/* ---- Telling ---- */

void peer_tell(peer_t *peer, event_t event)
{
    directions_t *directions = peer->options.directions;
    directions_summary_t each_way;
    loss_counts_t losses;

    event.run = &peer->options.run;
    if (event.kind == EVENT_SUMMARY && directions != NULL) {
        each_way = directions_summary(directions);
        event.directions = &each_way;
    }
    if (event.kind == EVENT_PROGRESS && directions != NULL &&
        directions_losses(directions, &losses)) {
        event.losses = &losses;
    }
    reports_tell(peer->options.reports, event);
}

void peer_tell_summary(peer_t *peer, event_kind_t kind, int is_interim, apr_time_t now)
{
    probe_summary_t summary = probe_summary(peer->options.probe, now);

    peer_tell(peer, (event_t){.kind = kind, .summary = &summary, .is_interim = is_interim});
}

void peer_tell_interval(peer_t *peer, apr_time_t now)
{
    if (peer->interval != NULL) {
        probe_summary_t summary = probe_summary(peer->options.probe, now);
        probe_summary_t part = interval_summary(peer->interval, &summary, now);

        peer_tell(peer, (event_t){.kind = EVENT_INTERVAL, .summary = &part});
        interval_begin(peer->interval, &summary, now);
    }
}

/* ---- Sending ---- */

/* The oldest that waits is not sent, for this reason. */
static void drop_first(peer_t *peer, apr_status_t reason)
{
    const request_t *request = outbox_first(&peer->outbox);

    probe_not_sent(peer->options.probe, request);
    peer_tell(peer, (event_t){.kind = EVENT_NOT_SENT, .request = request, .status = reason});
    outbox_drop(&peer->outbox, 1);
    if (peer->outbox.count == 0) {
        peer->full_since = 0; /* nothing waits for room, and there may be some by the next time */
    }
}

/* Gives up what waited too long for room. After the timeout the probe would miss it. */
static void drop_overdue(peer_t *peer, apr_time_t now)
{
    while (peer->outbox.count > 0 &&
           (now - peer->full_since >= peer->options.patience ||
            now - outbox_made(&peer->outbox) >= peer->options.run.timeout)) {
        drop_first(peer, peer->full_reason);
    }
}

/* Sends the first of these as one message with those behind it that can leave in the same one. The
 * probe numbers its flows from 0 on. */
static unsigned send_first(const peer_t *peer, const request_t *requests, unsigned count,
                           apr_status_t *failure)
{
    request_t numbered[BATCH_MAX];

    if (peer->options.first_flow == 0) {
        return flows_send(peer->options.flows, requests, count, failure);
    }
    for (unsigned i = 0; i < count; i++) {
        numbered[i] = requests[i];
        numbered[i].flow += peer->options.first_flow;
    }
    return flows_send(peer->options.flows, numbered, count, failure);
}

static void count_lateness(const peer_t *peer, unsigned sent, apr_time_t now)
{
    const apr_time_t *due = outbox_due(&peer->outbox);

    for (unsigned i = 0; i < sent; i++) {
        if (due[i] != 0) {
            histogram_add(&peer->lateness->histogram, now - due[i]);
            peer->lateness->sum += now > due[i] ? (apr_uint64_t)(now - due[i]) : 0;
        }
    }
}

/* Sends the oldest that wait as one message. Returns how many left. */
static unsigned send_message(peer_t *peer, apr_status_t *failure)
{
    outbox_t *outbox = &peer->outbox;
    const request_t *requests = outbox_first(outbox);
    probe_t *probe = peer->options.probe;
    apr_time_t now = clock_now(); /* each message has its own time: the one before took some */
    unsigned count =
        probe_prepare(probe, requests, outbox->count, probe_tells_time(probe) ? clock_wall() : 0);
    unsigned sent = send_first(peer, requests, count, failure);

    probe_sent(probe, requests, sent, now);
    count_lateness(peer, sent, now);
    outbox_drop(outbox, sent);
    return sent;
}

/* A search has nothing else to send: only what is too big does not leave a moment later, when a
 * link is up again or a route is back. */
static int may_pass(const peer_t *peer, apr_status_t failure)
{
    return APR_STATUS_IS_EAGAIN(failure) ||
           (peer->options.run.measurement == MEASURE_MTU && failure != EMSGSIZE);
}

/* Sends what waits, as far as this host has room for it. Returns how many left. */
static unsigned send_waiting(peer_t *peer, apr_time_t now)
{
    unsigned all_sent = 0;

    while (peer->outbox.count > 0) {
        apr_status_t failure = APR_SUCCESS;
        unsigned sent = send_message(peer, &failure);

        if (sent > 0) {
            all_sent += sent;
            peer->full_since = 0;
        } else if (may_pass(peer, failure)) {
            peer->full_since = peer->full_since == 0 ? now : peer->full_since;
            peer->full_reason = failure;
            break;
        } else {
            drop_first(peer, failure);
        }
    }
    return all_sent;
}

/* Has the probe make what is due at `now`, as far as there is room for it. No more than a batch of
 * steps: neither the end of the run nor what arrives must wait for a probe that goes on and on.
 * Returns its last step. */
static probe_next_t make_due(peer_t *peer, apr_time_t now)
{
    probe_next_t next = {.step = PROBE_SEND};

    for (unsigned i = 0; i < BATCH_MAX && !outbox_is_full(&peer->outbox); i++) {
        next = probe_next(peer->options.probe, now);
        if (next.step == PROBE_SEND) {
            outbox_add(&peer->outbox, &next.request, now, next.due);
        } else if (next.step == PROBE_MISSING) {
            peer_tell(peer, (event_t){.kind = EVENT_MISSING, .request = &next.request});
        } else {
            break;
        }
    }
    return next;
}

int peer_send(peer_t *peer, apr_time_t now, apr_time_t *until)
{
    drop_overdue(peer, now);

    probe_next_t next = make_due(peer, now);
    unsigned due = peer->outbox.count;
    unsigned sent = send_waiting(peer, now);

    if (peer->outbox.count > 0 || (due > 0 && sent == 0)) {
        *until = now + RETRY_INTERVAL_US;
    } else if (next.step == PROBE_WAIT && sent == due) {
        *until = next.until;
    } else {
        *until = now; /* there is more, or what was refused lets the probe send something else */
    }
    return next.step != PROBE_DONE;
}

/* ---- Receiving ---- */

static void take_refusal(peer_t *peer, const arrival_t *arrival)
{
    event_t event = {.kind = EVENT_REFUSED, .arrival = arrival};
    request_t request = {.flow = arrival->flow};

    event.has_sequence = probe_refused(peer->options.probe, arrival->flow, arrival->data,
                                       arrival->length, &request.sequence);
    event.request = &request;
    peer_tell(peer, event);
}

/* When it arrived; where the kernel does not tell, when it was received here. */
static apr_int64_t wall_clock_of(const arrival_t *arrival)
{
    return arrival->stamp != 0 ? arrival->stamp : clock_wall();
}

static int has_round_trip(const reply_t *reply)
{
    return reply->has_sequence && (reply->verdict == REPLY_ANSWER || reply->verdict == REPLY_LATE);
}

static void take_reply(peer_t *peer, const arrival_t *arrival)
{
    reply_t reply = probe_reply(peer->options.probe, arrival->flow, &arrival->from, arrival->data,
                                arrival->length, arrival->at);
    event_t event = {.kind = EVENT_REPLY, .reply = &reply, .arrival = arrival};
    one_way_t one_way;

    if (reply.reflection != NULL) {
        one_way = directions_add(peer->options.directions, &reply, wall_clock_of(arrival),
                                 arrival->hop_limit, arrival->traffic_class);
        event.one_way = &one_way;
    }
    if (peer->interval != NULL && has_round_trip(&reply)) {
        interval_add(peer->interval, reply.round_trip);
    }
    peer_tell(peer, event);
}

void peer_take(peer_t *peer, arrival_t *arrival)
{
    assert(arrival->flow >= peer->options.first_flow);
    arrival->flow -= peer->options.first_flow;
    if (arrival->refused != APR_SUCCESS) {
        take_refusal(peer, arrival);
    } else {
        take_reply(peer, arrival);
    }
}

void peer_set_clock(peer_t *peer, own_clock_t own)
{
    if (peer->options.directions != NULL) {
        directions_set_clock(peer->options.directions, own);
        probe_set_clock(peer->options.probe, own);
    }
}
