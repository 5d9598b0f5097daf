#include "common/address.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <errno.h>
#include <string.h>

#include "common/address_key.h"
#include "common/ip_address.h"
#include "common/units.h"

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

/* RFC 4291 section 2.5.6. */
static int is_link_local(const endpoint_t *endpoint)
{
    return IN6_IS_ADDR_LINKLOCAL(&endpoint->sa.v6.sin6_addr);
}

/* Groups of one link or of one interface, RFC 4291 section 2.7: ff, flags, 2 or 1. */
static int is_group_of_link(const endpoint_t *endpoint)
{
    const unsigned char *bytes = endpoint->sa.v6.sin6_addr.s6_addr;
    int reach = bytes[1] & 0xf;

    return bytes[0] == 0xff && (reach == 1 || reach == 2);
}

/* Cuts `host`, which may have an interface behind it, in two. */
static const char *split_interface(const char **host, const char **device, apr_pool_t *pool)
{
    const char *percent = strchr(*host, '%');

    if (percent == NULL) {
        return NULL;
    }
    *device = percent + 1;
    *host = apr_pstrmemdup(pool, *host, (apr_size_t)(percent - *host));
    if (**device == '\0') {
        return "the interface is missing after %; write 192.0.2.1%eth0:PORT or "
               "[fe80::1%eth0]:PORT";
    }
    return NULL;
}

/* The kernel would cut a longer name short without a word. */
static const char *check_interface(const address_t *address)
{
    return address->device != NULL && strlen(address->device) >= INTERFACE_NAME_MAX
               ? "the name of an interface has at most 15 characters"
               : NULL;
}

static const char *parse_bracketed(address_t *address, const char *text, apr_pool_t *pool)
{
    const char *end = strchr(text, ']');
    endpoint_t endpoint;

    if (end == NULL) {
        return "the bracket is not closed; write [ADDRESS]:PORT";
    }
    address->host = apr_pstrmemdup(pool, text + 1, (apr_size_t)(end - text - 1));
    const char *error = split_interface(&address->host, &address->device, pool);

    if (error != NULL) {
        return error;
    }
    if (strchr(address->host, ':') == NULL) {
        return "brackets are for IPv6 addresses only";
    }
    if (!ip_address_parse(&endpoint, address->host)) {
        return "brackets hold an IPv6 address such as 2001:db8::1";
    }
    if (is_link_local(&endpoint) && address->device == NULL) {
        return "a link-local address needs its interface; write [fe80::1%eth0]:PORT";
    }
    if (is_link_local(&endpoint) || is_group_of_link(&endpoint)) {
        address->scope = address->device;
        address->device = NULL;
    }
    if (end[1] != '\0') {
        error = end[1] == ':' ? parse_port(&address->port, end + 2)
                              : "only :PORT may follow the bracket";
    }
    return error != NULL ? error : check_interface(address);
}

const char *address_parse(address_t *address, const char *text, apr_port_t default_port,
                          apr_pool_t *pool)
{
    const char *colon = strchr(text, ':');
    endpoint_t endpoint;

    memset(address, 0, sizeof *address);
    address->port = default_port;
    if (*text == '[') {
        return parse_bracketed(address, text, pool);
    }
    if (colon != NULL && strchr(colon + 1, ':') != NULL) {
        return "an IPv6 address stands in brackets; write [ADDRESS]:PORT";
    }
    address->host = colon != NULL ? apr_pstrmemdup(pool, text, (apr_size_t)(colon - text)) : text;
    const char *error = split_interface(&address->host, &address->device, pool);

    if (error != NULL) {
        return error;
    }
    if (*address->host == '\0') {
        return "the address is missing";
    }
    if (strspn(address->host, "0123456789") == strlen(address->host)) {
        return "a number alone is not an address";
    }
    /* No host name ends in a number (RFC 1123 section 2.1), so nobody needs to be asked. */
    if (strspn(address->host, "0123456789.") == strlen(address->host) &&
        !ip_address_parse(&endpoint, address->host)) {
        return "an IPv4 address is four numbers without leading zeros, such as 192.0.2.1";
    }
    if (strcmp(address->host, "*") == 0) {
        address->host = NULL;
    }
    error = colon != NULL ? parse_port(&address->port, colon + 1) : NULL;
    return error != NULL ? error : check_interface(address);
}

/* What is wrong with an address without brackets. */
static const char *check_bare_ipv6(const char *text, apr_pool_t *pool)
{
    endpoint_t endpoint;

    if (!ip_address_parse(&endpoint, apr_pstrmemdup(pool, text, strcspn(text, "%")))) {
        return "neither HOST:PORT nor an IPv6 address such as 2001:db8::1";
    }
    address_key_t key = address_key_of(&endpoint);

    /* ::1:8888 is such an address, which no host has any more (RFC 4291 section 2.5.5.1). Not
     * IN6_IS_ADDR_V4COMPAT(), which in musl leaves out those that end in 0 or 1. */
    return key.high == 0 && key.low > 1 && key.low <= 0xffffffff
               ? "no host has this address; if it ends in a port, write [ADDRESS]:PORT"
               : NULL;
}

