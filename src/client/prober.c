#include "client/prober.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>

#include "client/core/outbox.h"
#include "client/output/report.h"
#include "udpecho/clock.h"

/* How often the reports hear how it goes on. */
#define PROGRESS_INTERVAL_US 100000

/* How long to wait before the next attempt, if this host sent nothing of what was due. */
#define RETRY_INTERVAL_US 1000

/* For how long receive calls may fail before it is no use, and how long to wait after each. */
#define FAILURES_MAX_US  (5 * APR_USEC_PER_SEC)
#define FAILURE_PAUSE_US 10000

/* For how long arrivals are read before a datagram is judged missing, after the last one that had
 * arrived by then: other flows, in their turn, may have more of these. The buffers are read to
 * their end, however full they are, while a peer that never pauses holds up nothing. */
#define CATCH_UP_US 100000

/* How often the system is asked how good its clock is. */
#define CLOCK_INTERVAL_US (4 * APR_USEC_PER_SEC)

struct prober {
    prober_options_t options;
    apr_time_t next_clock; /* when to ask it; of no meaning if nothing is told of each way */
    atomic_int is_stopped;
    atomic_int is_asked; /* prober_report() */
    apr_time_t next_progress;
    apr_time_t end;           /* 0: none */
    apr_time_t failing_since; /* receive calls fail; 0: the last one did not */
    apr_status_t failure;     /* the last of these */
    apr_time_t earliest;      /* when the first of what was received at last arrived */
    outbox_t outbox;
    apr_time_t full_since;    /* this host has had no room for what is due; 0: it has */
    apr_status_t full_reason; /* or what else it is that may pass */
};

/* ---- Telling ---- */

void prober_tell(const prober_t *prober, event_t event)
{
    const apr_array_header_t *reports = prober->options.reports;
    directions_summary_t directions;
    loss_counts_t losses;

    assert(event_is_whole(&event));
    event.run = prober->options.run;
    event.wall_clock = apr_time_now();
    event.now = clock_now();
    if (event.kind == EVENT_SUMMARY && prober->options.directions != NULL) {
        directions = directions_summary(prober->options.directions);
        event.directions = &directions;
    }
    if (event.kind == EVENT_PROGRESS && prober->options.directions != NULL &&
        directions_losses(prober->options.directions, &losses)) {
        event.losses = &losses;
    }
    for (int i = 0; i < reports->nelts; i++) {
        const report_t *report = APR_ARRAY_IDX(reports, i, const report_t *);

        report->tell(report->context, &event);
    }
}

static void tell_summary(prober_t *prober, event_kind_t kind, int is_interim, apr_time_t now)
{
    probe_summary_t summary = probe_summary(prober->options.probe, now);

    prober_tell(prober, (event_t){.kind = kind, .summary = &summary, .is_interim = is_interim});
}

static void tell_progress(prober_t *prober, apr_time_t now)
{
    if (atomic_exchange(&prober->is_asked, 0)) {
        tell_summary(prober, EVENT_SUMMARY, 1, now);
    }
    if (now >= prober->next_progress) {
        tell_summary(prober, EVENT_PROGRESS, 0, now);
        prober->next_progress = now + PROGRESS_INTERVAL_US;
    }
}

/* ---- Sending ---- */

/* The oldest that waits is not sent, for this reason. */
static void give_up_first(prober_t *prober, apr_status_t reason)
{
    const request_t *request = outbox_first(&prober->outbox);

    probe_not_sent(prober->options.probe, request);
    prober_tell(prober, (event_t){.kind = EVENT_NOT_SENT, .request = request, .status = reason});
    outbox_drop(&prober->outbox, 1);
    if (prober->outbox.count == 0) {
        prober->full_since = 0; /* nothing waits for room, and there may be some by the next time */
    }
}

/* Gives up what waited too long for room. After the timeout the probe would miss it. */
static void give_up_hopeless(prober_t *prober, apr_time_t now)
{
    while (prober->outbox.count > 0 &&
           (now - prober->full_since >= prober->options.patience ||
            now - outbox_made(&prober->outbox) >= prober->options.run->timeout)) {
        give_up_first(prober, prober->full_reason);
    }
}

/* Sends the oldest that wait as one message. Returns how many left. */
static unsigned send_message(prober_t *prober, apr_status_t *failure)
{
    outbox_t *outbox = &prober->outbox;
    const request_t *requests = outbox_first(outbox);
    probe_t *probe = prober->options.probe;
    apr_time_t now = clock_now(); /* each message has its own time: the one before took some */
    unsigned count =
        probe_prepare(probe, requests, outbox->count, probe_tells_time(probe) ? clock_wall() : 0);
    unsigned sent = flows_send(prober->options.flows, requests, count, failure);

    probe_sent(probe, requests, sent, now);
    outbox_drop(outbox, sent);
    return sent;
}

