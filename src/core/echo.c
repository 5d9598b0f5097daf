#include "core/echo.h"

#include <assert.h>

#include "core/access_list.h"
#include "core/echo_quota.h"
#include "core/impair.h"
#include "core/loop_detector.h"
#include "core/own_addresses.h"
#include "core/rate_limit.h"
#include "core/requests.h"
#include "core/source_ports.h"
#include "core/token_bucket.h"

typedef enum echo_state { SERVING, DRAINING, DONE } echo_state_t;

struct echo {
    echo_state_t state;
    echo_end_t end;
    apr_time_t serve_until; /* 0: without end */
    apr_time_t wake_at;     /* that, or when the next delayed reply is due, if that is before */
    apr_time_t drain_until;
    _Atomic apr_interval_time_t pause_us; /* after the last receive; 0: it did not fail */
    echo_quota_t *quota;
    const echo_policy_t *_Atomic policy; /* in effect from the next batch on */
    const echo_policy_t *_Atomic held;   /* the present batch's; NULL between batches */
    loop_detector_t *loops;              /* NULL: none */
    token_hand_t datagrams;
    token_hand_t bytes;
    requests_t *requests;
    delay_line_t *line; /* NULL: no reply has been impaired yet */
    counters_t counters;
    /* Those of the present batch that may be part of a loop. */
    const datagram_t *suspects[BATCH_MAX];
    unsigned suspect_count;
};

echo_t *echo_create(const echo_policy_t *policy, apr_time_t now, apr_pool_t *pool)
{
    echo_t *echo = apr_pcalloc(pool, sizeof *echo);

    assert(policy->quota != NULL);
    echo->quota = policy->quota;
    echo->serve_until = policy->duration_us > 0 ? now + policy->duration_us : 0;
    echo->wake_at = echo->serve_until;
    if (policy->loop_key != NULL) {
        echo->loops = loop_detector_create(policy->loop_key, pool);
    }
    echo->requests = requests_create(policy->loop_key, pool);
    atomic_init(&echo->policy, policy);
    return echo;
}

/* ---- The policy ---- */

void echo_apply(echo_t *echo, const echo_policy_t *policy)
{
    atomic_store(&echo->policy, policy);
}

int echo_reads(const echo_t *echo, const echo_policy_t *policy)
{
    return atomic_load(&echo->held) == policy;
}

/* Another policy may be applied, and this one's holders asked for, between reading which it is and
 * holding it. So it is held only if it is still in effect afterwards. */
static const echo_policy_t *hold_policy(echo_t *echo)
{
    const echo_policy_t *policy;

    do {
        policy = atomic_load(&echo->policy);
        atomic_store(&echo->held, policy);
    } while (atomic_load(&echo->policy) != policy);
    return policy;
}

static void release_policy(echo_t *echo)
{
    atomic_store_explicit(&echo->held, NULL, memory_order_release);
}

/* ---- Time ---- */

static void stop_serving(echo_t *echo, echo_end_t end, apr_time_t now)
{
    if (echo->state == SERVING) {
        echo->state = DRAINING;
        echo->end = end;
        echo->drain_until = now + ECHO_DRAIN_MAX_US;
    }
}

void echo_pass_time(echo_t *echo, apr_time_t now)
{
    if (echo->state == DRAINING && now >= echo->drain_until) {
        echo->state = DONE;
    }
    if (echo->serve_until != 0 && now >= echo->serve_until) {
        stop_serving(echo, ECHO_END_DURATION, now);
    }
}

/* ---- Verdicts ---- */

/* Not every system says that a datagram was a broadcast. */
static int is_to_many(const echo_policy_t *policy, const datagram_t *datagram)
{
    return datagram->broadcast || endpoint_is_multicast(&datagram->to) ||
           (policy->own != NULL && own_is_broadcast(policy->own, &datagram->to));
}

/* What is certain of a source comes before what is told to refuse, and what is free of cost before
 * what is looked up. */
