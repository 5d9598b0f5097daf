#include "udpecho/datagram.h"

#include <apr_strings.h>
#include <string.h>

#include "address_key.h"

endpoint_t endpoint_of(const apr_sockaddr_t *address)
{
    endpoint_t endpoint = {.length = address->salen};

    memcpy(&endpoint.sa, &address->sa, sizeof endpoint.sa);
    return endpoint;
}

apr_port_t endpoint_port(const endpoint_t *endpoint)
{
    return endpoint->sa.any.sa_family == APR_INET6 ? ntohs(endpoint->sa.v6.sin6_port)
                                                   : ntohs(endpoint->sa.v4.sin_port);
}

int endpoint_equal(const endpoint_t *one, const endpoint_t *other)
{
    if (one->sa.any.sa_family != other->sa.any.sa_family) {
        return 0;
    }
    if (one->sa.any.sa_family == APR_INET6) {
        return one->sa.v6.sin6_port == other->sa.v6.sin6_port &&
               one->sa.v6.sin6_scope_id == other->sa.v6.sin6_scope_id &&
               memcmp(&one->sa.v6.sin6_addr, &other->sa.v6.sin6_addr,
                      sizeof one->sa.v6.sin6_addr) == 0;
    }
    return one->sa.v4.sin_port == other->sa.v4.sin_port &&
           one->sa.v4.sin_addr.s_addr == other->sa.v4.sin_addr.s_addr;
}

int endpoint_is_wildcard(const endpoint_t *endpoint)
{
    if (endpoint->sa.any.sa_family == APR_INET6) {
        return IN6_IS_ADDR_UNSPECIFIED(&endpoint->sa.v6.sin6_addr);
    }
    return endpoint->sa.v4.sin_addr.s_addr == htonl(INADDR_ANY);
}

int endpoint_is_multicast(const endpoint_t *endpoint)
{
    if (endpoint->sa.any.sa_family == APR_INET6) {
        return endpoint->sa.v6.sin6_addr.s6_addr[0] == 0xff;
    }
    apr_uint32_t address = ntohl(endpoint->sa.v4.sin_addr.s_addr);

    return (address >> 28) == 0xe || address == 0xffffffff;
}

int endpoint_is_host(const endpoint_t *endpoint)
{
    address_key_t key = address_key_of(endpoint);

    if (address_key_is_ipv4(key)) {
        unsigned first = (unsigned)key.low >> 24;

        return first != 0 && first >> 4 != 0xe && first != 0xff;
    }
    return key.high >> 56 != 0xff && (key.high != 0 || key.low != 0);
}

void endpoint_format(char *text, const endpoint_t *endpoint)
{
    /* apr_sockaddr_ip_getbuf() reads no more of an apr_sockaddr_t than is filled in here. */
    apr_sockaddr_t address;
    char host[ENDPOINT_TEXT_MAX - sizeof "[]:65535"];
    int is_ipv6 = endpoint->sa.any.sa_family == APR_INET6;

    memset(&address, 0, sizeof address);
    address.family = endpoint->sa.any.sa_family;
    if (is_ipv6) {
        address.sa.sin6 = endpoint->sa.v6;
        address.ipaddr_ptr = &address.sa.sin6.sin6_addr;
    } else if (address.family == APR_INET) {
        address.sa.sin = endpoint->sa.v4;
        address.ipaddr_ptr = &address.sa.sin.sin_addr;
    }
    if (address.ipaddr_ptr == NULL ||
        apr_sockaddr_ip_getbuf(host, sizeof host, &address) != APR_SUCCESS) {
        apr_cpystrn(text, "unknown", ENDPOINT_TEXT_MAX);
        return;
    }
    apr_snprintf(text, ENDPOINT_TEXT_MAX, is_ipv6 ? "[%s]:%u" : "%s:%u", host,
                 (unsigned)endpoint_port(endpoint));
}
