#include "udpecho/echo.h"

/* What is left of --count. `unclaimed` keeps workers from sending too much between them, `unsent`
 * tells when the last echo is out: a claim whose reply failed is given back. */
struct echo_quota {
    int limited;
    _Atomic apr_uint64_t unclaimed;
    _Atomic apr_uint64_t unsent;
};

typedef enum echo_state { SERVING, DRAINING, DONE } echo_state_t;

struct echo {
    echo_state_t state;
    echo_end_t end;
    apr_time_t serve_until; /* 0: for ever */
    apr_time_t drain_until;
    echo_quota_t *quota;
    counters_t counters;
};

echo_quota_t *echo_quota_create(apr_uint64_t count, apr_pool_t *pool)
{
    echo_quota_t *quota = apr_pcalloc(pool, sizeof *quota);

    quota->limited = count > 0;
    atomic_init(&quota->unclaimed, count);
    atomic_init(&quota->unsent, count);
    return quota;
}

static int quota_claim(echo_quota_t *quota)
{
    if (!quota->limited) {
        return 1;
    }
    apr_uint64_t unclaimed = atomic_load(&quota->unclaimed);

    while (unclaimed > 0) {
        if (atomic_compare_exchange_weak(&quota->unclaimed, &unclaimed, unclaimed - 1)) {
            return 1;
        }
    }
    return 0;
}

/* Non-zero when this spends the last of it. */
static int quota_settle(echo_quota_t *quota, unsigned sent, unsigned failed)
{
    if (!quota->limited) {
        return 0;
    }
    atomic_fetch_add(&quota->unclaimed, failed);
    return sent > 0 && atomic_fetch_sub(&quota->unsent, sent) == sent;
}

echo_t *echo_create(echo_quota_t *quota, apr_interval_time_t duration_us, apr_time_t now,
                    apr_pool_t *pool)
{
    echo_t *echo = apr_pcalloc(pool, sizeof *echo);

    echo->quota = quota;
    echo->serve_until = duration_us > 0 ? now + duration_us : 0;
    return echo;
}

static void stop_serving(echo_t *echo, echo_end_t end, apr_time_t now)
{
    if (echo->state == SERVING) {
        echo->state = DRAINING;
        echo->end = end;
        echo->drain_until = now + ECHO_DRAIN_MAX_US;
    }
}

static void pass_time(echo_t *echo, apr_time_t now)
{
    if (echo->state == DRAINING && now >= echo->drain_until) {
        echo->state = DONE;
    }
    if (echo->serve_until != 0 && now >= echo->serve_until) {
        stop_serving(echo, ECHO_END_DURATION, now);
    }
}

static verdict_t judge(echo_t *echo, const datagram_t *datagram)
{
    if (datagram->truncated) {
        return VERDICT_TRUNCATED;
    }
    if (datagram->broadcast || endpoint_is_multicast(&datagram->to)) {
        return VERDICT_NOT_UNICAST;
    }
    return quota_claim(echo->quota) ? VERDICT_ECHO : VERDICT_PAST_COUNT;
}

void echo_step(echo_t *echo, const batch_t *batch, apr_time_t now)
{
    apr_size_t bytes = 0;

    for (unsigned i = 0; i < batch->count; i++) {
        datagram_t *datagram = batch->at[i];

        bytes += datagram->length;
        datagram->verdict = judge(echo, datagram);
        if (datagram->verdict != VERDICT_ECHO) {
            counters_add(&echo->counters, COUNTER_DROPPED + datagram->verdict, 1);
        }
    }
    counters_add(&echo->counters, COUNTER_RECEIVED, batch->count);
    counters_add(&echo->counters, COUNTER_RECEIVED_BYTES, bytes);

    if (echo->state == DRAINING && batch->count == 0) {
        echo->state = DONE;
    }
    /* Last, so that draining always looks once more: a wait may have ended empty long ago, in a
     * process that did not get to run since. */
    pass_time(echo, now);
}

void echo_receive_failed(echo_t *echo, apr_time_t now)
{
    counters_add(&echo->counters, COUNTER_RECEIVE_ERRORS, 1);
    pass_time(echo, now);
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
    if (quota_settle(echo->quota, outcome->sent, failed)) {
        echo->state = DONE;
        echo->end = ECHO_END_COUNT;
    }
}

void echo_drain(echo_t *echo, apr_time_t now)
{
    stop_serving(echo, ECHO_END_ASKED, now);
}

apr_interval_time_t echo_timeout(const echo_t *echo, apr_time_t now)
{
    if (echo->state != SERVING) {
        return 0;
    }
    if (echo->serve_until == 0) {
        return -1;
    }
    return now < echo->serve_until ? echo->serve_until - now : 0;
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
