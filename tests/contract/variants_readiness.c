/* The readiness transport over each of APR's poll methods with each body. */

#include "variants.h"

#include "readiness.h"

#define VARIANT(function, method, body)                                                       \
    static apr_status_t function(transport_t **transport, listener_t *const *listeners,       \
                                 unsigned count, unsigned worker, apr_size_t payload_max,     \
                                 apr_pool_t *pool)                                            \
    {                                                                                         \
        return readiness_open(transport, listeners, count, worker, payload_max, method, body, \
                              pool);                                                          \
    }

VARIANT(open_system_batched, system_poll_method, system_body())
VARIANT(open_system_single, system_poll_method, &single_body)
VARIANT(open_poll_batched, APR_POLLSET_POLL, system_body())
VARIANT(open_poll_single, APR_POLLSET_POLL, &single_body)
VARIANT(open_select_batched, APR_POLLSET_SELECT, system_body())
VARIANT(open_select_single, APR_POLLSET_SELECT, &single_body)

const variant_t variants[] = {
    {"as the server opens it", transport_open},
    {"the system's method, batched", open_system_batched},
    {"the system's method, single", open_system_single},
    {"poll, batched", open_poll_batched},
    {"poll, single", open_poll_single},
    {"select, batched", open_select_batched},
    {"select, single", open_select_single},
};

const unsigned variant_count = sizeof variants / sizeof variants[0];

const char *no_reply_source_here(void)
{
    return NULL;
}
