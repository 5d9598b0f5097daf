#include "server/policy.h"

#include <assert.h>

#include "core/own_addresses.h"
#include "core/rate_limit.h"
#include "core/source_ports.h"
#include "core/token_bucket.h"
#include "udpecho/clock.h"
#include "udpecho/machine.h"
#include "udpecho/transport.h"

/* ---- This host's addresses ---- */

static apr_array_header_t *bound_addresses(const apr_array_header_t *listeners, apr_pool_t *pool)
{
    apr_array_header_t *bound = apr_array_make(pool, listeners->nelts, sizeof(endpoint_t));

    for (int i = 0; i < listeners->nelts; i++) {
        APR_ARRAY_PUSH(bound, endpoint_t) =
            listener_describe(APR_ARRAY_IDX(listeners, i, const listener_t *))->local;
    }
    return bound;
}

static apr_array_header_t *known_addresses(log_t *log, apr_pool_t *pool)
{
    apr_array_header_t *addresses;
    apr_status_t status = host_addresses(&addresses, pool);

    if (status != APR_SUCCESS) {
        log_line_t *line =
            log_begin_waiting(log, LOG_LEVEL_WARNING, "cannot list this host's addresses");

        log_status(line, "error", status);
        log_end(line);
        return apr_array_make(pool, 0, sizeof(host_address_t));
    }
    return addresses;
}

/* ---- Limits ---- */

static token_bucket_t *bucket_of(apr_int64_t rate, apr_pool_t *pool)
{
    return rate > 0 ? token_bucket_create((apr_uint64_t)rate, clock_now(), pool) : NULL;
}

static rate_limit_t *limit_of(apr_int64_t rate, const unsigned char key[APR_SIPHASH_KSIZE],
                              apr_pool_t *pool)
{
    return rate > 0 ? rate_limit_create((apr_uint64_t)rate, key, clock_now(), pool) : NULL;
}

/* ---- All together ---- */

const echo_policy_t *policy_create(const settings_t *settings, const policy_basis_t *basis,
                                   const apr_array_header_t *listeners, const impair_lines_t *lines,
                                   log_t *log, apr_pool_t *pool)
{
    assert(listeners->elt_size == sizeof(listener_t *));
    echo_policy_t *policy = apr_palloc(pool, sizeof *policy);

    *policy = (echo_policy_t){
        .quota = basis->quota,
        .duration_us = settings->duration,
        .own = own_addresses_create(bound_addresses(listeners, pool), known_addresses(log, pool),
                                    pool),
        .access = settings->access,
        .per_source = limit_of(settings->rate_limit, basis->key, pool),
        .exempt = settings->exempt,
        .per_source_dry_run = settings->rate_limit_dry_run != 0,
        .datagrams = bucket_of(settings->max_rate, pool),
        .bytes = bucket_of(settings->max_bandwidth, pool),
        .loop_key = settings->loop_detector ? basis->key : NULL,
        .stamp = stamp_policy_create(settings, basis->stamp, pool),
        .mirror_dscp = settings->mirror_dscp,
        .impair = impair_policy_of(settings, lines, log, pool),
        .impair_drain_us = settings->impair_drain,
    };
    source_ports_create(&policy->ports, settings->deny_source_ports, pool);
    return policy;
}
