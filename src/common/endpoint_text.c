#include "common/endpoint_text.h"

#include <apr_strings.h>
#if APR_HAVE_ARPA_INET_H
#include <arpa/inet.h>
#endif

#include "udpecho/machine.h"

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
