#include "client/prober.h"

#include <apr_thread_mutex.h>
#include <assert.h>
#include <stdatomic.h>

#include "client/core/agenda.h"
#include "client/core/tally.h"
#include "client/output/report.h"
#include "udpecho/clock.h"

/* How often the reports receive progress: of one peer; of several, a part of them each time, so
 * that each is reported once a second and adding up many does not delay what is due. */
#define PROGRESS_INTERVAL_US 100000
#define PROGRESS_PARTS       ((unsigned)(APR_USEC_PER_SEC / PROGRESS_INTERVAL_US))

/* For how long receive calls may fail before it is no use, and how long to wait after each. */
#define FAILURES_MAX_US  (5 * APR_USEC_PER_SEC)
#define FAILURE_PAUSE_US 10000

/* How long arrivals are read before a datagram is judged missing, after the last one that had
 * arrived: other flows may have more of them. The buffers are read until they are empty, however
 * full they are, and a peer that never pauses delays nothing. */
#define CATCH_UP_US 100000

/* How often the system is asked how good its clock is. */
#define CLOCK_INTERVAL_US (4 * APR_USEC_PER_SEC)

struct prober {
    prober_options_t options;
    apr_thread_mutex_t *lock;   /* held by the loop but while it waits */
    peer_t *peers[FLOWS_MAX];   /* by the number that the agenda has for each; NULL: none */
    unsigned number[FLOWS_MAX]; /* of the peer that each flow is one of */
    unsigned next_part;         /* the peers, for reports */
    unsigned top;               /* no peer has this number or a higher one */
    agenda_t *agenda;
    atomic_int is_stopped;
    atomic_int is_asked; /* prober_report() */
    int is_woken;        /* flows_wake() was called since this round began */
    apr_time_t next_task, next_progress, next_interval, next_clock;
    own_clock_t own;
    apr_time_t now;           /* of this round */
    apr_time_t end;           /* 0: none */
    apr_time_t failing_since; /* receive calls fail; 0: the last one did not */
    apr_status_t failure;     /* the last of these */
    apr_time_t earliest;      /* when the first of what was received at last arrived */
    lateness_t lateness;
    total_t total; /* of the peers that ended; its summary is not set */
    tally_t ended; /* what those came to */
};

apr_status_t prober_create(prober_t **prober, const prober_options_t *options, apr_pool_t *pool)
{
    assert(options->reports->elt_size == sizeof(report_t *));
    *prober = apr_pcalloc(pool, sizeof **prober);
    (*prober)->options = *options;
    (*prober)->agenda = agenda_create(FLOWS_MAX, pool);
    (*prober)->next_task = options->task != NULL ? 0 : PROBER_NEVER;
    return apr_thread_mutex_create(&(*prober)->lock, APR_THREAD_MUTEX_DEFAULT, pool);
}

/* ---- Peers ---- */

static unsigned free_number(const prober_t *prober)
{
    unsigned number = 0;

    while (prober->peers[number] != NULL) {
        number++;
        assert(number < FLOWS_MAX);
    }
    return number;
}

peer_t *prober_add(prober_t *prober, const peer_options_t *options, apr_pool_t *pool)
{
    unsigned number = free_number(prober);
    peer_t *peer = peer_create(options, &prober->lateness, pool);

    assert(options->first_flow + options->run.flows <= FLOWS_MAX);
    for (unsigned i = 0; i < options->run.flows; i++) {
        prober->number[options->first_flow + i] = number;
    }
    prober->peers[number] = peer;
    prober->top = number >= prober->top ? number + 1 : prober->top;
    agenda_set(prober->agenda, number, options->begin);
    peer_set_clock(peer, prober->own);
    return peer;
}

void prober_finish(prober_t *prober, peer_t *peer)
{
    const peer_options_t *options = peer_options(peer);

    probe_finish(options->probe);
    agenda_set(prober->agenda, prober->number[options->first_flow], 0);
}

/* How many datagrams were due. */
static apr_uint64_t count_due(const tally_t *tally)
{
    apr_uint64_t count = tally->missed;

    for (unsigned i = 0; i < FATES; i++) {
        count += tally->fates[i];
    }
    return count;
}

/* A peer that the run ended too early for was not asked. */
static void add_to(total_t *total, tally_t *tally, const peer_t *peer)
{
    apr_uint64_t received = tally->fates[FATE_RECEIVED], due = count_due(tally);

    probe_add_to(peer_options(peer)->probe, tally);
    total->peers += count_due(tally) > due;
    total->answered += tally->fates[FATE_RECEIVED] > received;
}

static void end_peer(prober_t *prober, unsigned number)
{
    peer_t *peer = prober->peers[number];

    agenda_remove(prober->agenda, number);
    prober->peers[number] = NULL;
    add_to(&prober->total, &prober->ended, peer);
    prober->options.ended(prober->options.context, peer);
}

/* ---- Telling ---- */