/* A search has nothing else to send: only what is too big does not leave a moment later, when a
 * link is up again or a route is back. */
static int may_pass(const prober_t *prober, apr_status_t failure)
{
    return APR_STATUS_IS_EAGAIN(failure) ||
           (prober->options.run->measurement == MEASURE_MTU && failure != EMSGSIZE);
}

/* Sends what waits, as far as this host has room for it. Returns how many left. */
static unsigned send_waiting(prober_t *prober, apr_time_t now)
{
    unsigned all_sent = 0;

    while (prober->outbox.count > 0) {
        apr_status_t failure = APR_SUCCESS;
        unsigned sent = send_message(prober, &failure);

        if (sent > 0) {
            all_sent += sent;
            prober->full_since = 0;
        } else if (may_pass(prober, failure)) {
            prober->full_since = prober->full_since == 0 ? now : prober->full_since;
            prober->full_reason = failure;
            break;
        } else {
            give_up_first(prober, failure);
        }
    }
    return all_sent;
}

/* Has the probe make what is due at `now`, as far as there is room for it. No more than a batch of
 * steps: neither the end of the run nor what arrives must wait for a probe that goes on and on.
 * Returns its last step. */
static probe_next_t make_due(prober_t *prober, apr_time_t now)
{
    probe_next_t next = {.step = PROBE_SEND};

    for (unsigned i = 0; i < BATCH_MAX && !outbox_is_full(&prober->outbox); i++) {
        next = probe_next(prober->options.probe, now);
        if (next.step == PROBE_SEND) {
            outbox_add(&prober->outbox, &next.request, now);
        } else if (next.step == PROBE_MISSING) {
            prober_tell(prober, (event_t){.kind = EVENT_MISSING, .request = &next.request});
        } else {
            break;
        }
    }
    return next;
}

/* Sends what is due at `now`. Returns 0 once the probe is done; `until` is when to come back at the
 * latest. */
static int send_due(prober_t *prober, apr_time_t now, apr_time_t *until)
{
    give_up_hopeless(prober, now);

    probe_next_t next = make_due(prober, now);
    unsigned due = prober->outbox.count;
    unsigned sent = send_waiting(prober, now);

    if (prober->outbox.count > 0 || (due > 0 && sent == 0)) {
        *until = now + RETRY_INTERVAL_US;
    } else if (next.step == PROBE_WAIT && sent == due) {
        *until = next.until;
    } else {
        *until = now; /* there is more, or what was refused lets the probe send something else */
    }
    return next.step != PROBE_DONE;
}

/* ---- Receiving ---- */

static void take_refusal(prober_t *prober, const arrival_t *arrival)
{
    event_t event = {.kind = EVENT_REFUSED, .arrival = arrival};
    request_t request = {.flow = arrival->flow};

    event.has_sequence = probe_refused(prober->options.probe, arrival->flow, arrival->data,
                                       arrival->length, &request.sequence);
    event.request = &request;
    prober_tell(prober, event);
}

/* When it arrived; where the kernel does not tell, when it was received here. */
static apr_int64_t wall_clock_of(const arrival_t *arrival)
{
    return arrival->stamp != 0 ? arrival->stamp : clock_wall();
}

static void take_reply(prober_t *prober, const arrival_t *arrival)
{
    reply_t reply = probe_reply(prober->options.probe, arrival->flow, &arrival->from, arrival->data,
                                arrival->length, arrival->at);
    event_t event = {.kind = EVENT_REPLY, .reply = &reply, .arrival = arrival};
    one_way_t one_way;

    if (reply.reflection != NULL) {
        one_way = directions_add(prober->options.directions, &reply, wall_clock_of(arrival),
                                 arrival->hop_limit, arrival->traffic_class);
        event.one_way = &one_way;
    }
    prober_tell(prober, event);
}

/* Takes what one receive lends. Returns its status. */
static apr_status_t receive_once(prober_t *prober, apr_interval_time_t timeout)
{
    arrivals_t arrivals;
    apr_status_t status = flows_receive(prober->options.flows, &arrivals, timeout);

    prober->earliest = APR_INT64_MAX;
    for (unsigned i = 0; status == APR_SUCCESS && i < arrivals.count; i++) {
        if (arrivals.at[i]->at < prober->earliest) {
            prober->earliest = arrivals.at[i]->at;
        }
        if (arrivals.at[i]->refused != APR_SUCCESS) {
            take_refusal(prober, arrivals.at[i]);
        } else {
            take_reply(prober, arrivals.at[i]);
        }
    }
    return status;
}

