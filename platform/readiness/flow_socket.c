/* The socket of a flow: every option that was asked for, or an error that says which one failed. */

#include "readiness/flow.h"

#include <errno.h>
#include <netinet/in.h>

#include "readiness/details.h"
#include "readiness/flow_system.h"
#include "readiness/socket.h"
#include "readiness/socket_options.h"
#include "readiness/system.h"

apr_pollset_method_e flow_poll_method(const platform_t *platform)
{
    return platform_has(platform, FEATURE_POLL_METHOD) ? system_poll_method : APR_POLLSET_POLL;
}

/* An option of this kind that a system does not know is answered with one of these. */
static apr_status_t status_of(int result)
{
    if (result == 0) {
        return APR_SUCCESS;
    }
    return errno == ENOPROTOOPT || errno == EOPNOTSUPP ? APR_ENOTIMPL : errno;
}

/* DSCP is the upper six bits of the octet; the others are for congestion (RFC 3168 section 5). */
static apr_status_t set_dscp(int descriptor, int family, int dscp)
{
    return status_of(set_traffic_class(descriptor, family, dscp << 2));
}

/* For multicast it is another option, whose default of 1 ends at the next router. In IPv4 that one
 * is a byte: the only size that all systems take. */
static apr_status_t set_hop_limit(int descriptor, int family, int hop_limit)
{
    unsigned char byte = (unsigned char)hop_limit;

    if (family == AF_INET6) {
        return status_of(
            set_option(descriptor, IPPROTO_IPV6, IPV6_UNICAST_HOPS, hop_limit) != 0
                ? -1
                : set_option(descriptor, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hop_limit));
    }
    return status_of(
        set_option(descriptor, IPPROTO_IP, IP_TTL, hop_limit) != 0
            ? -1
            : setsockopt(descriptor, IPPROTO_IP, IP_MULTICAST_TTL, &byte, sizeof byte));
}

/* A system that cannot keep datagrams whole, as old kernels and emulators cannot, fragments them
 * unasked. */
apr_status_t flow_socket_keep_whole(apr_os_sock_t socket, int family, int dont_fragment)
{
    apr_status_t status =
        system_set_fragmenting(socket, family, dont_fragment) == 0 ? APR_SUCCESS : errno;

    return status != ENOPROTOOPT ? status : dont_fragment ? APR_ENOTIMPL : APR_SUCCESS;
}

static apr_status_t set_options(int descriptor, int family, const flows_options_t *options,
                                const char **step)
{
    apr_status_t status = APR_SUCCESS;

    if (options->buffer > 0) {
        system_ask_buffer(descriptor, SO_RCVBUF, options->buffer);
        system_ask_buffer(descriptor, SO_SNDBUF, options->buffer);
    }
    if (options->device != NULL) {
        *step = "bind to the interface";
        status = status_of(system_bind_interface(descriptor, family, options->device));
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    *step = "set IPV6_V6ONLY";
    if (family == AF_INET6 && platform_has(options->platform, FEATURE_IPV6_ONLY)) {
        status = status_of(set_ipv6_only(descriptor));
    }
    if (status == APR_SUCCESS && options->dscp >= 0) {
        *step = "set the DSCP";
        status = set_dscp(descriptor, family, options->dscp);
    }
    if (status == APR_SUCCESS && options->hop_limit > 0) {
        *step = "set the hop limit";
        status = set_hop_limit(descriptor, family, options->hop_limit);
    }
    if (status == APR_SUCCESS) {
        *step = options->dont_fragment ? "forbid fragments" : "allow fragments";
        status = flow_socket_keep_whole(descriptor, family, options->dont_fragment);
    }
    if (status == APR_SUCCESS && options->broadcast) {
        *step = "allow broadcasts";
        status = status_of(set_option(descriptor, SOL_SOCKET, SO_BROADCAST, 1));
    }
    if (status == APR_SUCCESS && options->gathers &&
        platform_has(options->platform, FEATURE_COALESCED_RECEIVE)) {
        *step = "receive several datagrams as one message";
        status = status_of(system_coalesce(descriptor, 1));
    }
    return status;
}

/* What is told besides the bytes of replies. Nobody asked for it, so a system may lack it. */
static void ask_for_details(int descriptor, int family, const flows_options_t *options,
                            int *tells_fragments)
{
    system_report_arrival_time(descriptor, 1);
    report_hop_limit(descriptor, family, 1);
    if (options->traffic_class) {
        report_traffic_class(descriptor, family, 1);
    }
    if (system_report_fragments(descriptor, family) != 0) {
        *tells_fragments = 0;
    }
    system_report_refusals(descriptor, family);
}

apr_size_t flow_socket_payload_max(apr_os_sock_t socket)
{
    return system_payload_max(socket);
}

apr_status_t flow_socket_bind(apr_socket_t *socket, apr_sockaddr_t *address)
{
    return socket_bind_to(socket, address);
}

int flow_port_is_excluded(apr_status_t status, apr_port_t port, apr_pool_t *pool)
{
    (void)status, (void)port, (void)pool; /* none of these systems does so */
    return 0;
}

apr_status_t flow_socket_create(apr_socket_t **socket, int family, const flows_options_t *options,
                                int *tells_fragments, const char **step, apr_pool_t *pool)
{
    int descriptor;
    apr_status_t status;

    *step = "open a socket";
    status = apr_socket_create(socket, family, SOCK_DGRAM, APR_PROTO_UDP, pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    apr_os_sock_get(&descriptor, *socket);
    *step = "make the socket non-blocking";
    status = apr_socket_opt_set(*socket, APR_SO_NONBLOCK, 1);
    if (status == APR_SUCCESS) {
        status = set_options(descriptor, family, options, step);
    }
    if (status == APR_SUCCESS) {
        ask_for_details(descriptor, family, options, tells_fragments);
    }
    return status;
}