static verdict_t judge_source(const echo_policy_t *policy, const datagram_t *datagram,
                              apr_time_t now)
{
    const endpoint_t *from = &datagram->from;
    source_ports_t *ports = is_stamp(datagram) ? NULL : policy->ports;
    apr_port_t port = endpoint_port(from);

    if (!endpoint_is_host(from) || (policy->own != NULL && own_is_broadcast(policy->own, from))) {
        return VERDICT_SOURCE_INVALID;
    }
    /* Where the host got the address after it was last asked for them, this knows it. */
    if (endpoint_equal(from, &datagram->to) ||
        (policy->own != NULL && own_is_listener(policy->own, from, datagram->arrival_interface))) {
        return VERDICT_SOURCE_SELF;
    }
    if (ports != NULL && source_ports_refuse(ports, port)) {
        return VERDICT_SOURCE_PORT;
    }
    if (policy->access != NULL && !access_list_allows(policy->access, from)) {
        return VERDICT_ACCESS;
    }
    /* Last, since what is refused must use up no answer. */
    if (ports != NULL && source_ports_throttle(ports, port, now)) {
        return VERDICT_THROTTLED_PORT;
    }
    return VERDICT_ECHO;
}

static int is_rate_limited(echo_t *echo, const echo_policy_t *policy, const endpoint_t *from,
                           apr_time_t now)
{
    if (policy->per_source == NULL ||
        (policy->exempt != NULL && access_list_allows(policy->exempt, from)) ||
        rate_limit_admits(policy->per_source, from, now)) {
        return 0;
    }
    if (policy->per_source_dry_run) {
        counters_add(&echo->counters, COUNTER_WOULD_RATE_LIMIT, 1);
    }
    return !policy->per_source_dry_run;
}

/* The limits of the amount: first that of the source, so that one source cannot use up the
 * limits of all. */
static verdict_t judge_amount(echo_t *echo, const echo_policy_t *policy, const endpoint_t *from,
                              apr_size_t length, apr_time_t now)
{
    if (is_rate_limited(echo, policy, from, now)) {
        return VERDICT_RATE_LIMITED;
    }
    if (!token_hand_take(&echo->datagrams, 1, now)) {
        return VERDICT_MAX_RATE;
    }
    if (!token_hand_take(&echo->bytes, length, now)) {
        token_hand_return(&echo->datagrams, 1);
        return VERDICT_MAX_BANDWIDTH;
    }
    return VERDICT_ECHO;
}

static int is_loop(echo_t *echo, const datagram_t *datagram, apr_time_t now)
{
    int passes =
        echo->loops == NULL ? LOOP_PASSES : loop_detector_passes(echo->loops, datagram, now);

    if (passes == LOOP_SUSPECTED) {
        echo->suspects[echo->suspect_count++] = datagram;
    }
    return passes == 0;
}

static verdict_t judge_arrival(const echo_policy_t *policy, const datagram_t *datagram)
{
    if (datagram->truncated) {
        return VERDICT_TRUNCATED;
    }
    if (datagram->control_truncated) {
        return VERDICT_CONTROL_TRUNCATED;
    }
    return is_to_many(policy, datagram) ? VERDICT_NOT_UNICAST : VERDICT_ECHO;
}

/* ---- A batch ---- */

/* Each judge is called from one place only, so that the compiler puts them all into the loop over
 * plain datagrams, which pays a look at `service` for what services do besides. */
static verdict_t judge(echo_t *echo, const echo_policy_t *policy, datagram_t *datagram,
                       unsigned index, apr_time_t now)
{
    verdict_t verdict = judge_arrival(policy, datagram);
    apr_size_t length = datagram->length;

    if (verdict == VERDICT_ECHO) {
        verdict = judge_source(policy, datagram, now);
    }
    if (verdict == VERDICT_ECHO && datagram->service != NULL) {
        verdict = requests_judge(echo->requests, policy, datagram, now);
        length = requests_reply_length(datagram);
    }
    if (verdict != VERDICT_ECHO) {
        return verdict;
    }
    if (is_loop(echo, datagram, now)) {
        return VERDICT_LOOP;
    }
    verdict = judge_amount(echo, policy, &datagram->from, length, now);
    if (verdict == VERDICT_ECHO && datagram->service != NULL) {
        verdict = requests_answer(echo->requests, policy, datagram, index, now);
    }
    if (verdict != VERDICT_ECHO) {
        return verdict;
    }
    return echo_quota_claim(echo->quota) ? VERDICT_ECHO : VERDICT_PAST_COUNT;
}

