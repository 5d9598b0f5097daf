/*
 * The core, on batches of anything: what must be refused is refused, everything is counted once,
 * and no more is echoed than --count says. An input is a byte that says which judges there are, one
 * for --count, and a row of steps of a worker.
 */

#include "fuzz.h"

#include <apr_tables.h>

#include "core/access_list.h"
#include "core/echo.h"
#include "core/own_addresses.h"
#include "core/rate_limit.h"
#include "core/source_ports.h"
#include "core/token_bucket.h"

#define OUR_PORT      8888
#define START         apr_time_from_sec(1000)
#define RATE_MAX      10 /* datagrams a second */
#define BANDWIDTH_MAX 50 /* bytes a second */

/* The checks that are enabled. */
enum {
    OWN_ADDRESSES = 1,
    SOURCE_PORTS = 2,
    ACCESS_LIST = 4,
    DURATION = 8,
    PER_SOURCE = 16,
    RATE = 32,
    BANDWIDTH = 64,
    LOOPS = 128
};

/* ---- Addresses: what decides lies close to these ---- */

static const unsigned char ipv4_addresses[][4] = {
    {192, 0, 2, 1}, /* ours */
    {192, 0, 2, 255}, {192, 0, 2, 9}, {198, 51, 100, 1}, {127, 0, 0, 1},       {0, 0, 0, 0},
    {224, 0, 0, 251}, {240, 0, 0, 1}, {255, 0, 0, 1},    {255, 255, 255, 255},
};

