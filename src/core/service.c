#include "core/service.h"

#include <assert.h>

service_t *service_create(protocol_t protocol, apr_pool_t *pool)
{
    service_t *service = apr_pcalloc(pool, sizeof *service);

    assert(protocol != PROTOCOL_ECHO && protocol < PROTOCOLS);
    service->protocol = protocol;
    return service;
}
