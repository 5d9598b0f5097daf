#include "server/listen/listener_set.h"

#include <assert.h>
#include <string.h>

#include "common/memory.h"
#include "server/listen/listener_log.h"
#include "server/listen/listener_service.h"
#include "udpecho/handover.h"

void listener_set_create(listener_set_t *set, apr_pool_t *pool)
{
    set->places = apr_array_make(pool, 4, sizeof(place_t));
    set->all = apr_array_make(pool, 4, sizeof(listener_t *));
    set->opening = NULL;
}

static int has(const apr_array_header_t *listeners, const listener_t *listener)
{
    for (int i = 0; i < listeners->nelts; i++) {
        if (APR_ARRAY_IDX(listeners, i, const listener_t *) == listener) {
            return 1;
        }
    }
    return 0;
}

int listener_set_has(const listener_set_t *set, const listener_t *listener)
{
    return has(set->all, listener);
}

int listener_set_is_fixed(const listener_set_t *set)
{
    return set->places->nelts == 0;
}

/* ---- What is spoken ---- */

protocol_t listener_set_protocol(const listener_set_t *set, const listener_t *listener)
{
    for (int i = 0; i < set->places->nelts; i++) {
        const place_t *place = &APR_ARRAY_IDX(set->places, i, place_t);

        if (has(place->listeners, listener)) {
            return place->protocol;
        }
    }
    return listener_protocol(listener);
}

int listener_set_agrees(const listener_set_t *set, const listener_set_t *other,
                        const listener_t *listener)
{
    return other != NULL && listener_set_has(other, listener) &&
           listener_set_protocol(set, listener) == listener_set_protocol(other, listener);
}

int listener_set_speaks(const listener_set_t *set, protocol_t protocol)
{
    for (int i = 0; i < set->all->nelts; i++) {
        if (listener_set_protocol(set, APR_ARRAY_IDX(set->all, i, listener_t *)) == protocol) {
            return 1;
        }
    }
    return 0;
}

void listener_set_speak(const listener_set_t *set, int mirrors_dscp)
{
    for (int i = 0; i < set->all->nelts; i++) {
        listener_t *listener = APR_ARRAY_IDX(set->all, i, listener_t *);

        listener_speak(listener, listener_set_protocol(set, listener), mirrors_dscp);
    }
}

void listener_set_tell_less(const listener_set_t *set, int mirrors_dscp)
{
    for (int i = 0; i < set->all->nelts; i++) {
        listener_tell_less(APR_ARRAY_IDX(set->all, i, listener_t *), mirrors_dscp);
    }
}

/* ---- The service manager ---- */

typedef struct storing {
    const listener_t *listener;
    protocol_t protocol;
    apr_status_t status;
} storing_t;

static void store(void *context, apr_pool_t *scratch)
{
    storing_t *storing = context;
    const listener_info_t *info = listener_describe(storing->listener);
    socket_group_t group = {storing->protocol, listener_sockets(storing->listener, scratch)};

    storing->status = host_store(&info->local, info->device, &group);
}

static void store_one(const listener_t *listener, protocol_t protocol, log_t *log)
{
    storing_t storing = {listener, protocol, APR_ENOMEM};

    memory_try_scratch(store, &storing, NULL);
    if (storing.status != APR_SUCCESS) {
        log_line_t *line =
            log_begin_waiting(log, LOG_LEVEL_WARNING, "service manager does not keep a listener");

        listener_log_address(line, listener_describe(listener));
        log_status(line, "error", storing.status);
        log_end(line);
    }
}

void listener_set_store(const listener_set_t *set, const listener_set_t *known, log_t *log)
{
    int is_wanted = host_has_store() && set->places->nelts > 0;

    for (int i = 0; is_wanted && i < set->all->nelts; i++) {
        const listener_t *listener = APR_ARRAY_IDX(set->all, i, const listener_t *);

        if (!listener_set_agrees(set, known, listener)) {
            store_one(listener, listener_set_protocol(set, listener), log);
        }
    }
}

void listener_set_forget(const listener_set_t *set, const listener_set_t *kept)
{
    for (int i = 0; i < set->all->nelts; i++) {
        const listener_t *listener = APR_ARRAY_IDX(set->all, i, const listener_t *);

        if (!listener_set_agrees(set, kept, listener)) {
            const listener_info_t *info = listener_describe(listener);

            host_forget(&info->local, info->device, listener_set_protocol(set, listener));
        }
    }
}

