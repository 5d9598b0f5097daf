#include "client/core/probe.h"

#include <assert.h>

#include "client/core/probe_state.h"

#define NEVER APR_INT64_MAX

/* Any time of an interval from now is below NEVER. */
#define INTERVAL_MAX ((apr_interval_time_t)1 << 62)

/* How many datagrams a host sends in a microsecond at most; what more is due it misses. */
#define RATE_MAX 4.0

static double rate_of(const probe_plan_t *plan)
{
    double rate = (double)plan->burst / (double)plan->interval;

    return rate < RATE_MAX ? rate : RATE_MAX;
}

double probe_outstanding(const probe_plan_t *plan)
{
    return plan->interval > 0
               ? rate_of(plan) * ((double)plan->timeout + SCHEDULE_CATCH_UP_US) + BATCH_MAX
               : (double)plan->window * plan->flows;
}

static int is_valid(const probe_plan_t *plan)
{
    int is_paced = plan->interval != 0;

    int has_bytes = plan->format != NULL ? plan->size == plan->format->length
                                         : plan->payload != NULL || plan->random != NULL;

    return plan->size <= PAYLOAD_MAX_IPV6 && has_bytes && plan->flows >= 1 &&
           plan->flows <= FLOWS_MAX && plan->interval >= 0 &&
           (plan->shuffle == 0 || plan->window == 0) &&
           (!is_paced || (plan->burst > 0 && plan->interval <= INTERVAL_MAX / plan->burst)) &&
           plan->duration >= 0 && plan->timeout > 0 && plan->timeout <= INTERVAL_MAX &&
           probe_outstanding(plan) <= PROBE_OUTSTANDING_MAX;
}

/* How many datagrams to remember: as many as are sent in two timeouts, so that late answers are
 * known too. Where only answers set the pace, a lost datagram must not hold up the others for as
 * long as it is remembered, and one in a microsecond is nearly all that a host sends. */
static double memory_needed(const probe_plan_t *plan)
{
    double in_time = plan->interval > 0 ? 0 : (double)plan->timeout;
    double outstanding = 2 * probe_outstanding(plan);

    double wanted = in_time > outstanding ? in_time : outstanding;

    return wanted > plan->remembered ? wanted : plan->remembered;
}

/* Each flow has its share of what is remembered, and all that its window may hold. */
static session_sender_t *make_sender(const probe_t *probe, apr_pool_t *pool)
{
    const probe_plan_t *plan = &probe->plan;
    double share = (double)probe->sent.capacity / plan->flows;

    return plan->format == NULL
               ? NULL
               : session_sender_create(plan->format, plan->flows,
                                       share > plan->window ? share : plan->window, pool);
}

apr_status_t probe_create(probe_t **probe, const probe_plan_t *plan, apr_pool_t *pool)
{
    if (!is_valid(plan)) {
        return APR_EINVAL;
    }
    *probe = apr_pcalloc(pool, sizeof **probe);
    (*probe)->plan = *plan;
    (*probe)->size = plan->size;
    (*probe)->largest = plan->size;
    (*probe)->payload = (payload_t){.random = plan->random, .user = plan->payload};
    (*probe)->sent = sent_create(probe_outstanding(plan), memory_needed(plan), plan->flows, pool);
    (*probe)->queue = flow_queue_create(plan->flows, pool);
    (*probe)->tallies = apr_pcalloc(pool, plan->flows * sizeof *(*probe)->tallies);
    (*probe)->sender = make_sender(*probe, pool);
    return APR_SUCCESS;
}

static int has_room(const probe_t *probe, unsigned flow)
{
    return probe->plan.window == 0 || probe->sent.flows[flow].outstanding < probe->plan.window;
}

static void note_corrupt(probe_t *probe, const sent_t *sent, fate_t fate)
{
    apr_time_t until = sent->at + probe->plan.timeout;

    probe->corrupted -= sent->fate == FATE_CORRUPTED;
    probe->corrupted += fate == FATE_CORRUPTED;
    if (fate == FATE_CORRUPTED && until > probe->corrupt_until) {
        probe->corrupt_until = until;
    }
}

void probe_settle(probe_t *probe, apr_uint64_t sequence, fate_t fate)
{
    const sent_t *sent = sent_get(&probe->sent, sequence);
    unsigned flow = sent->flow;
    int had_room = has_room(probe, flow);

    note_corrupt(probe, sent, fate);
    tally_change(&probe->tallies[flow], sent->fate, fate);
    sent_settle(&probe->sent, sequence, fate);
    if (!had_room && has_room(probe, flow)) {
        flow_queue_add(&probe->queue, flow);
    }
}

/* ---- Sending ---- */

static void begin(probe_t *probe, apr_time_t now)
{
    if (!probe->has_begun) {
        probe->has_begun = 1;
        probe->start = now;
        probe->schedule = schedule_make(probe->plan.burst, probe->plan.interval, now);
    }
}

/* Answers set the pace of a closed loop. And nothing is forgotten that is outstanding: a lost
 * datagram that has to be remembered can hold up all others. */
static int is_held_up(const probe_t *probe)
{
    return probe->queue.left == 0 || sent_is_full(&probe->sent);
}

/* When to send the next datagram, or NEVER: not before something else has happened. */
static apr_time_t next_due(probe_t *probe, apr_time_t now)
{
    const probe_plan_t *plan = &probe->plan;

    if (plan->count > 0 && probe->sent.next == plan->count) {
        probe->is_finished = 1;
    }
    if (probe->is_finished || is_held_up(probe)) {
        return NEVER;
    }
    apr_time_t end = plan->duration > 0 ? probe->start + plan->duration : NEVER;

    if (now >= end) {
        schedule_end(&probe->schedule, end);
        probe->is_finished = 1;
        return NEVER;
    }
    apr_time_t due = schedule_due(&probe->schedule, now);

    probe->is_finished = due >= end;
    return probe->is_finished ? NEVER : due;
}

