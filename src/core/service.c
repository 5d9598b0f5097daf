#include "core/service.h"

#include <assert.h>

service_t *service_create(protocol_t protocol, apr_pool_t *pool)
{
    service_t *service = apr_pcalloc(pool, sizeof *service);

    assert(protocol > PROTOCOL_ECHO && protocol < PROTOCOLS);
    service->protocol = protocol;
    return service;
}

void service_request(service_t *service, apr_size_t length, apr_int64_t arrived)
{
    apr_int64_t never = 0;

    service_count(service, SERVICE_REQUESTS, 1);
    service_count(service, SERVICE_REQUEST_BYTES, length);
    if (arrived != 0) {
        atomic_compare_exchange_strong(&service->first_request, &never, arrived);
        atomic_store_explicit(&service->last_request, arrived, memory_order_relaxed);
    }
}
