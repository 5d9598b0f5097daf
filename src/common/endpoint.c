#include "udpecho/datagram.h"

#include <apr_strings.h>
#include <string.h>
#if APR_HAVE_ARPA_INET_H
#include <arpa/inet.h>
#endif

#include "common/address_key.h"
#include "udpecho/machine.h"

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

/* The interface of a link-local address, "%eth0"; empty for any other. */
static void format_zone(char *zone, apr_size_t size, const endpoint_t *endpoint)
{
    unsigned scope = endpoint->sa.any.sa_family == APR_INET6 ? endpoint->sa.v6.sin6_scope_id : 0;

    *zone = '\0';
    if (scope != 0) {
        *zone = '%';
        if (!host_interface_name(zone + 1, size - 1, scope)) {
            apr_snprintf(zone, size, "%%%u", scope);
        }
    }
}

static void format(char *text, const endpoint_t *endpoint, const char *zone)
{
    int family = endpoint->sa.any.sa_family;
    const void *address = family == APR_INET6 ? (const void *)&endpoint->sa.v6.sin6_addr
                                              : (const void *)&endpoint->sa.v4.sin_addr;
    char host[sizeof "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"];

    /* Not apr_sockaddr_ip_getbuf(), which asks the kernel for the zone of a link-local address: in
     * a sandbox that is refused. */
    if (inet_ntop(family, address, host, sizeof host) == NULL) {
        apr_cpystrn(text, "unknown", ENDPOINT_TEXT_MAX);
        return;
    }
    apr_snprintf(text, ENDPOINT_TEXT_MAX, family == APR_INET6 ? "[%s%s]:%u" : "%s%s:%u", host, zone,
                 (unsigned)endpoint_port(endpoint));
}

void endpoint_format(char *text, const endpoint_t *endpoint)
{
    char zone[sizeof "%interface_of_15"];

    format_zone(zone, sizeof zone, endpoint);
    format(text, endpoint, zone);
}

void endpoint_format_on(char *text, const endpoint_t *endpoint, const char *device)
{
    char zone[1 + INTERFACE_NAME_MAX];

    if (*device == '\0') {
        endpoint_format(text, endpoint);
        return;
    }
    apr_snprintf(zone, sizeof zone, "%%%s", device);
    format(text, endpoint, zone);
}
