#include "destination.h"

#include <apr_strings.h>

#include "failure.h"
#include "figures.h"
#include "udpecho/host.h"

static int is_wanted(const client_settings_t *settings, const apr_sockaddr_t *address)
{
    return address->family == APR_INET6 ? !settings->ipv4 : !settings->ipv6;
}

static const char *find_peer(destination_t *destination, const client_settings_t *settings,
                             apr_pool_t *pool)
{
    apr_status_t status = address_resolve(&destination->peer, &settings->address, pool);

    if (status != APR_SUCCESS) {
        return apr_psprintf(pool, "%s: %s", settings->host, cannot("find it", status, pool));
    }
    apr_sockaddr_t *first = destination->peer;

    while (destination->peer != NULL && !is_wanted(settings, destination->peer)) {
        destination->peer = destination->peer->next;
    }
    if (destination->peer == NULL) {
        return apr_psprintf(pool, "%s: it has no IPv%s address", settings->host,
                            settings->ipv4 ? "4 (--ipv4)" : "6 (--ipv6)");
    }
    destination->other = first != destination->peer ? first : first->next;
    return NULL;
}

static const char *find_source(destination_t *destination, const client_settings_t *settings,
                               apr_pool_t *pool)
{
    int is_ipv6 = destination->peer->family == APR_INET6;
    const char *host = settings->source != NULL ? settings->source : is_ipv6 ? "::" : "0.0.0.0";
    address_t address;
    apr_sockaddr_t *found;

    if (settings->source == NULL && settings->source_port == 0) {
        return NULL;
    }
    const char *error = address_parse_host(&address, host, 0, pool);

    if (error == NULL && (address.host == NULL || address.port != 0)) {
        error = "ports go to --source-port";
    } else if (error == NULL && address.device != NULL) {
        error = "interfaces go to --interface";
    }
    if (error == NULL && address_resolve(&found, &address, pool) != APR_SUCCESS) {
        error = "cannot find it";
    }
    for (; error == NULL && found != NULL && destination->source == NULL; found = found->next) {
        if (found->family == destination->peer->family) {
            destination->source = found;
        }
    }
    if (error == NULL && destination->source == NULL) {
        error = is_ipv6 ? "the peer has IPv6" : "the peer has IPv4";
    }
    if (error != NULL) {
        return apr_psprintf(pool, "--source=%s: expected an address of this host (%s)", host,
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
    endpoint_t asked = endpoint_of(destination->peer);
    endpoint_t not_asked = endpoint_of(other);

    return apr_psprintf(pool, "%s did not answer, and %s is %s, too, which was not asked; %s",
                        address_text(&asked, pool), settings->address.host,
                        address_text(&not_asked, pool),
                        other->family == destination->peer->family ? "name the address to ask it"
                        : other->family == APR_INET6               ? "-6 picks it"
                                                                   : "-4 picks it");
}

const char *destination_find(destination_t *destination, const client_settings_t *settings,
                             apr_pool_t *pool)
{
    *destination = (destination_t){0};
    const char *error = find_peer(destination, settings, pool);

    if (error != NULL) {
        return error;
    }
    endpoint_t peer = endpoint_of(destination->peer);

    destination->is_broadcast = endpoint_is_multicast(&peer) || is_network_broadcast(&peer, pool);
    if (destination->is_broadcast && !settings->broadcast) {
        return apr_psprintf(pool, "%s: expected --broadcast with an address of several hosts",
                            settings->host);
    }
    if (peer.sa.any.sa_family == AF_INET && settings->size > PAYLOAD_MAX_IPV4) {
        return apr_psprintf(pool, "--size=%" APR_INT64_T_FMT ": expected at most %d over IPv4",
                            settings->size, PAYLOAD_MAX_IPV4);
    }
    return find_source(destination, settings, pool);
}
