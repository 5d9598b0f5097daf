#include "server/server_limits.h"

#include "core/rate_limit.h"
#include "core/token_bucket.h"
#include "udpecho/clock.h"

static token_bucket_t *bucket_of(apr_int64_t rate, apr_pool_t *pool)
{
    return rate > 0 ? token_bucket_create((apr_uint64_t)rate, clock_now(), pool) : NULL;
}

void server_limits_set(echo_policy_t *rules, const settings_t *settings,
                       const unsigned char key[APR_SIPHASH_KSIZE], apr_pool_t *pool)
{
    rules->loop_key = settings->loop_detector ? key : NULL;
    if (settings->rate_limit > 0) {
        rules->per_source =
            rate_limit_create((apr_uint64_t)settings->rate_limit, key, clock_now(), pool);
    }
    rules->exempt = settings->exempt;
    rules->per_source_dry_run = settings->rate_limit_dry_run != 0;
    rules->datagrams = bucket_of(settings->max_rate, pool);
    rules->bytes = bucket_of(settings->max_bandwidth, pool);
}
