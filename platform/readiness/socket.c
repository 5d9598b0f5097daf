/* One UDP socket: made, bound, and asked what it turned out to be. */

#include "readiness/socket.h"

#include <apr_portable.h>
#include <errno.h>

#include "readiness/details.h"
#include "readiness/socket_options.h"
#include "readiness/system.h"

int socket_descriptor(apr_socket_t *socket)
{
    apr_os_sock_t descriptor = -1;

    apr_os_sock_get(&descriptor, socket);
    return descriptor;
}

apr_status_t socket_prepare(apr_socket_t *socket, int family, const listener_options_t *options,
                            const char **step)
{
    int descriptor = socket_descriptor(socket);
    apr_status_t status;

    *step = "make the socket non-blocking";
    status = apr_socket_opt_set(socket, APR_SO_NONBLOCK, 1);
    if (status != APR_SUCCESS) {
        return status;
    }
    if (options->receive_buffer > 0) {
        system_ask_buffer(descriptor, SO_RCVBUF, options->receive_buffer);
    }
    if (options->send_buffer > 0) {
        system_ask_buffer(descriptor, SO_SNDBUF, options->send_buffer);
    }
    *step = "leave the path's MTU to the interface";
    if (family == AF_INET && platform_has(options->platform, FEATURE_FRAGMENTING) &&
        system_ignore_path_mtu(descriptor) != 0) {
        return errno;
    }
    *step = "take coalesced datagrams";
    if (options->offload && (options->details & DETAIL_TIMES) == 0 &&
        platform_has(options->platform, FEATURE_COALESCED_RECEIVE) &&
        system_coalesce(descriptor, 1) != 0) {
        return errno;
    }
    return details_change(descriptor, family, 0, options->details, options->platform, step);
}

/* APR registers what closes a socket only once it is open. There is memory for that then, since APR
 * uses a cleanup again that was killed. */
static void make_room_for_cleanup(apr_pool_t *pool)
{
    apr_pool_cleanup_register(pool, NULL, apr_pool_cleanup_null, apr_pool_cleanup_null);
    apr_pool_cleanup_kill(pool, NULL, apr_pool_cleanup_null);
}

apr_status_t socket_create(apr_socket_t **socket, const apr_sockaddr_t *address,
                           const listener_options_t *options, const char **step, apr_pool_t *pool)
{
    apr_status_t status;

    make_room_for_cleanup(pool);
    *step = "open a socket";
    status = apr_socket_create(socket, address->family, SOCK_DGRAM, APR_PROTO_UDP, pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    /* Systems disagree on the default, so it is always said (RFC 3493 section 5.3). */
    *step = "set IPV6_V6ONLY";
    if (address->family == AF_INET6 && platform_has(options->platform, FEATURE_IPV6_ONLY) &&
        set_ipv6_only(socket_descriptor(*socket)) != 0) {
        return errno;
    }
    *step = "bind to the interface";
    if (options->device != NULL &&
        system_bind_interface(socket_descriptor(*socket), address->family, options->device) != 0) {
        return errno;
    }
    return socket_prepare(*socket, address->family, options, step);
}

/* Kernels let a socket be bound to a broadcast address of the host, from which no reply can leave.
 * What tells it from others is that connect(2) needs SO_BROADCAST for it, and says EACCES; it sends
 * nothing. */
apr_status_t address_ask_broadcast(int *is_broadcast, apr_sockaddr_t *address, apr_pool_t *pool)
{
    apr_socket_t *socket;
    apr_status_t status;

    *is_broadcast = 0;
    if (address->family != AF_INET) {
        return APR_SUCCESS; /* IPv6 has none */
    }
    make_room_for_cleanup(pool);
    status = apr_socket_create(&socket, address->family, SOCK_DGRAM, APR_PROTO_UDP, pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    status = apr_socket_connect(socket, address);
    apr_socket_close(socket);
    *is_broadcast = APR_STATUS_IS_EACCES(status);
    return APR_SUCCESS;
}

apr_status_t socket_report_arrival(apr_socket_t *socket, const endpoint_t *local, const char **step)
{
    int family = local->sa.any.sa_family;

    if (!endpoint_is_wildcard(local)) {
        return APR_SUCCESS;
    }
    *step = "ask for the arrival address of datagrams";
    if (report_arrival(socket_descriptor(socket), family) != 0) {
        return errno;
    }
    system_reply_from_anywhere(socket_descriptor(socket), family);
    return APR_SUCCESS;
}

apr_status_t socket_bind(apr_socket_t *socket, apr_sockaddr_t *address, endpoint_t *local,
                         const char **step)
{
    apr_status_t status;
    endpoint_t asked = endpoint_of(address);

    *step = "bind";
    status = socket_bind_to(socket, address);
    if (status != APR_SUCCESS) {
        return status;
    }
    *step = "read back the bound address";
    local->length = sizeof local->sa;
    if (getsockname(socket_descriptor(socket), &local->sa.any, &local->length) != 0) {
        return errno;
    }
    if (address->port == 0) {
        asked.sa.v4.sin_port = local->sa.v4.sin_port; /* the same place in both families */
    }
    /* A jail of FreeBSD that has one address binds it where every address is asked for, which is
     * all that the jail has. It binds it for the loopback, too, which is something else: others
     * reach it. */
    if (!endpoint_equal(&asked, local) && !endpoint_is_wildcard(&asked)) {
        return APR_EMISMATCH;
    }
    return socket_report_arrival(socket, local, step);
}

apr_int32_t socket_buffer(apr_socket_t *socket, int option)
{
    int bytes;
    apr_status_t status =
        read_option(socket_descriptor(socket), SOL_SOCKET, option, &bytes, sizeof bytes);

    return status == APR_SUCCESS ? bytes : 0;
}
