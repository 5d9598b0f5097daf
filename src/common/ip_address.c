#include "common/ip_address.h"

#include <string.h>
#if APR_HAVE_ARPA_INET_H
#include <arpa/inet.h>
#endif

/* Not every inet_pton(3) refuses leading zeros, which other functions take for octal. So IPv4 must
 * be written as it is read. */
static int parse_ipv4(struct in_addr *address, const char *text)
{
    char again[sizeof "255.255.255.255"];

    return inet_pton(AF_INET, text, address) == 1 &&
           inet_ntop(AF_INET, address, again, sizeof again) != NULL && strcmp(again, text) == 0;
}

int ip_address_parse(endpoint_t *endpoint, const char *text)
{
    memset(endpoint, 0, sizeof *endpoint);
    if (strchr(text, ':') != NULL) {
        endpoint->sa.v6.sin6_family = AF_INET6;
        endpoint->length = sizeof endpoint->sa.v6;
        return inet_pton(AF_INET6, text, &endpoint->sa.v6.sin6_addr) == 1;
    }
    endpoint->sa.v4.sin_family = AF_INET;
    endpoint->length = sizeof endpoint->sa.v4;
    return parse_ipv4(&endpoint->sa.v4.sin_addr, text);
}

static void set_address(apr_sockaddr_t *address, const endpoint_t *endpoint)
{
    int is_ipv6 = endpoint->sa.any.sa_family == AF_INET6;

    address->family = endpoint->sa.any.sa_family;
    address->port = endpoint_port(endpoint);
    memcpy(&address->sa, &endpoint->sa, sizeof endpoint->sa);
    address->salen = endpoint->length;
    address->ipaddr_ptr =
        is_ipv6 ? (void *)&address->sa.sin6.sin6_addr : (void *)&address->sa.sin.sin_addr;
    address->ipaddr_len =
        is_ipv6 ? sizeof address->sa.sin6.sin6_addr : sizeof address->sa.sin.sin_addr;
    address->addr_str_len =
        is_ipv6 ? sizeof "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255" : sizeof "255.255.255.255";
}

apr_sockaddr_t *ip_address_to_apr(const endpoint_t *endpoint, apr_pool_t *pool)
{
    apr_sockaddr_t *address = apr_pcalloc(pool, sizeof *address);

    if (address != NULL) {
        address->pool = pool;
        set_address(address, endpoint);
    }
    return address;
}

void ip_address_unmap(apr_sockaddr_t *address)
{
    endpoint_t endpoint = {.length = sizeof endpoint.sa.v4};

    if (address->family != APR_INET6 || !IN6_IS_ADDR_V4MAPPED(&address->sa.sin6.sin6_addr)) {
        return;
    }
    endpoint.sa.v4.sin_family = AF_INET;
    endpoint.sa.v4.sin_port = address->sa.sin6.sin6_port;
    memcpy(&endpoint.sa.v4.sin_addr, address->sa.sin6.sin6_addr.s6_addr + 12,
           sizeof endpoint.sa.v4.sin_addr);
    set_address(address, &endpoint);
}
