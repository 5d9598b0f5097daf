/* A bound UDP address and the sockets that serve it. */

#include "readiness.h"

#include <apr_portable.h>
#include <apr_strings.h>
#include <errno.h>

struct listener {
    listener_info_t info;
    unsigned count; /* of sockets: one, or one for each worker */
    apr_socket_t **sockets;
};

static int descriptor_of(apr_socket_t *socket)
{
    apr_os_sock_t descriptor = -1;

    apr_os_sock_get(&descriptor, socket);
    return descriptor;
}

apr_socket_t *listener_socket(const listener_t *listener, unsigned worker)
{
    return listener->sockets[worker < listener->count ? worker : 0];
}

const listener_info_t *listener_describe(const listener_t *listener)
{
    return &listener->info;
}

/* An unbound, non-blocking socket with everything set but its right to share the port. */
static apr_status_t socket_create(apr_socket_t **socket, const apr_sockaddr_t *address,
                                  const listener_options_t *options, const char **step,
                                  apr_pool_t *pool)
{
    apr_status_t status;

    *step = "open a socket";
    status = apr_socket_create(socket, address->family, SOCK_DGRAM, APR_PROTO_UDP, pool);
    if (status != APR_SUCCESS) {
        return status;
    }
    *step = "make the socket non-blocking";
    status = apr_socket_opt_set(*socket, APR_SO_NONBLOCK, 1);
    if (status != APR_SUCCESS) {
        return status;
    }
    if (address->family == AF_INET6) {
        /* Systems disagree on the default, so it is always said (RFC 3493 section 5.3). */
        *step = "set IPV6_V6ONLY";
        status = apr_socket_opt_set(*socket, APR_IPV6_V6ONLY, 1);
        if (status != APR_SUCCESS) {
            return status;
        }
    }
    if (options->receive_buffer > 0) {
        system_ask_buffer(descriptor_of(*socket), SO_RCVBUF, options->receive_buffer);
    }
    if (options->send_buffer > 0) {
        system_ask_buffer(descriptor_of(*socket), SO_SNDBUF, options->send_buffer);
    }
    return APR_SUCCESS;
}

/* Kernels let a socket be bound to a broadcast address of the host, from which no reply can leave.
 * What tells it from others is that connect(2) needs SO_BROADCAST for it, and says EACCES; it sends
 * nothing. */
static int is_broadcast(apr_sockaddr_t *address, apr_pool_t *pool)
{
    apr_socket_t *socket;
    apr_status_t status;

    if (address->family != AF_INET) {
        return 0; /* IPv6 has none */
    }
    status = apr_socket_create(&socket, address->family, SOCK_DGRAM, APR_PROTO_UDP, pool);
    if (status == APR_SUCCESS) {
        status = apr_socket_connect(socket, address);
        apr_socket_close(socket);
    }
    return APR_STATUS_IS_EACCES(status);
}

/* Binds, and reads back where: the kernel's word is what the log shows and what replies use. */
static apr_status_t socket_bind(apr_socket_t *socket, apr_sockaddr_t *address, endpoint_t *local,
                                const char **step)
{
    apr_status_t status;
    endpoint_t asked = endpoint_of(address);

    *step = "bind";
    status = apr_socket_bind(socket, address);
    if (status != APR_SUCCESS) {
        return status;
    }
    *step = "read back the bound address";
    local->length = sizeof local->sa;
    if (getsockname(descriptor_of(socket), &local->sa.any, &local->length) != 0) {
        return errno;
    }
    if (address->port == 0) {
        asked.sa.v4.sin_port = local->sa.v4.sin_port; /* the same place in both families */
    }
    if (!endpoint_equal(&asked, local)) {
        return APR_EMISMATCH;
    }
    if (endpoint_is_wildcard(local)) {
        *step = "ask for the arrival address of datagrams";
        if (system_report_arrival(descriptor_of(socket), address->family) != 0) {
            return errno;
        }
    }
    return APR_SUCCESS;
}

static apr_int32_t buffer_size(apr_socket_t *socket, int option)
{
    int bytes = 0;
    socklen_t length = sizeof bytes;

    getsockopt(descriptor_of(socket), SOL_SOCKET, option, &bytes, &length);
    return bytes;
}

/* The first socket. Between workers it is bound without SO_REUSEPORT, so that a port in use is
 * refused, and shared afterwards: a second process that tries the same then gets EADDRINUSE, and
 * only the sockets opened by share_among_workers() join. */
