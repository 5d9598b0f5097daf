#include "server/listen/wildcard.h"

#include "common/ip_address.h"
#include "udpecho/machine.h"

static apr_sockaddr_t *with_port(endpoint_t endpoint, apr_port_t port, apr_pool_t *pool)
{
    endpoint.sa.v4.sin_port = htons(port); /* the same place in both families */
    return ip_address_to_apr(&endpoint, pool);
}

/* This host's addresses of the wildcard's family, linked. */
static apr_sockaddr_t *all_addresses(const apr_sockaddr_t *wildcard, apr_pool_t *pool)
{
    apr_sockaddr_t *list = NULL;
    apr_array_header_t *addresses;

    if (host_addresses(&addresses, pool) != APR_SUCCESS) {
        return NULL;
    }
    for (int i = 0; i < addresses->nelts; i++) {
        const endpoint_t *endpoint = &APR_ARRAY_IDX(addresses, i, host_address_t).address;
        apr_sockaddr_t *address = endpoint->sa.any.sa_family == wildcard->family
                                      ? with_port(*endpoint, wildcard->port, pool)
                                      : NULL;

        if (address != NULL) {
            address->next = list;
            list = address;
        }
    }
    return list;
}

static int must_replace(const apr_sockaddr_t *address, const platform_t *platform)
{
    endpoint_t endpoint = endpoint_of(address);
    int has_family = address->family != AF_INET6 || platform_has(platform, FEATURE_IPV6);

    return endpoint_is_wildcard(&endpoint) && has_family &&
           !platform_has_wildcard(platform, address->family);
}

int wildcard_replace(apr_sockaddr_t **list, const platform_t *platform, apr_pool_t *pool)
{
    int replaced = 0;

    while (*list != NULL) {
        apr_sockaddr_t *rest = (*list)->next;
        apr_sockaddr_t *instead = must_replace(*list, platform) ? all_addresses(*list, pool) : NULL;

        if (instead != NULL) {
            *list = instead;
            replaced = 1;
        }
        while (*list != NULL && *list != rest) {
            list = &(*list)->next;
        }
        *list = rest;
    }
    return replaced;
}
