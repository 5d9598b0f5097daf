#ifndef UDPECHO_COUNTERS_H
#define UDPECHO_COUNTERS_H

/*
 * What became of every datagram. One worker writes its counters, any thread may read them. When a
 * worker stands still,
 *     received = echoed + every drop + every failed reply.
 * With --impair,
 *     received + duplicated = echoed + every drop + every failed reply + those that were lost by
 *                             IMPAIR_DROP, IMPAIR_QUEUE, IMPAIR_BUFFER and IMPAIR_END + those
 *                             that wait still.
 */

#include <apr.h>
#include <assert.h>
#include <stdatomic.h>

#include "core/impair_profile.h"
#include "udpecho/datagram.h"

/* Indices of counters_t; src/server/observe/counter_table.c says what each is called. Numbers, of
 * no enumerated type, because other enumerations are added to them. */
enum {
    COUNTER_RECEIVED,
    COUNTER_RECEIVED_BYTES,
    COUNTER_ECHOED,
    COUNTER_ECHOED_BYTES,
    COUNTER_WOULD_RATE_LIMIT,                             /* echoed, as --rate-limit-dry-run says */
    COUNTER_RECEIVE_ERRORS,                               /* receive calls that failed */
    COUNTER_DROPPED,                                      /* + a verdict other than VERDICT_ECHO */
    COUNTER_FAILED = COUNTER_DROPPED + DROP_KINDS,        /* + a send_error */
    COUNTER_IMPAIRED = COUNTER_FAILED + SEND_ERROR_KINDS, /* + an impairment */
    COUNTER_KINDS = COUNTER_IMPAIRED + IMPAIRMENTS
};

typedef struct counters {
    _Atomic apr_uint64_t value[COUNTER_KINDS];
} counters_t;

/* What happens to the service as a whole. Any thread may add and read. */
typedef struct service_counters {
    _Atomic apr_uint64_t reload_failures; /* settings that could not be read again */
} service_counters_t;

/* A reading of the counters of one worker, or the sum of several. */
typedef struct counter_totals {
    apr_uint64_t value[COUNTER_KINDS];
} counter_totals_t;

/* Adds to one counter. Only the thread that owns `counters` may call it: it is a plain addition,
 * atomic only so that other threads read no half-written number. */
static inline void counters_add(counters_t *counters, unsigned counter, apr_uint64_t amount)
{
    assert(counter < COUNTER_KINDS);
    _Atomic apr_uint64_t *value = &counters->value[counter];
    apr_uint64_t old = atomic_load_explicit(value, memory_order_relaxed);

    atomic_store_explicit(value, old + amount, memory_order_relaxed);
}

/* Adds the present values to `totals`. Any thread. */
void counters_sum(counter_totals_t *totals, const counters_t *counters);

/* Non-zero if a verdict says that too much was sent, which the operator may want to know at once.
 * Any thread. */
static inline int verdict_is_limit(verdict_t verdict)
{
    return verdict >= VERDICT_LOOP && verdict <= VERDICT_MAX_BANDWIDTH;
}

#endif
