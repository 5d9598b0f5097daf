#include "address.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <errno.h>
#include <string.h>

#include "units.h"

/* apr_parse_addr_port() is not used: it cannot tell port 0 from no port, reads a bare number as a
 * port, and takes ::1 for port 1 of ":". */

static const char *parse_port(apr_port_t *port, const char *text)
{
    apr_int64_t number;

    if (parse_number(text, &number) != APR_SUCCESS || number > 65535) {
        return "the port must be a number from 0 to 65535";
    }
    *port = (apr_port_t)number;
    return NULL;
}

/* fe80::/10, RFC 4291 section 2.5.6; fe8:: is 0fe8::. */
static int is_link_local(const char *host)
{
    return strcspn(host, ":") == 4 && apr_tolower(host[0]) == 'f' && apr_tolower(host[1]) == 'e' &&
           strchr("89abAB", host[2]) != NULL;
}

/* Groups of one link or of one interface, RFC 4291 section 2.7: ff, flags, 2 or 1. */
static int is_group_of_link(const char *host)
{
    return strcspn(host, ":") == 4 && apr_tolower(host[0]) == 'f' && apr_tolower(host[1]) == 'f' &&
           apr_isxdigit(host[2]) && strchr("12", host[3]) != NULL;
}

static const char *parse_bracketed(address_t *address, const char *text, apr_pool_t *pool)
{
    const char *end = strchr(text, ']');
    const char *percent = strchr(text, '%');

    if (end == NULL) {
        return "the bracket is not closed; write [ADDRESS]:PORT";
    }
    if (percent != NULL && percent < end) {
        address->scope = apr_pstrmemdup(pool, percent + 1, (apr_size_t)(end - percent - 1));
        if (*address->scope == '\0') {
            return "the interface is missing after %; write [fe80::1%eth0]:PORT";
        }
    } else {
        percent = end;
    }
    address->host = apr_pstrmemdup(pool, text + 1, (apr_size_t)(percent - text - 1));
    if (strchr(address->host, ':') == NULL) {
        return "brackets are for IPv6 addresses only";
    }
    if (is_link_local(address->host) && address->scope == NULL) {
        return "a link-local address needs its interface; write [fe80::1%eth0]:PORT";
    }
    if (address->scope != NULL && !is_link_local(address->host) &&
        !is_group_of_link(address->host)) {
        return "only a link-local address has an interface, as in [fe80::1%eth0]:PORT";
    }
    if (end[1] == '\0') {
        return NULL;
    }
    return end[1] == ':' ? parse_port(&address->port, end + 2)
                         : "only :PORT may follow the bracket";
}

const char *address_parse(address_t *address, const char *text, apr_port_t default_port,
                          apr_pool_t *pool)
{
    const char *colon = strchr(text, ':');

    memset(address, 0, sizeof *address);
    address->port = default_port;
    if (*text == '[') {
        return parse_bracketed(address, text, pool);
    }
    if (colon != NULL && strchr(colon + 1, ':') != NULL) {
        return "an IPv6 address goes in brackets; write [ADDRESS]:PORT";
    }
    if (colon == text || *text == '\0') {
        return "the address is missing; write *:PORT for every address";
    }
    address->host = colon != NULL ? apr_pstrmemdup(pool, text, (apr_size_t)(colon - text)) : text;
    if (strspn(address->host, "0123456789") == strlen(address->host)) {
        return "a number alone is no address; write *:PORT or 127.0.0.1:PORT";
    }
    if (strcmp(address->host, "*") == 0) {
        address->host = NULL;
    }
    return colon != NULL ? parse_port(&address->port, colon + 1) : NULL;
}

const char *address_parse_host(address_t *address, const char *text, apr_port_t default_port,
                               apr_pool_t *pool)
{
    const char *colon = strchr(text, ':');

    if (*text != '[' && colon != NULL && strchr(colon + 1, ':') != NULL) {
        text = apr_pstrcat(pool, "[", text, "]", NULL);
    }
    return address_parse(address, text, default_port, pool);
}

static apr_status_t resolve_wildcards(apr_sockaddr_t **list, apr_port_t port, apr_pool_t *pool)
{
    apr_status_t status = apr_sockaddr_info_get(list, "0.0.0.0", APR_INET, port, 0, pool);

    if (status == APR_SUCCESS) {
        status = apr_sockaddr_info_get(&(*list)->next, "::", APR_INET6, port, 0, pool);
    }
    return status;
}

/* APR gives no zone to groups, so it is asked for that of an address that has one on each link. */
static apr_status_t set_zone(apr_sockaddr_t *address, const char *zone, apr_pool_t *pool)
{
    apr_sockaddr_t *neighbour;
    apr_status_t status = apr_sockaddr_info_get(&neighbour, "fe80::", APR_INET6, 0, 0, pool);

    if (status == APR_SUCCESS) {
        /* When the name is that of no interface, APR tries it as a number if errno is ENODEV, and
         * returns errno if not; there are systems where looking up the name does not set it. */
        errno = ENODEV;
        status = apr_sockaddr_zone_set(neighbour, zone);
    }
    if (status == APR_SUCCESS) {
        address->sa.sin6.sin6_scope_id = neighbour->sa.sin6.sin6_scope_id;
    }
    return status;
}

apr_status_t address_resolve(apr_sockaddr_t **list, const address_t *address, apr_pool_t *pool)
{
    if (address->host == NULL) {
        return resolve_wildcards(list, address->port, pool);
    }
    /* With the family open, the resolver leaves out what this host has no route for, and so would
     * refuse ::1 on a host without other IPv6 addresses. It also opens a socket to find that out,
     * which a reload in the sandbox may not. */
    int family = strchr(address->host, ':') != NULL                              ? APR_INET6
                 : strspn(address->host, "0123456789.") == strlen(address->host) ? APR_INET
                                                                                 : APR_UNSPEC;
    apr_status_t status =
        apr_sockaddr_info_get(list, address->host, family, address->port, 0, pool);

    if (status == APR_SUCCESS && address->scope != NULL) {
        status = set_zone(*list, address->scope, pool);
    }
    return status;
}

int address_is_loopback(const address_t *address, apr_pool_t *pool)
{
    apr_sockaddr_t *found;

    if (address_resolve(&found, address, pool) != APR_SUCCESS) {
        return 0;
    }
    for (; found != NULL; found = found->next) {
        if (found->family == APR_INET ? ntohl(found->sa.sin.sin_addr.s_addr) >> 24 != 127
                                      : !IN6_IS_ADDR_LOOPBACK(&found->sa.sin6.sin6_addr)) {
            return 0;
        }
    }
    return 1;
}
