#include "server/policy.h"

#include "common/memory.h"
#include "core/own_addresses.h"
#include "udpecho/machine.h"
#include "udpecho/transport.h"

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

policy_t *policy_create(const echo_policy_t *rules, const apr_array_header_t *listeners, log_t *log,
                        apr_pool_t *pool)
{
    apr_pool_t *own = memory_pool(pool);
    policy_t *policy = apr_palloc(own, sizeof *policy);

    policy->rules = *rules;
    policy->rules.own =
        own_addresses_create(bound_addresses(listeners, own), known_addresses(log, own), own);
    policy->pool = own;
    return policy;
}