static const unsigned char ipv6_addresses[][16] = {
    {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, /* ours */
    {0x20, 0x01, 0x0d, 0xb8, 9},
    {0xfe, 0x80, [15] = 1},
    {0xff, 0x02, [15] = 1},
    {[15] = 1},
    {[15] = 0},
    {[10] = 0xff, 0xff, 192, 0, 2, 1},
    {[10] = 0xff, 0xff, 224, 0, 0, 1},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static endpoint_t ipv4(const unsigned char *address, apr_port_t port)
{
    endpoint_t endpoint = {.length = sizeof endpoint.sa.v4};

    endpoint.sa.v4.sin_family = APR_INET;
    endpoint.sa.v4.sin_port = htons(port);
    memcpy(&endpoint.sa.v4.sin_addr, address, 4);
    return endpoint;
}

static endpoint_t ipv6(const unsigned char *address, apr_port_t port)
{
    endpoint_t endpoint = {.length = sizeof endpoint.sa.v6};

    endpoint.sa.v6.sin6_family = APR_INET6;
    endpoint.sa.v6.sin6_port = htons(port);
    memcpy(&endpoint.sa.v6.sin6_addr, address, 16);
    return endpoint;
}

static endpoint_t take_endpoint(input_t *input, int is_ipv6)
{
    unsigned char address[16];
    unsigned which = take_byte(input);
    apr_port_t port = which % 2 == 0 ? take_port(input) : OUR_PORT;

    which /= 2;
    if (is_ipv6 && which < COUNT(ipv6_addresses)) {
        return ipv6(ipv6_addresses[which], port);
    }
    if (!is_ipv6 && which < COUNT(ipv4_addresses)) {
        return ipv4(ipv4_addresses[which], port);
    }
    take_bytes(input, address, is_ipv6 ? 16 : 4);
    return is_ipv6 ? ipv6(address, port) : ipv4(address, port);
}

/* ---- The judges ---- */

static own_addresses_t *make_own(apr_pool_t *pool)
{
    static const unsigned char wildcard[4];
    apr_array_header_t *listeners = apr_array_make(pool, 2, sizeof(endpoint_t));
    apr_array_header_t *host = apr_array_make(pool, 2, sizeof(host_address_t));
    host_address_t address = {.address = ipv4(ipv4_addresses[0], 0)};

    APR_ARRAY_PUSH(listeners, endpoint_t) = ipv4(wildcard, OUR_PORT);
    APR_ARRAY_PUSH(listeners, endpoint_t) = ipv6(ipv6_addresses[0], OUR_PORT);
    memcpy(&address.broadcast, ipv4_addresses[1], sizeof address.broadcast);
    APR_ARRAY_PUSH(host, host_address_t) = address;
    APR_ARRAY_PUSH(host, host_address_t) = (host_address_t){.address = ipv6(ipv6_addresses[0], 0)};
    return own_addresses_create(listeners, host, pool);
}

/* Denies 198.51.100.0/24. */
static access_list_t *make_access(apr_pool_t *pool)
{
    apr_array_header_t *rules = apr_array_make(pool, 1, sizeof(access_rule_t));
    access_list_t *list;

    require(cidr_parse(&APR_ARRAY_PUSH(rules, access_rule_t).network, "198.51.100.0/24", pool) ==
            NULL);
    APR_ARRAY_IDX(rules, 0, access_rule_t).origin = "a rule";
    APR_ARRAY_IDX(rules, 0, access_rule_t).allowed = 0;
    require(access_list_create(&list, rules, 1, NULL, pool) == NULL);
    return list;
}

static echo_policy_t make_policy(unsigned judges, apr_uint64_t count, apr_pool_t *pool)
{
    static const unsigned char key[APR_SIPHASH_KSIZE] = "not a secret";
    echo_policy_t policy = {.quota = echo_quota_create(count, pool)};

    if (judges & OWN_ADDRESSES) {
        policy.own = make_own(pool);
    }
    if (judges & SOURCE_PORTS) {
        require(source_ports_create(&policy.ports, SOURCE_PORTS_DEFAULT, pool) == NULL);
    }
    if (judges & ACCESS_LIST) {
        policy.access = make_access(pool);
    }
    if (judges & DURATION) {
        policy.duration_us = APR_USEC_PER_SEC;
    }
    if (judges & PER_SOURCE) {
        policy.per_source = rate_limit_create(1, key, START, pool);
    }
    if (judges & RATE) {
        policy.datagrams = token_bucket_create(RATE_MAX, START, pool);
    }
    if (judges & BANDWIDTH) {
        policy.bytes = token_bucket_create(BANDWIDTH_MAX, START, pool);
    }
    if (judges & LOOPS) {
        policy.loop_key = key;
    }
    return policy;
}

/* ---- What must be refused, said once more ---- */

/* The four bytes of an IPv4 address, also of one that is mapped to IPv6, or NULL. */
static const unsigned char *ipv4_bytes(const endpoint_t *endpoint)
{
    static const unsigned char prefix[12] = {[10] = 0xff, [11] = 0xff};
    const unsigned char *bytes = endpoint->sa.v6.sin6_addr.s6_addr;

    if (endpoint->sa.any.sa_family == APR_INET) {
        return (const unsigned char *)&endpoint->sa.v4.sin_addr;
    }
    return memcmp(bytes, prefix, sizeof prefix) == 0 ? bytes + sizeof prefix : NULL;
}

static int is_no_host(const endpoint_t *endpoint)
{
    static const unsigned char unspecified[16];
    const unsigned char *v4 = ipv4_bytes(endpoint);
    const unsigned char *v6 = endpoint->sa.v6.sin6_addr.s6_addr;

    return v4 != NULL ? v4[0] == 0 || (v4[0] >= 224 && v4[0] <= 239) || v4[0] == 255
                      : v6[0] == 0xff || memcmp(v6, unspecified, sizeof unspecified) == 0;
}

static int is_at(const unsigned char *v4, const unsigned char *network, size_t bytes)
{
    return v4 != NULL && memcmp(v4, network, bytes) == 0;
}

static int is_refused(unsigned judges, const datagram_t *datagram)
{
    const unsigned char *v4 = ipv4_bytes(&datagram->from);
    apr_port_t port = endpoint_port(&datagram->from);

    return datagram->truncated || datagram->control_truncated || datagram->broadcast ||
           endpoint_is_multicast(&datagram->to) || is_no_host(&datagram->from) ||
           endpoint_equal(&datagram->from, &datagram->to) ||
           ((judges & OWN_ADDRESSES) && is_at(v4, ipv4_addresses[1], 4)) ||
           ((judges & OWN_ADDRESSES) && port == OUR_PORT &&
            (is_at(v4, ipv4_addresses[0], 4) || (v4 != NULL && v4[0] == 127))) ||
           ((judges & SOURCE_PORTS) && (port == 0 || port == 7 || port == 19 || port == 53)) ||
           ((judges & ACCESS_LIST) && is_at(v4, ipv4_addresses[3], 3));
}

/* ---- A worker ---- */

typedef struct run {
    echo_t *echo;
    unsigned judges;
    apr_uint64_t count; /* 0: without end */
    apr_time_t now;
    apr_uint64_t received;
    apr_uint64_t sent;
    apr_uint64_t sent_bytes;
} run_t;

static datagram_t take_datagram(input_t *input)
{
    unsigned flags = take_byte(input);
    datagram_t datagram = {.truncated = (flags & 3) == 1,
                           .broadcast = (flags & 3) == 2,
                           .control_truncated = (flags & 3) == 3};
    int is_ipv6 = (flags & 4) != 0;

    datagram.from = take_endpoint(input, is_ipv6);
    datagram.to = take_endpoint(input, is_ipv6);
    datagram.length = flags >> 3;
    datagram.data = take_block(input, datagram.length);
    return datagram;
}

static void settle(run_t *run, input_t *input, const batch_t *batch)
{
    send_outcome_t outcome = {.sent = 0};

    for (unsigned i = 0; i < batch->count; i++) {
        const datagram_t *datagram = batch->at[i];
        unsigned fate = datagram->verdict == VERDICT_ECHO ? take_byte(input) : 0;

        if (datagram->verdict == VERDICT_ECHO && fate < SEND_ERROR_KINDS) {
            outcome.failed[fate]++;
        } else if (datagram->verdict == VERDICT_ECHO) {
            outcome.sent++;
            outcome.sent_bytes += datagram->length;
        }
    }
    run->sent += outcome.sent;
    run->sent_bytes += outcome.sent_bytes;
    echo_settle(run->echo, &outcome);
}

static void take_batch(run_t *run, input_t *input)
{
    datagram_t datagrams[BATCH_MAX];
    batch_t batch = {.count = take_byte(input) % (BATCH_MAX + 1)};

    for (unsigned i = 0; i < batch.count; i++) {
        datagrams[i] = take_datagram(input);
        batch.at[i] = &datagrams[i];
    }
    echo_step(run->echo, &batch, run->now);
    run->received += batch.count;
    for (unsigned i = 0; i < batch.count; i++) {
        require(datagrams[i].verdict <= VERDICT_ECHO);
        require(datagrams[i].verdict != VERDICT_ECHO || !is_refused(run->judges, &datagrams[i]));
    }
    settle(run, input, &batch);
    for (unsigned i = 0; i < batch.count; i++) {
        free(datagrams[i].data);
    }
}

/* The limit of the buckets, plus a datagram and a millisecond's worth. */
static void check_rates(const run_t *run)
{
    apr_uint64_t seconds = (apr_uint64_t)apr_time_sec(run->now - START) + 2;

    require(!(run->judges & RATE) || run->sent <= RATE_MAX * seconds + 2);
    require(!(run->judges & BANDWIDTH) || run->sent_bytes <= BANDWIDTH_MAX * seconds + 32);
}

static void check_counters(const run_t *run)
{
    counter_totals_t totals = {{0}};
    apr_uint64_t accounted = 0;

    counters_sum(&totals, echo_counters(run->echo));
    for (unsigned counter = COUNTER_DROPPED; counter < COUNTER_KINDS; counter++) {
        accounted += totals.value[counter];
    }
    require(totals.value[COUNTER_RECEIVED] == run->received);
    require(totals.value[COUNTER_ECHOED] == run->sent);
    require(run->received == run->sent + accounted);
    require(run->count == 0 || run->sent <= run->count);
    require(echo_timeout(run->echo, run->now) >= -1);
    require(echo_timeout(run->echo, run->now) <= APR_USEC_PER_SEC);
}

static void take_step(run_t *run, input_t *input)
{
    unsigned step = take_byte(input);

    switch (step % 8) {
    case 0:
        echo_receive_failed(run->echo, run->now);
        break;
    case 1:
        echo_drain(run->echo, run->now);
        break;
    case 2:
        run->now += (apr_time_t)step * 4096; /* up to a second */
        break;
    default:
        take_batch(run, input);
    }
    check_counters(run);
    check_rates(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input_t input = {data, size};
    apr_pool_t *pool = pool_create();
    unsigned judges = take_byte(&input);
    apr_uint64_t count = take_byte(&input);
    echo_policy_t policy = make_policy(judges, count, pool);
    run_t run = {.judges = judges, .count = count, .now = START};

    run.echo = echo_create(&policy, run.now, pool);
    while (input.size > 0 && !echo_done(run.echo)) {
        take_step(&run, &input);
    }
    apr_pool_destroy(pool);
    return 0;
}