/* ---- What is in it ---- */

static void close_one(listener_t *listener, log_t *log)
{
    listener_info_t info = *listener_describe(listener);

    listener_close(listener);
    if (log != NULL) {
        log_line_t *line = log_begin_waiting(log, LOG_LEVEL_INFO, "no longer listening");

        listener_log_address(line, &info);
        log_end(line);
    }
}

void listener_set_close(const listener_set_t *set, const listener_set_t *kept, log_t *log)
{
    for (int i = 0; i < set->all->nelts; i++) {
        listener_t *listener = APR_ARRAY_IDX(set->all, i, listener_t *);

        if (kept == NULL || !listener_set_has(kept, listener)) {
            close_one(listener, log);
        }
    }
    if (set->opening != NULL) {
        apr_pool_destroy(set->opening);
    }
}

void listener_set_add(listener_set_t *set, place_t *place, listener_t *listener)
{
    assert(place >= (place_t *)set->places->elts &&
           place < (place_t *)set->places->elts + set->places->nelts);
    if (!has(place->listeners, listener)) {
        APR_ARRAY_PUSH(place->listeners, listener_t *) = listener;
        listener_prepare(listener, place->protocol);
    }
    if (!listener_set_has(set, listener)) {
        APR_ARRAY_PUSH(set->all, listener_t *) = listener;
    }
    set->opening = NULL;
}

static int is_every_address(const listener_info_t *info, const endpoint_t *endpoint)
{
    return info->is_only_address && endpoint_is_wildcard(endpoint) &&
           info->local.sa.any.sa_family == endpoint->sa.any.sa_family &&
           endpoint_port(&info->local) == endpoint_port(endpoint);
}

static int is_at(const listener_t *listener, const endpoint_t *endpoint, const char *device)
{
    const listener_info_t *info = listener_describe(listener);

    return (endpoint_equal(&info->local, endpoint) || is_every_address(info, endpoint)) &&
           strcmp(info->device, device != NULL ? device : "") == 0;
}

listener_t *listener_set_find(const listener_set_t *set, const location_t *location)
{
    endpoint_t endpoint = endpoint_of(location->address);

    for (int i = 0; set != NULL && i < set->all->nelts; i++) {
        listener_t *listener = APR_ARRAY_IDX(set->all, i, listener_t *);

        if (is_at(listener, &endpoint, location->device) && listener_has_interface(listener)) {
            return listener;
        }
    }
    return NULL;
}

/* Whether one of the places asks for just this address, port and interface. */
static int is_named(const listener_set_t *set, const listener_t *listener)
{
    for (int i = 0; i < set->places->nelts; i++) {
        const place_t *place = &APR_ARRAY_IDX(set->places, i, place_t);

        for (const apr_sockaddr_t *at = place->addresses; at != NULL; at = at->next) {
            endpoint_t wanted = endpoint_of(at);

            if (is_at(listener, &wanted, place->device)) {
                return 1;
            }
        }
    }
    return 0;
}

listener_t *listener_set_find_any_port(const listener_set_t *set, const location_t *location,
                                       protocol_t protocol, const listener_set_t *used,
                                       const listener_set_t *asked)
{
    endpoint_t endpoint = endpoint_of(location->address);

    for (int i = 0; set != NULL && i < set->all->nelts; i++) {
        listener_t *listener = APR_ARRAY_IDX(set->all, i, listener_t *);

        /* The same place in both families. */
        endpoint.sa.v4.sin_port = listener_describe(listener)->local.sa.v4.sin_port;
        if (is_at(listener, &endpoint, location->device) &&
            listener_set_protocol(set, listener) == protocol && !listener_set_has(used, listener) &&
            !is_named(asked, listener)) {
            return listener;
        }
    }
    return NULL;
}

const place_t *listener_set_place(const listener_set_t *set, protocol_t protocol, const char *text,
                                  int before)
{
    assert(before >= 0);
    for (int i = 0; set != NULL && i < set->places->nelts; i++) {
        const place_t *place = &APR_ARRAY_IDX(set->places, i, place_t);

        if (place->protocol == protocol && strcmp(place->text, text) == 0 && before-- == 0) {
            return place;
        }
    }
    return NULL;
}

int listener_set_count(const listener_set_t *set, protocol_t protocol, const char *text)
{
    int count = 0;

    while (listener_set_place(set, protocol, text, count) != NULL) {
        count++;
    }
    return count;
}
