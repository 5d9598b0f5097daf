#include "server/listen/listener_service.h"

#include <assert.h>

service_t *listener_service_in(apr_pool_t *pool, protocol_t protocol)
{
    void *service = NULL;

    assert(protocol < PROTOCOLS);
    if (protocol == PROTOCOL_ECHO) {
        return NULL;
    }
    apr_pool_userdata_get(&service, protocol_name(protocol), pool);
    if (service == NULL) {
        service = service_create(protocol, pool);
        apr_pool_userdata_setn(service, protocol_name(protocol), NULL, pool);
    }
    return service;
}

protocol_t listener_protocol(const listener_t *listener)
{
    const service_t *service = listener_service(listener);

    return service != NULL ? service->protocol : PROTOCOL_ECHO;
}

void listener_prepare(listener_t *listener, protocol_t protocol)
{
    listener_service_in(listener_pool(listener), protocol);
}

unsigned listener_details_for(protocol_t protocol, int mirrors_dscp)
{
    if (protocol != PROTOCOL_ECHO) {
        return DETAIL_TIMES;
    }
    return mirrors_dscp ? DETAIL_TRAFFIC_CLASS : 0;
}

/* The details first: a service needs them, and those that nobody needs do no harm. */
void listener_speak(listener_t *listener, protocol_t protocol, int mirrors_dscp)
{
    listener_set_details(listener, listener_details_for(protocol, mirrors_dscp));
    listener_set_service(listener, listener_service_in(listener_pool(listener), protocol));
}
