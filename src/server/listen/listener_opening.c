#include "server/listen/listener_opening.h"

#include <assert.h>

#include "common/address.h"
#include "common/ip_address.h"
#include "common/memory.h"
#include "server/listen/listener_log.h"
#include "server/listen/listener_service.h"
#include "udpecho/clock.h"
#include "udpecho/handover.h"
#include "udpecho/host.h"
#include "udpecho/machine.h"

/* Between two attempts to bind an address that is not ready. */
#define READY_PAUSE_US (10 * 1000)

listener_t *listener_find_open(const listener_set_t *set, const opening_t *opening,
                               const listener_set_t *asked, const location_t *location,
                               protocol_t protocol)
{
    listener_t *listener = listener_set_find(set, location);

    if (listener == NULL) {
        listener = listener_set_find(opening->current, location);
    }
    if (listener == NULL) {
        listener =
            location->address->port != 0
                ? listener_set_find(opening->inherited, location)
                : listener_set_find_any_port(opening->inherited, location, protocol, set, asked);
    }
    return listener;
}

/* Whether an interface has the address, be it ready or not. */
static int is_of_this_host(const apr_sockaddr_t *address, apr_pool_t *pool)
{
    endpoint_t endpoint = endpoint_of(address);
    apr_array_header_t *addresses;

    if (host_addresses(&addresses, pool) != APR_SUCCESS) {
        return 0;
    }
    for (int i = 0; i < addresses->nelts; i++) {
        endpoint_t *own = &APR_ARRAY_IDX(addresses, i, host_address_t).address;

        own->sa.v4.sin_port = endpoint.sa.v4.sin_port; /* the same place in both families */
        if (endpoint_equal(own, &endpoint)) {
            return 1;
        }
    }
    return 0;
}

static apr_status_t open_once(listener_t **listener, const opening_t *opening, listener_set_t *set,
                              const location_t *location, protocol_t protocol,
                              listener_error_t *error)
{
    listener_options_t options = *opening->options;

    options.device = location->device;
    set->opening = memory_pool(opening->pool);
    options.service = listener_service_in(set->opening, protocol);
    options.details = listener_details_for(protocol, opening->settings->mirror_dscp);
    apr_status_t status = listener_open(listener, location->address, &options, error, set->opening);

    if (status == APR_SUCCESS) {
        return APR_SUCCESS;
    }
    /* Also IPv4 has addresses that cannot be bound here though an interface has them: with another
     * VRF's. Only IPv6 has addresses that are not ready. */
    if (error->failure == LISTENER_NOT_LOCAL && location->address->family == APR_INET6 &&
        is_of_this_host(location->address, set->opening)) {
        error->failure = LISTENER_NOT_READY;
    }
    apr_pool_destroy(set->opening);
    set->opening = NULL;
    return status;
}

static int await_readiness(const opening_t *opening)
{
    return clock_now() < opening->patience_ends && host_pause(READY_PAUSE_US);
}

/* What the service manager was told to close may be open for a moment more. */
apr_status_t listener_open_new(listener_t **listener, const opening_t *opening, listener_set_t *set,
                               const location_t *location, protocol_t protocol,
                               listener_error_t *error)
{
    assert(set->opening == NULL);
    apr_status_t status = open_once(listener, opening, set, location, protocol, error);

    while (status != APR_SUCCESS &&
           ((error->failure == LISTENER_IN_USE && host_await_forgetting()) ||
            (error->failure == LISTENER_NOT_READY && await_readiness(opening)))) {
        status = open_once(listener, opening, set, location, protocol, error);
    }
    return status;
}

/* ---- Anew ---- */

/* Finds where a listener whose network interface is gone is to be opened again: at its own address,
 * so that no name is looked up. But the interface of a link-local address is a number, and another
 * one now. Returns NULL, or what is wrong. */
static const char *find_again(apr_sockaddr_t **address, const listener_t *listener,
                              const place_t *place, const opening_t *opening, apr_pool_t *pool)
{
    endpoint_t endpoint = listener_describe(listener)->local;
    address_t parsed;
    apr_sockaddr_t *found;

    if (address_parse(&parsed, place->text, settings_default_port(place->protocol), pool) == NULL &&
        parsed.scope != NULL) {
        if (opening->is_confined) {
            return "interfaces of link-local addresses are looked up at the start only";
        }
        if (address_resolve(&found, &parsed, pool) != APR_SUCCESS) {
            return "no such network interface";
        }
        endpoint.sa.v6.sin6_scope_id = found->sa.sin6.sin6_scope_id;
    }
    *address = ip_address_to_apr(&endpoint, pool);
    return *address != NULL ? NULL : "no memory";
}

static log_line_t *begin_lost(const opening_t *opening, const listener_t *listener)
{
    log_line_t *line = log_begin_waiting(opening->log, LOG_LEVEL_WARNING,
                                         "listener receives nothing, its interface is gone");

    listener_log_address(line, listener_describe(listener));
    return line;
}

void listener_log_lost(const opening_t *opening, const listener_t *listener, const char *error,
                       const char *hint)
{
    log_line_t *line = begin_lost(opening, listener);

    log_text(line, "error", error);
    log_text(line, "hint", hint);
    log_end(line);
}

static void log_opened_anew(const opening_t *opening, const listener_t *listener)
{
    log_line_t *line = log_begin_waiting(opening->log, LOG_LEVEL_INFO,
                                         "listener opened again, its interface was replaced");

    listener_log_address(line, listener_describe(listener));
    log_end(line);
}

listener_t *listener_reopen(listener_t *old, const place_t *place, const opening_t *opening,
                            listener_set_t *set, apr_pool_t *pool)
{
    const char *device = listener_describe(old)->device;
    apr_sockaddr_t *address = NULL;
    listener_error_t error;
    const char *wrong = find_again(&address, old, place, opening, pool);
    location_t location = {address, *device != '\0' ? device : NULL};

    if (wrong != NULL) {
        listener_log_lost(opening, old, wrong, "restart the server once the interface is back");
        return old;
    }
    listener_t *listener = listener_find_open(set, opening, set, &location, place->protocol);

    if (listener != NULL) {
        return listener;
    }
    apr_status_t status =
        listener_open_new(&listener, opening, set, &location, place->protocol, &error);

    if (status != APR_SUCCESS) {
        listener_log_failure(begin_lost(opening, old), status, &error);
        return old;
    }
    log_opened_anew(opening, listener);
    return listener;
}
