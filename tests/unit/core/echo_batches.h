#ifndef UDPECHO_ECHO_BATCHES_H
#define UDPECHO_ECHO_BATCHES_H

/* Batches of plain datagrams for a core, and what it made of them. */

#include "core/echo.h"
#include "endpoints.h"

#define LOOPBACK 0x7f000001

#define NOW apr_time_from_sec(1000)

static datagram_t pool_of_datagrams[BATCH_MAX];
static unsigned char payload[20];

/* A batch of `count` ordinary datagrams of ten bytes. */
static inline batch_t batch_of(unsigned count)
{
    batch_t batch = {.count = count};

    memset(pool_of_datagrams, 0, sizeof pool_of_datagrams);
    for (unsigned i = 0; i < count; i++) {
        datagram_t *datagram = &pool_of_datagrams[i];

        datagram->data = payload;
        datagram->length = 10;
        datagram->from = ipv4(0xc0000201, 40000);
        datagram->to = ipv4(LOOPBACK, 7);
        batch.at[i] = datagram;
    }
    return batch;
}

static inline unsigned echoes_in(const batch_t *batch)
{
    unsigned echoes = 0;

    for (unsigned i = 0; i < batch->count; i++) {
        echoes += batch->at[i]->verdict == VERDICT_ECHO;
    }
    return echoes;
}

static inline apr_uint64_t counted(echo_t *echo, unsigned counter)
{
    counter_totals_t totals = {{0}};

    counters_sum(&totals, echo_counters(echo));
    return totals.value[counter];
}

static inline void settle_sent(echo_t *echo, unsigned sent)
{
    send_outcome_t outcome = {.sent = sent, .sent_bytes = 10 * sent};

    echo_settle(echo, &outcome);
}

static inline echo_t *create(echo_quota_t *quota, apr_interval_time_t duration_us, apr_pool_t *pool)
{
    echo_policy_t *policy = apr_pcalloc(pool, sizeof *policy);

    policy->quota = quota;
    policy->duration_us = duration_us;
    return echo_create(policy, NOW, pool);
}

static inline echo_t *endless_echo(apr_pool_t *pool)
{
    return create(echo_quota_create(0, pool), 0, pool);
}

#endif
