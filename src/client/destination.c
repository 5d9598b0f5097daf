#include "client/destination.h"

#include <apr_strings.h>

#include "client/failure.h"
#include "client/output/format.h"
#include "client/output/payload_text.h"
#include "udpecho/machine.h"

static int is_wanted(const client_settings_t *settings, const apr_sockaddr_t *address)
{
    return address->family == APR_INET6 ? !settings->ipv4 : !settings->ipv6;
}

static apr_sockaddr_t *first_of_family(apr_sockaddr_t *list, int family)
{
    while (list != NULL && list->family != family) {
        list = list->next;
    }
    return list;
}

static const char *resolve_source(apr_sockaddr_t **found, const char *source, apr_pool_t *pool)
{
    address_t address;
    const char *error = address_parse_host(&address, source, 0, pool);

    if (error != NULL) {
        return error;
    }
    if (address.host == NULL || address.port != 0) {
        return "ports go to --source-port";
    }
    if (address.device != NULL) {
        return "interfaces go to --interface";
    }
    return address_resolve(found, &address, pool) == APR_SUCCESS
               ? NULL
               : "cannot find it; interfaces go to --interface";
}

static const char *source_error(const client_settings_t *settings, const char *reason,
                                apr_pool_t *pool)
{
    return apr_psprintf(pool, "--source=%s: expected an address of this host (%s)",
                        settings->source, reason);
}

/* ---- What all destinations share ---- */

static void set_port(apr_sockaddr_t *source, apr_port_t port)
{
    for (; source != NULL; source = source->next) {
        source->port = port;
        source->sa.sin.sin_port = htons(port); /* the same place in both families */
    }
}

static const char *find_sources(destination_rules_t *rules, apr_pool_t *pool)
{
    const client_settings_t *settings = rules->settings;
    const address_t any = {.host = NULL};
    const char *error = NULL;

    if (settings->source != NULL) {
        error = resolve_source(&rules->sources, settings->source, pool);
    } else if (settings->source_port != 0) {
        address_resolve(&rules->sources, &any, pool);
    }
    if (error != NULL) {
        return source_error(settings, error, pool);
    }
    set_port(rules->sources, (apr_port_t)settings->source_port);
    return NULL;
}

const char *destination_rules_make(destination_rules_t *rules, const client_settings_t *settings,
                                   apr_pool_t *pool)
{
    apr_array_header_t *addresses;

    *rules = (destination_rules_t){.settings = settings};
    rules->addresses = host_addresses(&addresses, pool) == APR_SUCCESS ? addresses : NULL;
    return find_sources(rules, pool);
}

/* ---- Each of them ---- */

/* Whether it is the broadcast address of a network that this host is on; others look like any
 * host's from here. */
static int is_network_broadcast(const endpoint_t *peer, const apr_array_header_t *addresses)
{
    if (peer->sa.any.sa_family != AF_INET || addresses == NULL) {
        return 0;
    }
    for (int i = 0; i < addresses->nelts; i++) {
        const host_address_t *own = &APR_ARRAY_IDX(addresses, i, host_address_t);

        if (own->broadcast.s_addr != INADDR_ANY &&
            own->broadcast.s_addr == peer->sa.v4.sin_addr.s_addr) {
            return 1;
        }
    }
    return 0;
}