void prober_tell(prober_t *prober, const run_t *run, event_t event)
{
    event.run = run;
    prober->total.failures += event.kind == EVENT_LOOKUP && !event.is_found;
    reports_tell(prober->options.reports, event);
}

void prober_total(prober_t *prober, total_t *total, apr_time_t now)
{
    tally_t all = prober->ended;

    *total = prober->total;
    for (unsigned i = 0; i < prober->top; i++) {
        if (prober->peers[i] != NULL) {
            add_to(total, &all, prober->peers[i]);
        }
    }
    total->summary = tally_summary(&all, now);
    total->lateness = &prober->lateness.histogram;
}

static void tell_interim(prober_t *prober, apr_time_t now)
{
    total_t total;

    for (unsigned i = 0; i < prober->top; i++) {
        if (prober->peers[i] != NULL) {
            peer_tell_summary(prober->peers[i], EVENT_SUMMARY, 1, now);
        }
    }
    if (prober->options.run.is_one_of_many) {
        prober_total(prober, &total, now);
        prober_tell(prober, &prober->options.run,
                    (event_t){.kind = EVENT_TOTAL, .total = &total, .is_interim = 1});
    }
}

static void tell_each(const prober_t *prober, void (*tell)(peer_t *peer, apr_time_t now),
                      apr_time_t now)
{
    for (unsigned i = 0; i < prober->top; i++) {
        if (prober->peers[i] != NULL) {
            tell(prober->peers[i], now);
        }
    }
}

static void tell_progress(prober_t *prober, apr_time_t now)
{
    unsigned parts = prober->options.run.is_one_of_many ? PROGRESS_PARTS : 1;

    for (unsigned i = prober->next_part; i < prober->top; i += parts) {
        if (prober->peers[i] != NULL) {
            peer_tell_summary(prober->peers[i], EVENT_PROGRESS, 0, now);
        }
    }
    prober->next_part = (prober->next_part + 1) % parts;
}

/* How often the reports hear how it goes on; PROBER_NEVER: not at all. */
static apr_interval_time_t progress_interval(const prober_t *prober)
{
    measurement_t measurement = prober->options.run.measurement;

    if (prober->options.run.is_one_of_many) {
        return reports_are_live(prober->options.reports) ? PROGRESS_INTERVAL_US : PROBER_NEVER;
    }
    return measurement == MEASURE_FLOOD || measurement == MEASURE_SWEEP ? PROGRESS_INTERVAL_US
                                                                        : PROBER_NEVER;
}

/* `interval` after `now`, or after `due` where that is not over yet; it may be PROBER_NEVER. */
static apr_time_t next_time(apr_time_t due, apr_interval_time_t interval, apr_time_t now)
{
    if (interval == PROBER_NEVER) {
        return PROBER_NEVER;
    }
    return due + interval > now ? due + interval : now + interval;
}

static void tell_due(prober_t *prober, apr_time_t now)
{
    if (atomic_exchange(&prober->is_asked, 0)) {
        tell_interim(prober, now);
    }
    if (now >= prober->next_progress) {
        tell_progress(prober, now);
        prober->next_progress = next_time(now, progress_interval(prober), now);
    }
    if (now >= prober->next_interval) {
        tell_each(prober, peer_tell_interval, now);
        prober->next_interval = next_time(prober->next_interval, prober->options.interval, now);
    }
}

/* ---- Receiving ---- */

/* What arrived may let its peer go on, but not before those that were due earlier. */
static void take(prober_t *prober, arrival_t *arrival)
{
    unsigned number = prober->number[arrival->flow];

    assert(arrival->flow < FLOWS_MAX);
    if (prober->peers[number] == NULL) {
        return;
    }
    if (arrival->at < prober->earliest) {
        prober->earliest = arrival->at;
    }
    peer_take(prober->peers[number], arrival);
    agenda_hasten(prober->agenda, number, prober->now);
}

