/* What Windows has of the features. It has never had several sockets on a port with the flows
 * spread over them, nor sends of several datagrams by one call; replies are fragmented unless
 * somebody asks otherwise, and nobody is told of datagrams that found a buffer full. */

#include "iocp.h"

#include <apr_network_io.h>

static const char *const names[FEATURES] = {
    [FEATURE_POLL_METHOD] = "I/O completion port",
    [FEATURE_ARRIVAL_IPV4] = "IP_PKTINFO",
    [FEATURE_ARRIVAL_IPV6] = "IPV6_PKTINFO",
    [FEATURE_BATCHED_RECEIVE] = "GetQueuedCompletionStatusEx",
    [FEATURE_IPV6] = "AF_INET6",
    [FEATURE_IPV6_ONLY] = "IPV6_V6ONLY",
};

static apr_status_t ask_option(SOCKET socket, int level, int option)
{
    DWORD on = 1;

    if (socket == INVALID_SOCKET) {
        return APR_EAFNOSUPPORT;
    }
    return setsockopt(socket, level, option, (const char *)&on, sizeof on) == 0
               ? APR_SUCCESS
               : apr_get_netos_error();
}

static apr_status_t ask(feature_t feature, SOCKET ipv4, SOCKET ipv6)
{
    switch (feature) {
    case FEATURE_ARRIVAL_IPV4:
        return ask_option(ipv4, IPPROTO_IP, IP_PKTINFO);
    case FEATURE_ARRIVAL_IPV6:
        return ask_option(ipv6, IPPROTO_IPV6, IPV6_PKTINFO);
    case FEATURE_IPV6_ONLY:
        return ask_option(ipv6, IPPROTO_IPV6, IPV6_V6ONLY);
    case FEATURE_IPV6:
        return ipv6 != INVALID_SOCKET ? APR_SUCCESS : APR_EAFNOSUPPORT;
    default:
        return APR_SUCCESS; /* calls that this program could not be loaded without */
    }
}

void platform_probe(platform_t *platform, apr_pool_t *pool)
{
    SOCKET ipv4 = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    SOCKET ipv6 = socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP);

    (void)pool;
    for (feature_t feature = 0; feature < FEATURES; feature++) {
        platform->features[feature].by = names[feature];
        platform->features[feature].status =
            names[feature] != NULL ? ask(feature, ipv4, ipv6) : APR_ENOTIMPL;
    }
    closesocket(ipv4);
    closesocket(ipv6);
}