/* Replies of STAMP have their class already. */
static void mirror_dscp(const batch_t *batch)
{
    for (unsigned i = 0; i < batch->count; i++) {
        datagram_t *datagram = batch->at[i];

        if (datagram->traffic_class >= 0 && datagram->reply_traffic_class < 0) {
            datagram->reply_traffic_class = datagram->traffic_class & TRAFFIC_CLASS_DSCP;
        }
    }
}

const datagram_t *echo_step(echo_t *echo, const batch_t *batch, apr_time_t now)
{
    const echo_policy_t *policy = hold_policy(echo);
    const datagram_t *limited = NULL;
    apr_size_t bytes = 0;

    token_hand_hold(&echo->datagrams, policy->datagrams);
    token_hand_hold(&echo->bytes, policy->bytes);
    echo->suspect_count = 0;
    for (unsigned i = 0; i < batch->count; i++) {
        datagram_t *datagram = batch->at[i];

        bytes += datagram->length;
        datagram->verdict = judge(echo, policy, datagram, i, now);
        if (datagram->service != NULL) {
            requests_settle(echo->requests, datagram);
        }
        if (datagram->verdict != VERDICT_ECHO) {
            counters_add(&echo->counters, COUNTER_DROPPED + datagram->verdict, 1);
            limited = verdict_is_limit(datagram->verdict) ? datagram : limited;
        }
    }
    if (policy->mirror_dscp) {
        mirror_dscp(batch);
    }
    atomic_store_explicit(&echo->pause_us, 0, memory_order_relaxed);
    counters_add(&echo->counters, COUNTER_RECEIVED, batch->count);
    counters_add(&echo->counters, COUNTER_RECEIVED_BYTES, bytes);

    if (echo->state == DRAINING && batch->count == 0) {
        echo->state = DONE;
    }
    /* Last, so that draining always looks once more: a wait may have ended empty long ago, in a
     * process that did not get to run since. */
    echo_pass_time(echo, now);
    return limited;
}

static apr_interval_time_t clamp_pause(apr_interval_time_t pause)
{
    if (pause < ECHO_PAUSE_MIN_US) {
        return ECHO_PAUSE_MIN_US;
    }
    return pause < ECHO_PAUSE_MAX_US ? pause : ECHO_PAUSE_MAX_US;
}

apr_interval_time_t echo_receive_failed(echo_t *echo, apr_time_t now)
{
    apr_interval_time_t pause = clamp_pause(2 * atomic_load(&echo->pause_us));

    counters_add(&echo->counters, COUNTER_RECEIVE_ERRORS, 1);
    atomic_store(&echo->pause_us, pause);
    echo_pass_time(echo, now);

    apr_interval_time_t left = echo_timeout(echo, now);

    return clamp_pause(pause < left ? pause : left);
}

int echo_is_degraded(const echo_t *echo)
{
    return atomic_load(&echo->pause_us) > 0;
}

void echo_stamp(echo_t *echo, const batch_t *batch, apr_int64_t (*wall_clock)(void))
{
    requests_stamp(echo->requests, atomic_load_explicit(&echo->held, memory_order_relaxed), batch,
                   wall_clock);
}

/* ---- Impairing ---- */

/* When to wake next is known before the wait, so that a wait asks for nothing more. */
static void find_wake(echo_t *echo)
{
    apr_time_t due = echo_next_due(echo);

    echo->wake_at =
        due >= 0 && (echo->serve_until == 0 || due < echo->serve_until) ? due : echo->serve_until;
}

static void lose_delayed(echo_t *echo, unsigned lost, impairment_t how)
{
    counters_add(&echo->counters, COUNTER_IMPAIRED + (unsigned)how, lost);
    echo_quota_settle(echo->quota, 0, lost);
    find_wake(echo);
}

static void change_line(echo_t *echo, delay_line_t *line)
{
    delay_line_t *before = echo->line;

    echo->line = line;
    if (before != NULL && before != line) {
        lose_delayed(echo, delay_line_move(line, before), IMPAIR_BUFFER);
    }
}

