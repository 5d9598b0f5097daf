#ifndef UDPECHO_REQUESTS_H
#define UDPECHO_REQUESTS_H

/*
 * Datagrams that are for a service: whether they are requests, what their replies are, and what is
 * counted of them. The core asks for each such datagram, in this order, what is declared here;
 * plain echo has no part in it. Belongs to one worker.
 */

#include <apr_pools.h>
#include <apr_time.h>

#include "core/echo.h"
#include "core/service.h"
#include "core/stamp.h"

typedef struct requests requests_t;

/* `loop_key`, which is not kept, is for what ends loops between servers; NULL: they are not ended.
 */
requests_t *requests_create(const unsigned char *loop_key, apr_pool_t *pool);

/* Whether a datagram that is let in is a request, and its reply does not keep a loop alive. Counts
 * it if it is one. */
verdict_t requests_judge(requests_t *requests, const echo_policy_t *policy,
                         const datagram_t *datagram, apr_time_t now);

/* How long the reply is, bytes. */
apr_size_t requests_reply_length(const datagram_t *datagram);

/* Makes the reply, number `index` of the batch, once no limit is in its way: what authenticates a
 * request is costly to verify. */
verdict_t requests_answer(requests_t *requests, const echo_policy_t *policy, datagram_t *datagram,
                          unsigned index, apr_time_t now);

/* Counts what its verdict says, once that stands. */
void requests_settle(requests_t *requests, datagram_t *datagram);

/* Writes into the batch's replies when they leave. */
void requests_stamp(requests_t *requests, const echo_policy_t *policy, const batch_t *batch,
                    apr_int64_t (*wall_clock)(void));

/* Notes when the kernel let replies of STAMP go. */
void requests_departed(const echo_policy_t *policy, const departure_t *departures, unsigned count);

/* Takes back that this reply was sent, and counts that it failed. Any thread. */
void requests_failed(const datagram_t *reply);

#endif