const char *address_parse_host(address_t *address, const char *text, apr_port_t default_port,
                               apr_pool_t *pool)
{
    const char *colon = strchr(text, ':');

    if (*text == '\0' || (colon == text && strchr(colon + 1, ':') == NULL)) {
        return "the host is missing";
    }
    if (*text != '[' && colon != NULL && strchr(colon + 1, ':') != NULL) {
        const char *error = check_bare_ipv6(text, pool);

        if (error != NULL) {
            return error;
        }
        text = apr_pstrcat(pool, "[", text, "]", NULL);
    }
    return address_parse(address, text, default_port, pool);
}

/* "*", or an address in figures; NULL if there is no memory. */
static apr_sockaddr_t *numeric(const char *text, apr_port_t port, apr_pool_t *pool)
{
    endpoint_t endpoint;

    ip_address_parse(&endpoint, text);
    endpoint.sa.v4.sin_port = htons(port); /* the same place in both families */
    return ip_address_to_apr(&endpoint, pool);
}

/* APR gives no zone to groups, so it is asked for that of an address that has one on each link. It
 * takes a number only where systems say ENODEV of a name that is no interface's, which not all do,
 * and only up to 32767. */
static apr_status_t set_zone(apr_sockaddr_t *address, const char *zone, apr_pool_t *pool)
{
    apr_sockaddr_t *neighbour = numeric("fe80::", 0, pool);
    apr_int64_t number;

    if (neighbour == NULL) {
        return APR_ENOMEM;
    }
    errno = ENODEV; /* APR returns errno, which some systems leave as it is */
    apr_status_t status = apr_sockaddr_zone_set(neighbour, zone);

    if (status == APR_SUCCESS) {
        number = neighbour->sa.sin6.sin6_scope_id;
    } else if (parse_number(zone, &number) != APR_SUCCESS || number == 0 ||
               number > APR_UINT32_MAX) {
        return status;
    }
    address->sa.sin6.sin6_scope_id = (apr_uint32_t)number;
    return APR_SUCCESS;
}

static apr_status_t resolve_both(apr_sockaddr_t **list, const char *ipv4, const char *ipv6,
                                 apr_port_t port, apr_pool_t *pool)
{
    *list = numeric(ipv4, port, pool);
    if (*list != NULL) {
        (*list)->next = numeric(ipv6, port, pool);
    }
    return *list != NULL && (*list)->next != NULL ? APR_SUCCESS : APR_ENOMEM;
}

static apr_status_t resolve_numeric(apr_sockaddr_t **list, const address_t *address,
                                    apr_pool_t *pool)
{
    *list = numeric(address->host, address->port, pool);
    if (*list == NULL) {
        return APR_ENOMEM;
    }
    return address->scope != NULL ? set_zone(*list, address->scope, pool) : APR_SUCCESS;
}

int address_is_name(const address_t *address)
{
    endpoint_t endpoint;

    return address->host != NULL && !ip_address_parse(&endpoint, address->host);
}

apr_status_t address_resolve(apr_sockaddr_t **list, const address_t *address, apr_pool_t *pool)
{
    if (address->host == NULL) {
        return resolve_both(list, "0.0.0.0", "::", address->port, pool);
    }
    apr_status_t status =
        address_is_name(address)
            ? apr_sockaddr_info_get(list, address->host, APR_UNSPEC, address->port, 0, pool)
            : resolve_numeric(list, address, pool);

    /* A socket for IPv6 alone, as all are here, has no route to it: ipv6(7), IPV6_V6ONLY. */
    for (apr_sockaddr_t *each = status == APR_SUCCESS ? *list : NULL; each != NULL;
         each = each->next) {
        ip_address_unmap(each);
    }
    return status;
}

static int is_localhost(const address_t *address)
{
    return address->host != NULL && apr_cstr_casecmp(address->host, "localhost") == 0;
}

apr_status_t address_resolve_own(apr_sockaddr_t **list, const address_t *address, apr_pool_t *pool)
{
    return is_localhost(address) ? resolve_both(list, "127.0.0.1", "::1", address->port, pool)
                                 : address_resolve(list, address, pool);
}

int address_is_foreign_name(const address_t *address)
{
    return address_is_name(address) && !is_localhost(address);
}

int address_is_loopback(const address_t *address, apr_pool_t *pool)
{
    apr_sockaddr_t *found;

    /* The loopback has no zone, so the system need not be asked for this one. */
    if (address->scope != NULL || address_resolve_own(&found, address, pool) != APR_SUCCESS) {
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
