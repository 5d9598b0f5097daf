#include "core/requests.h"

#include <assert.h>

#include "core/echo_plus.h"
#include "core/reply_loops.h"

struct requests {
    reply_loops_t *reply_loops; /* NULL: none */
    unsigned unstamped;         /* replies of the present batch */
    stamp_reply_t stamps[BATCH_MAX];
};

requests_t *requests_create(const unsigned char *loop_key, apr_pool_t *pool)
{
    requests_t *requests = apr_pcalloc(pool, sizeof *requests);

    if (loop_key != NULL) {
        requests->reply_loops = reply_loops_create(loop_key, pool);
    }
    return requests;
}

static const stamp_policy_t *stamp_policy(const echo_policy_t *policy)
{
    return policy->stamp != NULL ? policy->stamp : &stamp_policy_default;
}

/* ---- Before the limits ---- */

static int is_reply(const echo_policy_t *policy, const datagram_t *datagram)
{
    return is_stamp(datagram) ? stamp_is_reply(stamp_policy(policy), datagram)
                              : echo_plus_is_reply(datagram);
}

verdict_t requests_judge(requests_t *requests, const echo_policy_t *policy,
                         const datagram_t *datagram, apr_time_t now)
{
    verdict_t verdict = VERDICT_ECHO;

    if (endpoint_port(&datagram->from) == 0) {
        return VERDICT_SOURCE_PORT;
    }
    if (is_stamp(datagram)) {
        verdict = stamp_judge(stamp_policy(policy), datagram);
    }
    if (verdict != VERDICT_ECHO) {
        return verdict;
    }
    service_request(datagram->service, datagram->length, datagram->arrived);
    return requests->reply_loops != NULL && is_reply(policy, datagram) &&
                   !reply_loops_pass(requests->reply_loops, &datagram->from, now)
               ? VERDICT_REPLY_LOOP
               : VERDICT_ECHO;
}

apr_size_t requests_reply_length(const datagram_t *datagram)
{
    return is_stamp(datagram) ? stamp_reply_length(datagram->length) : datagram->length;
}

/* ---- Behind them ---- */

verdict_t requests_answer(requests_t *requests, const echo_policy_t *policy, datagram_t *datagram,
                          unsigned index, apr_time_t now)
{
    return is_stamp(datagram) ? stamp_answer(stamp_policy(policy), policy->own, datagram,
                                             &requests->stamps[index], now)
                              : VERDICT_ECHO;
}

/* Replies of UDPEchoPlus have the number of those that were given. */
static void settle_reply(requests_t *requests, datagram_t *datagram)
{
    service_t *service = datagram->service;

    if (!is_stamp(datagram)) {
        echo_plus_answer(datagram);
    }
    service_count(service, SERVICE_REPLIES, 1);
    service_count(service, SERVICE_REPLY_BYTES, datagram->length);
    requests->unstamped++;
}

void requests_settle(requests_t *requests, datagram_t *datagram)
{
    service_t *service = datagram->service;
    verdict_t verdict = datagram->verdict;

    if (verdict == VERDICT_ECHO) {
        settle_reply(requests, datagram);
        return;
    }
    service_count(service, SERVICE_DROPPED + (unsigned)verdict, 1);
    if (verdict_is_limit(verdict) && verdict != VERDICT_LOOP && verdict != VERDICT_REPLY_LOOP) {
        service_count(service, SERVICE_FAILURES, echo_plus_is_numbered(datagram) ? 1 : 0);
    }
}

/* ---- Sending ---- */

void requests_stamp(requests_t *requests, const echo_policy_t *policy, const batch_t *batch,
                    apr_int64_t (*wall_clock)(void))
{
    assert(requests->unstamped == 0 || policy != NULL);
    for (unsigned i = 0; requests->unstamped > 0 && i < batch->count; i++) {
        datagram_t *datagram = batch->at[i];

        if (datagram->service == NULL || datagram->verdict != VERDICT_ECHO) {
            continue;
        }
        requests->unstamped--;
        if (is_stamp(datagram)) {
            stamp_finish(stamp_policy(policy), datagram, &requests->stamps[i], wall_clock);
        } else {
            echo_plus_finish(datagram, wall_clock);
        }
    }
}

void requests_departed(const echo_policy_t *policy, const departure_t *departures, unsigned count)
{
    sessions_t *sessions = stamp_policy(policy)->sessions;

    for (unsigned i = 0; sessions != NULL && i < count; i++) {
        session_departed(sessions, &departures[i]);
    }
}

/* Its number goes to the next reply: numbers that are missing are replies that were lost later. */
void requests_failed(const datagram_t *reply)
{
    service_t *service = reply->service;
    unsigned numbers = echo_plus_is_numbered(reply) ? 1 : 0;

    service_count(service, SERVICE_REPLIES, 0 - APR_UINT64_C(1));
    service_count(service, SERVICE_REPLY_BYTES, 0 - (apr_uint64_t)reply->length);
    service_count(service, SERVICE_FAILURES, numbers);
    atomic_fetch_sub_explicit(&service->responses, numbers, memory_order_relaxed);
}
