/* The socket of a flow on Windows: every option that was asked for, or an error that says which one
 * failed. */

#include <winsock2.h>
#include <ws2tcpip.h>

#include "iocp/iocp.h"
#include "readiness/flow.h"

apr_pollset_method_e flow_poll_method(const platform_t *platform)
{
    (void)platform; /* its own way, completion ports, is no method of APR's pollsets */
    return APR_POLLSET_POLL;
}

static apr_status_t set_option(SOCKET socket, int level, int option, int value)
{
    DWORD wide = (DWORD)value;

    if (setsockopt(socket, level, option, (const char *)&wide, sizeof wide) == 0) {
        return APR_SUCCESS;
    }
    return WSAGetLastError() == WSAENOPROTOOPT ? APR_ENOTIMPL : apr_get_netos_error();
}

/* One for single hosts, one for groups, whose default of 1 ends at the next router. */
static apr_status_t set_hop_limit(SOCKET socket, int family, int hop_limit)
{
    int is_ipv6 = family == AF_INET6;
    int level = is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
    apr_status_t status =
        set_option(socket, level, is_ipv6 ? IPV6_UNICAST_HOPS : IP_TTL, hop_limit);

    return status == APR_SUCCESS
               ? set_option(socket, level, is_ipv6 ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL,
                            hop_limit)
               : status;
}

/* With IP_DONTFRAGMENT, Windows refuses what is larger than the path's MTU as it remembers it from
 * earlier refusals; with IP_PMTUDISC_PROBE only what is larger than that of its own interface. What
 * does not know that option has the other. */
apr_status_t flow_socket_keep_whole(apr_os_sock_t socket, int family, int dont_fragment)
{
    int is_ipv6 = family == AF_INET6;
    int level = is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
    apr_status_t status = set_option(socket, level, is_ipv6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER,
                                     dont_fragment ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT);

    return status == APR_SUCCESS
               ? status
               : set_option(socket, level, is_ipv6 ? IPV6_DONTFRAG : IP_DONTFRAGMENT,
                            dont_fragment);
}

apr_status_t flow_socket_bind(apr_socket_t *socket, apr_sockaddr_t *address)
{
    return apr_socket_bind(socket, address);
}

int flow_port_is_excluded(apr_status_t status, apr_port_t port, apr_pool_t *pool)
{
    return port != 0 && bind_failure_of(status, port, pool) == LISTENER_EXCLUDED;
}

apr_size_t flow_socket_payload_max(apr_os_sock_t socket)
{
    (void)socket;
    return PAYLOAD_MAX_IPV6;
}

static apr_status_t set_options(SOCKET socket, int family, const flows_options_t *options,
                                const char **step)
{
    apr_status_t status;

    if (options->buffer > 0) {
        set_option(socket, SOL_SOCKET, SO_RCVBUF, options->buffer);
        set_option(socket, SOL_SOCKET, SO_SNDBUF, options->buffer);
    }
    if (options->device != NULL) {
        *step = "bind to the interface";
        return APR_ENOTIMPL;
    }
    /* Keeps even those off the port that ask to take it over (Using SO_REUSEADDR and
     * SO_EXCLUSIVEADDRUSE). */
    *step = "set SO_EXCLUSIVEADDRUSE";
    status = set_option(socket, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, 1);
    if (status == APR_SUCCESS && family == AF_INET6) {
        *step = "set IPV6_V6ONLY";
        status = set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    }
    if (status == APR_SUCCESS && options->hop_limit > 0) {
        *step = "set the hop limit";
        status = set_hop_limit(socket, family, options->hop_limit);
    }
    if (status == APR_SUCCESS && options->dont_fragment) {
        *step = "forbid fragments";
        status = flow_socket_keep_whole(socket, family, 1);
    }
    if (status == APR_SUCCESS && options->broadcast) {
        *step = "allow broadcasts";
        status = set_option(socket, SOL_SOCKET, SO_BROADCAST, 1);
    }
    return status;
}

apr_status_t flow_socket_create(apr_socket_t **created, int family, const flows_options_t *options,
                                int *tells_fragments, const char **step, apr_pool_t *pool)
{
    SOCKET socket;
    apr_status_t status;

    *step = "open a socket";
    status = apr_socket_create(created, family, SOCK_DGRAM, APR_PROTO_UDP, pool);
    if (status == APR_SUCCESS) {
        *step = "make the socket non-blocking";
        status = apr_socket_opt_set(*created, APR_SO_NONBLOCK, 1);
    }
    if (status == APR_SUCCESS) {
        apr_os_sock_get(&socket, *created);
        status = set_options(socket, family, options, step);
    }
    if (status == APR_SUCCESS) {
        *tells_fragments = 0;
        /* Nobody asked for it, so a system may lack it. */
        family == AF_INET6 ? set_option(socket, IPPROTO_IPV6, IPV6_HOPLIMIT, 1)
                           : set_option(socket, IPPROTO_IP, IP_HOPLIMIT, 1);
    }
    return status;
}
