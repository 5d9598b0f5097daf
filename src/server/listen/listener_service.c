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

/* The details first: a service needs them. So does the one before, which workers may have just now.
 */
void listener_speak(listener_t *listener, protocol_t protocol, int mirrors_dscp)
{
    protocol_t needy = protocol != PROTOCOL_ECHO ? protocol : listener_protocol(listener);

    listener_set_details(listener, listener_details_for(needy, mirrors_dscp));
    listener_set_service(listener, listener_service_in(listener_pool(listener), protocol));
}

void listener_tell_less(listener_t *listener, int mirrors_dscp)
{
    listener_set_details(listener, listener_details_for(listener_protocol(listener), mirrors_dscp));
}
