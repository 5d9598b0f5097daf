#include "server_limits.h"

#include <apr_siphash.h>

apr_status_t server_limits_set(echo_policy_t *rules, const settings_t *settings, apr_pool_t *pool)
{
    unsigned char *key = apr_palloc(pool, APR_SIPHASH_KSIZE);
    apr_status_t status = apr_generate_random_bytes(key, APR_SIPHASH_KSIZE);

    rules->loop_key = settings->loop_detector ? key : NULL;
    return status;
}