static apr_status_t open_first(listener_t *listener, apr_sockaddr_t *address,
                               const listener_options_t *options, const char **step,
                               apr_pool_t *pool)
{
    apr_socket_t *socket;
    apr_status_t status = socket_create(&socket, address, options, step, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    if (options->reuse == PORT_REUSE_PROCESSES && system_share_port(descriptor_of(socket)) != 0) {
        listener->info.sharing_error = errno;
    }
    status = socket_bind(socket, address, &listener->info.local, step);
    if (status != APR_SUCCESS) {
        return status;
    }
    if (options->reuse == PORT_REUSE_WORKERS && options->workers > 1 &&
        system_share_port(descriptor_of(socket)) != 0) {
        listener->info.sharing_error = errno;
    }
    listener->sockets[listener->count++] = socket;
    return APR_SUCCESS;
}

/* Opens the other workers' sockets beside the first, on the port that it got. */
static apr_status_t share_among_workers(listener_t *listener, apr_sockaddr_t *address,
                                        const listener_options_t *options, const char **step,
                                        apr_pool_t *pool)
{
    endpoint_t local;

    address->port = endpoint_port(&listener->info.local);
    address->sa.sin.sin_port = htons(address->port); /* the same place in both families */
    while (listener->count < options->workers) {
        apr_socket_t *socket;
        apr_status_t status = socket_create(&socket, address, options, step, pool);

        if (status != APR_SUCCESS) {
            return status;
        }
        *step = "share the port";
        if (system_share_port(descriptor_of(socket)) != 0) {
            return errno;
        }
        status = socket_bind(socket, address, &local, step);
        if (status != APR_SUCCESS) {
            return status;
        }
        listener->sockets[listener->count++] = socket;
    }
    return APR_SUCCESS;
}

static apr_status_t open_sockets(listener_t *listener, apr_sockaddr_t *address,
                                 const listener_options_t *options, const char **step,
                                 apr_pool_t *pool)
{
    apr_status_t status = open_first(listener, address, options, step, pool);

    if (status == APR_SUCCESS && options->reuse != PORT_REUSE_OFF &&
        listener->info.sharing_error == APR_SUCCESS) {
        listener->info.sharing = SHARING_SOCKET_PER_WORKER;
        status = share_among_workers(listener, address, options, step, pool);
    }
    return status;
}

static listener_failure_t failure_kind(apr_status_t status)
{
    switch (status) {
    case EADDRINUSE:
        return LISTENER_IN_USE;
    case EADDRNOTAVAIL:
        return LISTENER_NOT_LOCAL;
    case EACCES:
    case EPERM:
        return LISTENER_NOT_PERMITTED;
    case EAFNOSUPPORT:
        return LISTENER_NO_FAMILY;
    default:
        return LISTENER_SYSTEM;
    }
}

apr_status_t listener_open(listener_t **opened, const apr_sockaddr_t *address,
                           const listener_options_t *options, listener_error_t *error,
                           apr_pool_t *pool)
{
    apr_pool_t *own;
    apr_status_t status = apr_pool_create(&own, pool);

    if (status != APR_SUCCESS) {
        *error = (listener_error_t){LISTENER_SYSTEM, "allocate memory"};
        return status;
    }
    listener_t *listener = apr_pcalloc(own, sizeof *listener);
    /* The sockets keep a pointer to the address that they are bound to. */
    apr_sockaddr_t *kept = apr_pmemdup(own, address, sizeof *address);
    endpoint_t endpoint = endpoint_of(address);

    if (endpoint_is_multicast(&endpoint) || is_broadcast(kept, own)) {
        *error = (listener_error_t){LISTENER_NOT_UNICAST, "check the address"};
        apr_pool_destroy(own);
        return APR_EINVAL;
    }

    listener->sockets = apr_pcalloc(own, options->workers * sizeof *listener->sockets);
    listener->info.sharing = SHARING_ONE_SOCKET;
    status = open_sockets(listener, kept, options, &error->step, own);
    if (status != APR_SUCCESS) {
        error->failure = failure_kind(status);
        apr_pool_destroy(own);
        return status;
    }
    listener->info.receive_buffer = buffer_size(listener->sockets[0], SO_RCVBUF);
    listener->info.send_buffer = buffer_size(listener->sockets[0], SO_SNDBUF);
    *opened = listener;
    return APR_SUCCESS;
}
