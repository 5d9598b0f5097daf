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

/* The first wanted address from `list` on, or NULL. */
static apr_sockaddr_t *next_wanted(apr_sockaddr_t *list, const client_settings_t *settings)
{
    while (list != NULL && !is_wanted(settings, list)) {
        list = list->next;
    }
    return list;
}

static apr_sockaddr_t *first_of_family(apr_sockaddr_t *list, int family)
{
    while (list != NULL && list->family != family) {
        list = list->next;
    }
    return list;
}

static const char *find_peer(apr_sockaddr_t **found, destination_t *destination,
                             const client_settings_t *settings, apr_pool_t *pool)
{
    apr_status_t status = address_resolve(found, &settings->address, pool);

    if (status != APR_SUCCESS) {
        return apr_psprintf(pool, "%s: %s", settings->host, cannot("find it", status, pool));
    }
    destination->peer = next_wanted(*found, settings);
    return destination->peer != NULL
               ? NULL
               : apr_psprintf(pool, "%s: it has no IPv%s address", settings->host,
                              settings->ipv4 ? "4 (--ipv4)" : "6 (--ipv6)");
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

/* Of the peer's wanted addresses, takes the first for which there is a source of its family. */
static const char *match_source(destination_t *destination, apr_sockaddr_t *sources,
                                const client_settings_t *settings)
{
    apr_sockaddr_t *peer = destination->peer;

    for (; peer != NULL; peer = next_wanted(peer->next, settings)) {
        destination->source = first_of_family(sources, peer->family);
        if (destination->source != NULL) {
            destination->peer = peer;
            return NULL;
        }
    }
    return destination->peer->family == APR_INET6 ? "the peer has IPv6" : "the peer has IPv4";
}

static const char *find_source(destination_t *destination, const client_settings_t *settings,
                               apr_pool_t *pool)
{
    const char *any = destination->peer->family == APR_INET6 ? "::" : "0.0.0.0";
    const char *text = settings->source != NULL ? settings->source : any;
    apr_sockaddr_t *sources;

    if (settings->source == NULL && settings->source_port == 0) {
        return NULL;
    }
    const char *error = resolve_source(&sources, text, pool);

    if (error == NULL) {
        error = match_source(destination, sources, settings);
    }
    if (error != NULL) {
        return apr_psprintf(pool, "--source=%s: expected an address of this host (%s)", text,
                            error);
    }
    apr_sockaddr_t *source = destination->source;

    source->port = (apr_port_t)settings->source_port;
    source->sa.sin.sin_port = htons(source->port); /* the same place in both families */
    return NULL;
}

/* Whether it is the broadcast address of a network that this host is on; others look like any
 * host's from here. */
static int is_network_broadcast(const endpoint_t *peer, apr_pool_t *pool)
{
    apr_array_header_t *addresses;

    if (peer->sa.any.sa_family != AF_INET || host_addresses(&addresses, pool) != APR_SUCCESS) {
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

/* The next address of the name that could have been asked, --source permitting. */
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
    *destination = (destination_t){0};
    apr_sockaddr_t *found;
    const char *error = find_peer(&found, destination, settings, pool);

    if (error == NULL) {
        error = find_source(destination, settings, pool);
    }
    if (error != NULL) {
        return error;
    }
    destination->other = find_other(destination, found, settings);
    endpoint_t peer = endpoint_of(destination->peer);

    if (endpoint_is_wildcard(&peer)) {
        return apr_psprintf(pool, "%s: expected a host to ask; localhost is this one",
                            settings->host);
    }

    destination->is_broadcast = endpoint_is_multicast(&peer) || is_network_broadcast(&peer, pool);
    if (destination->is_broadcast && !settings->broadcast) {
        return apr_psprintf(pool, "%s: expected --broadcast with an address of several hosts",
                            settings->host);
    }
    if (peer.sa.any.sa_family == AF_INET && settings->size > PAYLOAD_MAX_IPV4) {
        return payload_too_long(settings, PAYLOAD_MAX_IPV4, " over IPv4", pool);
    }
    return NULL;
}