/* Takes what one receive lends. Returns its status. */
static apr_status_t receive_once(prober_t *prober, apr_interval_time_t timeout)
{
    arrivals_t arrivals;

    apr_thread_mutex_unlock(prober->lock);
    apr_status_t status = flows_receive(prober->options.flows, &arrivals, timeout);

    apr_thread_mutex_lock(prober->lock);
    prober->earliest = APR_INT64_MAX;
    prober->is_woken |= APR_STATUS_IS_EINTR(status);
    for (unsigned i = 0; status == APR_SUCCESS && i < arrivals.count; i++) {
        take(prober, arrivals.at[i]);
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

/* ---- The loop ---- */

static int is_over(const prober_t *prober, apr_time_t now)
{
    return reports_status(prober->options.reports) != APR_SUCCESS ||
           atomic_load(&prober->is_stopped) || (prober->end != 0 && now >= prober->end);
}

/* Reads what has arrived before anything of the peer is judged missing: a process that was stopped,
 * or had to wait for its processor, comes late to answers that were in time. */
static void receive_before_judging(prober_t *prober, const peer_t *peer, apr_time_t now)
{
    apr_time_t until = now + CATCH_UP_US;

    while (probe_is_overdue(peer_options(peer)->probe, now) && clock_now() < until &&
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

/* Has the peers send for which it is time. No more of them than a batch: what arrives must not wait
 * for many. */
static void send_due(prober_t *prober, apr_time_t now)
{
    for (unsigned i = 0; i < BATCH_MAX && agenda_time(prober->agenda) <= now; i++) {
        unsigned number = agenda_first(prober->agenda);
        peer_t *peer = prober->peers[number];
        apr_time_t until;

        receive_before_judging(prober, peer, now);
        if (!peer_send(peer, now, &until)) {
            end_peer(prober, number);
        } else {
            agenda_set(prober->agenda, number, until);
        }
        if (until == now) {
            return; /* it has more to send than what arrives may wait for */
        }
    }
}

static void run_task(prober_t *prober, apr_time_t now)
{
    const prober_task_t *task = prober->options.task;

    if (task != NULL && (prober->is_woken || now >= prober->next_task)) {
        prober->next_task = task->run(task->context, now);
    }
    prober->is_woken = 0;
}

static int has_work(const prober_t *prober)
{
    const prober_task_t *task = prober->options.task;

    return agenda_count(prober->agenda) > 0 || (task != NULL && task->is_pending(task->context));
}

/* How long to wait: until something is due. A wake that came while datagrams were judged missing
 * does not come again. */
static apr_interval_time_t time_to_wait(const prober_t *prober, apr_time_t now)
{
    const apr_time_t times[] = {prober->next_progress, prober->next_interval, prober->next_task,
                                prober->end != 0 ? prober->end : PROBER_NEVER};
    apr_time_t until = prober->is_woken ? now : agenda_time(prober->agenda);

    for (unsigned i = 0; i < sizeof times / sizeof times[0]; i++) {
        until = times[i] < until ? times[i] : until;
    }
    return until == PROBER_NEVER ? -1 : until > now ? until - now : 0;
}

static void ask_clock(prober_t *prober, apr_time_t now)
{
    if (prober->options.run.protocol == PROTOCOL_ECHO || now < prober->next_clock) {
        return;
    }
    clock_quality_t quality = clock_quality();

    prober->own = (own_clock_t){.is_synchronised = quality.is_synchronised,
                                .error = quality.error_ns > 0 ? quality.error_ns : -1};
    for (unsigned i = 0; i < prober->top; i++) {
        if (prober->peers[i] != NULL) {
            peer_set_clock(prober->peers[i], prober->own);
        }
    }
    prober->next_clock = now + CLOCK_INTERVAL_US;
}

/* What is lost since receive calls began to fail may be lost here, and not on the network. */
static int is_lost_here(prober_t *prober, apr_time_t now)
{
    total_t total;

    if (prober->failing_since == 0) {
        return 0;
    }
    prober_total(prober, &total, now);
    return total.summary.lost > 0;
}

static apr_status_t go_round(prober_t *prober)
{
    apr_time_t now = clock_now();
    apr_status_t status = APR_SUCCESS;

    prober->next_progress = next_time(now, progress_interval(prober), now);
    prober->next_interval =
        prober->options.interval > 0 ? now + prober->options.interval : PROBER_NEVER;
    while (status == APR_SUCCESS && !is_over(prober, now)) {
        prober->now = now;
        ask_clock(prober, now);
        run_task(prober, now);
        send_due(prober, now);
        if (!has_work(prober)) {
            break;
        }
        status = receive(prober, time_to_wait(prober, now));
        now = clock_now();
        tell_due(prober, now);
    }
    return is_lost_here(prober, now) ? prober->failure : status;
}

/* In the order in which they were added, which the user knows. Others may be added at the same
 * time. */
static void end_all(prober_t *prober)
{
    while (agenda_count(prober->agenda) > 0) {
        for (unsigned i = 0; i < prober->top; i++) {
            if (prober->peers[i] != NULL) {
                end_peer(prober, i);
            }
        }
    }
}

apr_status_t prober_run(prober_t *prober, apr_time_t end)
{
    prober->end = end;
    apr_thread_mutex_lock(prober->lock);
    apr_status_t status = go_round(prober);

    end_all(prober);
    apr_thread_mutex_unlock(prober->lock);
    return status;
}

/* ---- From outside ---- */

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

void prober_visit(prober_t *prober, void (*visit)(void *context, const peer_t *peer), void *context)
{
    for (unsigned i = 0; i < FLOWS_MAX; i++) {
        apr_thread_mutex_lock(prober->lock);
        if (prober->peers[i] != NULL) {
            visit(context, prober->peers[i]);
        }
        apr_thread_mutex_unlock(prober->lock);
    }
}

void prober_lateness(prober_t *prober, lateness_t *lateness)
{
    apr_thread_mutex_lock(prober->lock);
    *lateness = prober->lateness;
    apr_thread_mutex_unlock(prober->lock);
}