int echo_impairs(echo_t *echo, unsigned worker)
{
    const impair_policy_t *impair = hold_policy(echo)->impair;

    if (impair != NULL) {
        change_line(echo, impair_policy_line(impair, worker));
    }
    release_policy(echo);
    return impair != NULL || echo_next_due(echo) >= 0;
}

static int is_suspect(const echo_t *echo, const datagram_t *datagram)
{
    for (unsigned i = 0; i < echo->suspect_count; i++) {
        if (echo->suspects[i] == datagram) {
            return 1;
        }
    }
    return 0;
}

/* A duplicate is one more echo to its peer, and would replace a copy that the loop detector takes
 * out of a loop. */
static int admits_duplicate(void *context, const datagram_t *reply, apr_time_t now)
{
    echo_t *echo = context;
    const echo_policy_t *policy = atomic_load_explicit(&echo->held, memory_order_relaxed);

    return !is_suspect(echo, reply) &&
           judge_amount(echo, policy, &reply->from, reply->length, now) == VERDICT_ECHO &&
           echo_quota_claim(echo->quota);
}

void echo_impair(echo_t *echo, const batch_t *batch, unsigned worker, apr_time_t now)
{
    const echo_policy_t *policy = atomic_load_explicit(&echo->held, memory_order_relaxed);
    const impair_limits_t limits = {echo->quota, admits_duplicate, echo};

    if (policy != NULL && policy->impair != NULL) {
        change_line(echo, impair_policy_line(policy->impair, worker));
        impair_batch(policy->impair, echo->line, &limits, &echo->counters, batch, now);
        find_wake(echo);
    }
}

unsigned echo_due(echo_t *echo, batch_t *batch, apr_time_t now)
{
    unsigned count = echo->line != NULL ? delay_line_take(echo->line, batch, now) : 0;

    find_wake(echo);
    return count;
}

apr_time_t echo_next_due(const echo_t *echo)
{
    return echo->line != NULL ? delay_line_next(echo->line) : -1;
}

apr_interval_time_t echo_impair_drain(echo_t *echo)
{
    apr_interval_time_t duration = hold_policy(echo)->impair_drain_us;

    release_policy(echo);
    return duration;
}

void echo_discard(echo_t *echo, int (*is_kept)(void *context, const struct listener *listener),
                  void *context)
{
    if (echo->line != NULL) {
        lose_delayed(echo, delay_line_discard(echo->line, is_kept, context), IMPAIR_END);
    }
}

/* ---- What became of replies ---- */

void echo_departed(echo_t *echo, const departure_t *departures, unsigned count)
{
    requests_departed(hold_policy(echo), departures, count);
    release_policy(echo);
}

void echo_settle(echo_t *echo, const send_outcome_t *outcome)
{
    unsigned failed = 0;

    counters_add(&echo->counters, COUNTER_ECHOED, outcome->sent);
    counters_add(&echo->counters, COUNTER_ECHOED_BYTES, outcome->sent_bytes);
    for (unsigned i = 0; i < SEND_ERROR_KINDS; i++) {
        counters_add(&echo->counters, COUNTER_FAILED + i, outcome->failed[i]);
        failed += outcome->failed[i];
    }
    release_policy(echo);
    if (echo_quota_settle(echo->quota, outcome->sent, failed)) {
        echo->state = DONE;
        echo->end = ECHO_END_COUNT;
    }
}

void echo_reply_failed(const datagram_t *reply)
{
    if (reply->service != NULL) {
        requests_failed(reply);
    }
}

void echo_drain(echo_t *echo, apr_time_t now)
{
    stop_serving(echo, ECHO_END_ASKED, now);
}

apr_interval_time_t echo_timeout(const echo_t *echo, apr_time_t now)
{
    apr_time_t until = echo->wake_at;

    if (echo->state != SERVING) {
        return 0;
    }
    if (echo_is_degraded(echo) && (until == 0 || until > now + ECHO_PAUSE_MAX_US)) {
        until = now + ECHO_PAUSE_MAX_US;
    }
    if (until == 0) {
        return -1;
    }
    return now < until ? until - now : 0;
}

int echo_done(const echo_t *echo)
{
    return echo->state == DONE;
}

echo_end_t echo_end(const echo_t *echo)
{
    return echo->end;
}

counters_t *echo_counters(echo_t *echo)
{
    return &echo->counters;
}
