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

apr_sockaddr_t *ip_address_to_apr(const endpoint_t *endpoint, apr_pool_t *pool)
{
    apr_sockaddr_t *address = apr_pcalloc(pool, sizeof *address);
    int is_ipv6 = endpoint->sa.any.sa_family == AF_INET6;

    if (address == NULL) {
        return NULL;
    }
    address->pool = pool;
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
    return address;
}