static apr_status_t receive(prober_t *prober, apr_interval_time_t timeout)
{
    apr_status_t status = receive_once(prober, timeout);

    if (status == APR_SUCCESS) {
        prober->failing_since = 0;
    } else if (!APR_STATUS_IS_TIMEUP(status) && !APR_STATUS_IS_EINTR(status) &&
               !flows_is_refusal(status)) {
        prober->failing_since = prober->failing_since == 0 ? clock_now() : prober->failing_since;
        prober->failure = status;
        clock_pause(FAILURE_PAUSE_US);
    }
    return prober->failing_since == 0 || clock_now() - prober->failing_since < FAILURES_MAX_US
               ? APR_SUCCESS
               : prober->failure;
}

/* What is lost since receive calls began to fail may be lost here, and not on the network. */
static int is_lost_here(const prober_t *prober, const probe_summary_t *summary)
{
    return prober->failing_since != 0 && summary->lost > 0;
}

/* ---- The loop ---- */

static int is_over(const prober_t *prober, apr_time_t now)
{
    return reports_status(prober->options.reports) != APR_SUCCESS ||
           atomic_load(&prober->is_stopped) || (prober->end != 0 && now >= prober->end);
}

/* Reads what has arrived before anything is judged missing: a process that was stopped, or had to
 * wait for its processor, comes late to answers that were in time. */
static void receive_before_judging(prober_t *prober, apr_time_t now)
{
    apr_time_t until = now + CATCH_UP_US;

    while (probe_is_overdue(prober->options.probe, now) && clock_now() < until &&
           !is_over(prober, clock_now())) {
        apr_status_t status = receive_once(prober, 0);

        if (status != APR_SUCCESS && !APR_STATUS_IS_EINTR(status)) {
            return; /* nothing is left, or receive() meets the same failure and counts it */
        }
        if (prober->earliest < now) {
            until = clock_now() + CATCH_UP_US;
        }
    }
}

/* How long to wait: no longer than until `until`, the end and the next progress report. */
static apr_interval_time_t time_to_wait(const prober_t *prober, apr_time_t now, apr_time_t until)
{
    if (prober->end != 0 && prober->end < until) {
        until = prober->end;
    }
    if (prober->next_progress < until) {
        until = prober->next_progress;
    }
    return until > now ? until - now : 0;
}

static void ask_clock(prober_t *prober, apr_time_t now)
{
    if (prober->options.directions == NULL || now < prober->next_clock) {
        return;
    }
    clock_quality_t quality = clock_quality();
    const own_clock_t own = {.is_synchronised = quality.is_synchronised,
                             .error = quality.error_ns > 0 ? quality.error_ns : -1};

    directions_set_clock(prober->options.directions, own);
    probe_set_clock(prober->options.probe, own);
    prober->next_clock = now + CLOCK_INTERVAL_US;
}

static int has_progress(measurement_t measurement)
{
    return measurement == MEASURE_FLOOD || measurement == MEASURE_SWEEP;
}

apr_status_t prober_run(prober_t *prober, apr_time_t end, probe_summary_t *summary)
{
    apr_time_t now = clock_now();
    apr_time_t until;
    apr_status_t status = APR_SUCCESS;

    prober->end = end;
    prober->next_progress =
        has_progress(prober->options.run->measurement) ? now + PROGRESS_INTERVAL_US : APR_INT64_MAX;
    ask_clock(prober, now);
    while (status == APR_SUCCESS && !is_over(prober, now) && send_due(prober, now, &until)) {
        status = receive(prober, time_to_wait(prober, now, until));
        now = clock_now();
        receive_before_judging(prober, now);
        tell_progress(prober, now);
        ask_clock(prober, now);
    }
    *summary = probe_summary(prober->options.probe, now);
    return is_lost_here(prober, summary) ? prober->failure : status;
}

/* ---- From outside ---- */

prober_t *prober_create(const prober_options_t *options, apr_pool_t *pool)
{
    prober_t *prober = apr_pcalloc(pool, sizeof *prober);

    assert(options->reports->elt_size == sizeof(report_t *));
    prober->options = *options;
    return prober;
}

void prober_stop(prober_t *prober)
{
    atomic_store(&prober->is_stopped, 1);
    flows_wake(prober->options.flows);
}

void prober_report(prober_t *prober)
{
    atomic_store(&prober->is_asked, 1);
    flows_wake(prober->options.flows);
}
