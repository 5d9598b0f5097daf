#ifndef UDPECHO_SERVICE_H
#define UDPECHO_SERVICE_H

/*
 * What a listener speaks if it is not plain echo, and what it has done: one for each such listener,
 * shared by all workers. Their cores write it; any thread may read it.
 */

#include <apr_pools.h>
#include <stdatomic.h>

#include "udpecho/datagram.h"

typedef enum service_counter {
    SERVICE_REQUESTS, /* let in by the access rules and not malformed, answered or not */
    SERVICE_REQUEST_BYTES,
    SERVICE_REPLIES, /* that the kernel took */
    SERVICE_REPLY_BYTES,
    SERVICE_FAILURES, /* of UDPEchoPlus: requests that limits did not answer, and replies that were
                       * not sent, if they are long enough to be numbered */
    SERVICE_DROPPED,  /* + a verdict other than VERDICT_ECHO */
    SERVICE_COUNTERS = SERVICE_DROPPED + DROP_KINDS
} service_counter_t;

typedef struct service {
    protocol_t protocol;
    _Atomic apr_uint64_t value[SERVICE_COUNTERS];
    _Atomic apr_uint32_t responses;    /* TestRespSN of TR-143, modulo 2^32 */
    _Atomic apr_int64_t first_request; /* nanoseconds since 1970 UTC; 0: there was none */
    _Atomic apr_int64_t last_request;
} service_t;

/* Non-zero if it came by a listener that speaks STAMP. Any thread. */
static inline int is_stamp(const datagram_t *datagram)
{
    return datagram->service != NULL && datagram->service->protocol == PROTOCOL_STAMP;
}

/* A service of this protocol, which is not PROTOCOL_ECHO. Lives as long as `pool`, which must be no
 * less than its listener's. */
service_t *service_create(protocol_t protocol, apr_pool_t *pool);

/* A counter as it is now. Any thread. */
static inline apr_uint64_t service_value(const service_t *service, unsigned counter)
{
    return atomic_load_explicit(&service->value[counter], memory_order_relaxed);
}

/* Adds to a counter, as often as there are workers at once. Any thread. */
static inline void service_count(service_t *service, unsigned counter, apr_uint64_t amount)
{
    atomic_fetch_add_explicit(&service->value[counter], amount, memory_order_relaxed);
}

/* A request of `length` bytes is to be answered that came at `arrived`, nanoseconds since 1970 UTC,
 * or 0. Any thread. */
void service_request(service_t *service, apr_size_t length, apr_int64_t arrived);

#endif