/* What is wrong with this address, as a sentence; NULL: it can be asked. */
static const char *judge(destination_t *destination, apr_sockaddr_t *found, const char *host,
                         const destination_rules_t *rules, apr_pool_t *pool)
{
    const client_settings_t *settings = rules->settings;
    endpoint_t peer = endpoint_of(found);

    *destination =
        (destination_t){.peer = found, .source = first_of_family(rules->sources, found->family)};
    if (!is_wanted(settings, found)) {
        return apr_psprintf(pool, "%s: it has no IPv%s address", host,
                            settings->ipv4 ? "4 (--ipv4)" : "6 (--ipv6)");
    }
    if (rules->sources != NULL && destination->source == NULL) {
        return source_error(
            settings, found->family == APR_INET6 ? "the peer has IPv6" : "the peer has IPv4", pool);
    }
    if (endpoint_is_wildcard(&peer)) {
        return apr_psprintf(pool, "%s: expected a host to ask; localhost is this one", host);
    }
    destination->is_broadcast =
        endpoint_is_multicast(&peer) || is_network_broadcast(&peer, rules->addresses);
    if (destination->is_broadcast && !settings->broadcast) {
        return apr_psprintf(pool, "%s: expected --broadcast with an address of several hosts",
                            host);
    }
    return found->family == APR_INET && settings->size > PAYLOAD_MAX_IPV4
               ? payload_too_long(settings, PAYLOAD_MAX_IPV4, " over IPv4", pool)
               : NULL;
}

static int has_peer(const apr_array_header_t *chosen, const apr_sockaddr_t *found)
{
    endpoint_t endpoint = endpoint_of(found);

    for (int i = 0; i < chosen->nelts; i++) {
        endpoint_t peer = endpoint_of(APR_ARRAY_IDX(chosen, i, destination_t).peer);

        if (endpoint_equal(&peer, &endpoint)) {
            return 1;
        }
    }
    return 0;
}

const char *destination_choose(apr_array_header_t **chosen, apr_sockaddr_t *found, const char *host,
                               const destination_rules_t *rules, apr_pool_t *pool)
{
    const char *first_error = NULL;

    *chosen = apr_array_make(pool, 1, sizeof(destination_t));
    for (; found != NULL; found = found->next) {
        destination_t destination;
        const char *error = judge(&destination, found, host, rules, pool);

        if (error != NULL) {
            first_error = first_error == NULL ? error : first_error;
        } else if (!has_peer(*chosen, found)) {
            APR_ARRAY_PUSH(*chosen, destination_t) = destination;
        }
    }
    return (*chosen)->nelts > 0 ? NULL : first_error;
}

/* ---- One host ---- */

/* The next address of the name, --source permitting. */
static const apr_sockaddr_t *find_other(const destination_t *destination, apr_sockaddr_t *found,
                                        const client_settings_t *settings)
{
    const apr_sockaddr_t *other = found != destination->peer ? found : found->next;

    return other != NULL && settings->source != NULL && other->family != destination->peer->family
               ? NULL
               : other;
}

const char *destination_find(destination_t *destination, const client_settings_t *settings,
                             apr_pool_t *pool)
{
    apr_sockaddr_t *found;
    apr_array_header_t *chosen;
    destination_rules_t rules;
    apr_status_t status = address_resolve(&found, &settings->address, pool);

    if (status != APR_SUCCESS) {
        return apr_psprintf(pool, "%s: %s", settings->host, cannot("find it", status, pool));
    }
    const char *error = destination_rules_make(&rules, settings, pool);

    if (error == NULL) {
        error = destination_choose(&chosen, found, settings->host, &rules, pool);
    }
    if (error != NULL) {
        return error;
    }
    *destination = APR_ARRAY_IDX(chosen, 0, destination_t);
    destination->other = find_other(destination, found, settings);
    return NULL;
}

const char *destination_advice(const destination_t *destination, const client_settings_t *settings,
                               apr_pool_t *pool)
{
    const apr_sockaddr_t *other = destination->other;

    if (other == NULL) {
        return NULL;
    }
    endpoint_t peer = endpoint_of(destination->peer);
    endpoint_t not_asked = endpoint_of(other);

    return apr_psprintf(pool, "%s did not answer, and %s is %s, too, which was not asked; %s",
                        address_text(&peer, pool), settings->address.host,
                        address_text(&not_asked, pool),
                        other->family == destination->peer->family ? "name the address to ask it"
                        : other->family == APR_INET6               ? "-6 picks it"
                                                                   : "-4 picks it");
}