static probe_next_t give_up_oldest(probe_t *probe)
{
    const sent_t *sent = sent_oldest(&probe->sent);
    probe_next_t next = {
        .step = PROBE_MISSING,
        .request = {.sequence = probe->sent.oldest, .flow = sent->flow, .length = sent->size}};

    probe_settle(probe, probe->sent.oldest, FATE_LOST);
    return next;
}

static probe_next_t send_next(probe_t *probe, apr_time_t now, apr_time_t due)
{
    if (probe->plan.shuffle != 0) {
        flow_queue_draw(&probe->queue, &probe->plan.shuffle);
    }
    unsigned flow = flow_queue_first(&probe->queue);
    probe_next_t next = {.step = PROBE_SEND,
                         .request = {.flow = flow, .length = probe->size},
                         .due = probe->plan.interval > 0 ? due : 0};

    next.request.sequence = sent_add(&probe->sent, flow, probe->size, now);
    if (probe->sender != NULL) {
        session_sender_make(probe->sender, &next.request);
    } else {
        payload_make(&probe->payload, &next.request);
    }
    tally_sent(&probe->tallies[flow], now);
    schedule_advance(&probe->schedule);
    if (!has_room(probe, flow)) {
        flow_queue_take(&probe->queue);
    } else if (probe->plan.window == 0) {
        flow_queue_take(&probe->queue);
        flow_queue_add(&probe->queue, flow);
    }
    return next;
}

/* When the oldest outstanding datagram is missing. If there is none at the end of the run: when the
 * right answer to a corrupted one would be late, which may follow the wrong one at any time. */
static apr_time_t overdue_at(const probe_t *probe)
{
    const sent_t *oldest = sent_oldest(&probe->sent);

    if (oldest != NULL) {
        return oldest->at + probe->plan.timeout;
    }
    return probe->is_finished && probe->corrupted > 0 ? probe->corrupt_until : NEVER;
}

int probe_is_overdue(const probe_t *probe, apr_time_t now)
{
    return overdue_at(probe) <= now;
}

probe_next_t probe_next(probe_t *probe, apr_time_t now)
{
    begin(probe, now);

    apr_time_t due = next_due(probe, now);
    apr_time_t overdue = overdue_at(probe);

    if (overdue <= now) {
        return sent_oldest(&probe->sent) != NULL ? give_up_oldest(probe)
                                                 : (probe_next_t){.step = PROBE_DONE};
    }
    if (due <= now) {
        return send_next(probe, now, due);
    }
    apr_time_t until = due < overdue ? due : overdue;

    return (probe_next_t){.step = until == NEVER ? PROBE_DONE : PROBE_WAIT, .until = until};
}

int probe_tells_time(const probe_t *probe)
{
    return probe->sender != NULL;
}

void probe_set_clock(probe_t *probe, own_clock_t own)
{
    if (probe->sender != NULL) {
        session_sender_set_clock(probe->sender, own);
    }
}

unsigned probe_prepare(probe_t *probe, const request_t *requests, unsigned count, apr_int64_t time)
{
    assert(count > 0);
    if (probe->sender == NULL) {
        return count;
    }
    session_sender_write(probe->sender, &requests[0], time);
    return 1;
}

void probe_sent(probe_t *probe, const request_t *requests, unsigned count, apr_time_t now)
{
    for (unsigned i = 0; i < count; i++) {
        if (probe->sender != NULL) {
            session_sender_left(probe->sender, &requests[i]);
        }
        if (sent_left(&probe->sent, requests[i].sequence, now)) {
            tally_left(&probe->tallies[requests[i].flow], now);
        }
    }
}

void probe_not_sent(probe_t *probe, const request_t *request)
{
    const sent_t *sent = sent_get(&probe->sent, request->sequence);

    if (sent != NULL && sent->fate == FATE_OUTSTANDING) {
        probe_settle(probe, request->sequence, FATE_NOT_SENT);
    }
}

void probe_resize(probe_t *probe, apr_size_t size)
{
    apr_size_t most = probe->plan.payload != NULL ? probe->plan.size : PAYLOAD_MAX_IPV6;

    assert(probe->sender == NULL);
    probe->size = size < most ? size : most;
    probe->largest = probe->size > probe->largest ? probe->size : probe->largest;
}

void probe_finish(probe_t *probe)
{
    probe->is_finished = 1;
}

/* ---- What it came to ---- */

void probe_add_to(const probe_t *probe, tally_t *tally)
{
    for (unsigned i = 0; i < probe->plan.flows; i++) {
        tally_merge(tally, &probe->tallies[i]);
    }
    tally->missed += probe->schedule.missed;
    tally->is_scheduled |= probe->plan.interval > 0;
}

probe_summary_t probe_summary(const probe_t *probe, apr_time_t now)
{
    tally_t sum = {.late = 0};

    probe_add_to(probe, &sum);
    return tally_summary(&sum, now);
}

probe_summary_t probe_flow_summary(const probe_t *probe, unsigned flow, apr_time_t now)
{
    assert(flow < probe->plan.flows);
    return tally_summary(&probe->tallies[flow], now);
}

void probe_round_trips(const probe_t *probe, round_trips_t *all)
{
    *all = (round_trips_t){.count = 0};
    for (unsigned i = 0; i < probe->plan.flows; i++) {
        round_trips_merge(all, &probe->tallies[i].round_trips);
    }
}
