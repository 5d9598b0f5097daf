/* How a UDP address is bound, and sockets that somebody else bound are taken over. */

#include <apr_strings.h>
#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "os/main_thread.h"
#include "readiness/listener.h"
#include "readiness/socket.h"
#include "readiness/system.h"

static void set_port(apr_sockaddr_t *address, const endpoint_t *bound)
{
    address->port = endpoint_port(bound);
    address->sa.sin.sin_port = htons(address->port); /* the same place in both families */
}

/* Finds out that nobody else has the port, by a socket that is closed again. */
static apr_status_t claim_port(apr_sockaddr_t *address, const listener_options_t *options,
                               const char **step, apr_pool_t *pool)
{
    endpoint_t local;
    apr_socket_t *socket;
    apr_status_t status = socket_create(&socket, address, options, step, pool);

    if (status == APR_SUCCESS) {
        status = socket_bind(socket, address, &local, step);
        apr_socket_close(socket);
    }
    if (status == APR_SUCCESS) {
        set_port(address, &local);
    }
    return status;
}

static apr_status_t share_port(apr_socket_t *socket, const char **step)
{
    *step = "share the port";
    return system_share_port(socket_descriptor(socket)) == 0 ? APR_SUCCESS : errno;
}

/* The first socket. Between workers it is bound without SO_REUSEPORT, so that a port in use is
 * refused, and shared afterwards: a second process that tries the same then gets EADDRINUSE, and
 * only the sockets opened by share_among_workers() join. Where it would not join them any more,
 * another socket has found out that the port is free. */
static apr_status_t open_first(listener_t *listener, apr_sockaddr_t *address,
                               const listener_options_t *options, const char **step,
                               apr_pool_t *pool)
{
    int is_shared = listener->info.reason == SHARING_BY_SYSTEM;
    int is_claimed = options->reuse == PORT_REUSE_WORKERS && system_joins_by_bind();
    int joins_by_bind = is_claimed || options->reuse == PORT_REUSE_PROCESSES;
    apr_socket_t *socket = NULL;
    apr_status_t status =
        is_shared && is_claimed ? claim_port(address, options, step, pool) : APR_SUCCESS;

    if (status == APR_SUCCESS) {
        status = socket_create(&socket, address, options, step, pool);
    }
    if (status == APR_SUCCESS && is_shared && joins_by_bind) {
        status = share_port(socket, step);
    }
    if (status == APR_SUCCESS) {
        status = socket_bind(socket, address, &listener->info.local, step);
    }
    if (status == APR_SUCCESS && is_shared && !joins_by_bind) {
        status = share_port(socket, step);
    }
    if (status == APR_SUCCESS) {
        listener->sockets[listener->count++] = socket;
    }
    return status;
}

/* Opens the sockets of the other workers beside the first, on the port that it got. */
static apr_status_t share_among_workers(listener_t *listener, apr_sockaddr_t *address,
                                        const listener_options_t *options, const char **step,
                                        apr_pool_t *pool)
{
    endpoint_t local;

    set_port(address, &listener->info.local);
    while (listener->count < options->workers) {
        apr_socket_t *socket;
        apr_status_t status = socket_create(&socket, address, options, step, pool);

        if (status == APR_SUCCESS) {
            status = share_port(socket, step);
        }
        if (status == APR_SUCCESS) {
            status = socket_bind(socket, address, &local, step);
        }
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

    if (status == APR_SUCCESS && listener->info.sharing == SHARING_SOCKET_PER_WORKER) {
        return share_among_workers(listener, address, options, step, pool);
    }
    return status;
}

listener_failure_t listener_failure_of(apr_status_t status)
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

/* Why this address must not be bound, if there is a reason. */
static apr_status_t check_address(apr_sockaddr_t *address, const platform_t *platform,
                                  listener_error_t *error, apr_pool_t *pool)
{
    endpoint_t endpoint = endpoint_of(address);
    int is_broadcast;
    apr_status_t status = address_ask_broadcast(&is_broadcast, address, pool);

    if (status != APR_SUCCESS) {
        *error = (listener_error_t){listener_failure_of(status), "open a socket"};
        return status;
    }
    if (endpoint_is_multicast(&endpoint) || is_broadcast) {
        *error = (listener_error_t){LISTENER_NOT_UNICAST, "check the address"};
        return APR_EINVAL;
    }
    if (address->family == AF_INET6 && !platform_has(platform, FEATURE_IPV6)) {
        *error = (listener_error_t){LISTENER_NO_FAMILY, "open a socket"};
        return platform->features[FEATURE_IPV6].status;
    }
    /* Replies would leave from an address that was not asked, or an IPv6 socket would take the
     * IPv4 listener's datagrams. */
    if (endpoint_is_wildcard(&endpoint) && !platform_has_wildcard(platform, address->family)) {
        *error = (listener_error_t){LISTENER_NO_WILDCARD, "check the address"};
        return APR_ENOTIMPL;
    }
    return APR_SUCCESS;
}

static listener_failure_t interface_failure_of(apr_status_t status)
{
    switch (status) {
    case ENODEV:
    case ENXIO: /* macOS, for an interface that was just removed */
    case ENOPROTOOPT:
        return LISTENER_INTERFACE;
    case EPERM:
        return LISTENER_INTERFACE_NOT_PERMITTED;
    default:
        return LISTENER_SYSTEM;
    }
}

/* By a socket that is closed again, since why it fails is to be told from why others do. */
static apr_status_t check_interface(const apr_sockaddr_t *address,
                                    const listener_options_t *options, listener_error_t *error)
{
    int descriptor;
    apr_status_t status = APR_SUCCESS;

    if (options->device == NULL) {
        return APR_SUCCESS;
    }
    descriptor = socket(address->family, SOCK_DGRAM, 0);
    if (descriptor < 0) {
        *error = (listener_error_t){listener_failure_of(errno), "open a socket"};
        return errno;
    }
    if (system_bind_interface(descriptor, address->family, options->device) != 0) {
        *error = (listener_error_t){interface_failure_of(errno), "bind to the interface"};
        status = errno == ENOPROTOOPT ? APR_ENOTIMPL : errno;
    }
    close(descriptor);
    return status;
}

/* How a listener that is opened by these options shares its port. One that is alone on it has the
 * option of sharing only where other processes are let in. */
static void decide_sharing(listener_t *listener, const listener_options_t *options)
{
    int is_off = options->reuse == PORT_REUSE_OFF;
    int can_share = platform_has(options->platform, FEATURE_PORT_SHARING);
    int is_alone = options->workers == 1 && options->reuse != PORT_REUSE_PROCESSES;

    listener->has_socket_each = can_share && !is_off;
    listener->info.sharing =
        listener->has_socket_each ? SHARING_SOCKET_PER_WORKER : SHARING_ONE_SOCKET;
    listener->info.reason = is_off       ? SHARING_OFF
                            : is_alone   ? SHARING_ONE_WORKER
                            : !can_share ? SHARING_NOT_BY_SYSTEM
                                         : SHARING_BY_SYSTEM;
}

/* A listener without sockets, and with room for so many. */
static listener_t *listener_create(const listener_options_t *options, unsigned sockets,
                                   apr_pool_t *pool)
{
    listener_t *listener = apr_pcalloc(pool, sizeof *listener);

    listener->platform = options->platform;
    atomic_init(&listener->offload, options->offload);
    atomic_init(&listener->service, options->service);
    atomic_init(&listener->details, options->details);
    decide_sharing(listener, options);
    listener->workers = options->workers;
    listener->pool = pool;
    listener->sockets = apr_pcalloc(pool, sockets * sizeof(apr_socket_t *));
    listener->drops_seen = apr_pcalloc(pool, sockets * sizeof *listener->drops_seen);
    return listener;
}

static apr_status_t read_back(listener_t *listener, listener_error_t *error)
{
    *error = (listener_error_t){LISTENER_INTERFACE_GONE, "find the interface it is bound to"};
    listener->info.is_only_address = address_is_only(&listener->info.local);
    listener->info.receive_buffer = socket_buffer(listener->sockets[0], SO_RCVBUF);
    listener->info.send_buffer = socket_buffer(listener->sockets[0], SO_SNDBUF);
    return socket_bound_interface(socket_descriptor(listener->sockets[0]), &listener->info.local,
                                  listener->info.device);
}

apr_status_t listener_open(listener_t **opened, const apr_sockaddr_t *address,
                           const listener_options_t *options, listener_error_t *error,
                           apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(options->platform != NULL && options->workers > 0);
    assert(apr_pool_parent_get(pool) != NULL);

    listener_t *listener = listener_create(options, options->workers, pool);
    /* The sockets keep a pointer to the address that they are bound to. */
    apr_sockaddr_t *kept = apr_pmemdup(pool, address, sizeof *address);
    apr_status_t status = check_address(kept, options->platform, error, pool);

    if (status == APR_SUCCESS) {
        status = check_interface(kept, options, error);
    }
    if (status == APR_SUCCESS) {
        status = open_sockets(listener, kept, options, &error->step, pool);
        error->failure = listener_failure_of(status);
    }
    if (status == APR_SUCCESS) {
        status = read_back(listener, error);
    }
    if (status == APR_SUCCESS) {
        *opened = listener;
    }
    return status;
}

/* One socket of an adopted listener, which closes it with its pool or, if it cannot, at once. */
static apr_status_t adopt(listener_t *listener, int descriptor, const listener_options_t *options,
                          listener_error_t *error, apr_pool_t *pool)
{
    apr_sockaddr_t *address;
    apr_socket_t *socket = NULL;
    apr_status_t status =
        socket_adopt(&socket, descriptor, &listener->info.local, options, error, pool);

    if (socket == NULL) {
        close(descriptor);
    }
    if (status == APR_SUCCESS) {
        status = apr_socket_addr_get(&address, APR_LOCAL, socket);
    }
    if (status == APR_SUCCESS) {
        status = check_address(address, options->platform, error, pool);
    }
    if (status == APR_SUCCESS) {
        listener->sockets[listener->count++] = socket;
    }
    return status;
}

static apr_status_t describe_adopted(listener_t *listener, listener_error_t *error)
{
    int is_shared = listener->count > 1;

    listener->info.sharing = is_shared ? SHARING_SOCKET_PER_WORKER : SHARING_ONE_SOCKET;
    listener->info.reason = is_shared ? SHARING_BY_SYSTEM : SHARING_ADOPTED;
    listener_drops(listener); /* those before this process are not its own */
    listener->drops = 0;
    return read_back(listener, error);
}

apr_status_t listener_adopt(listener_t **adopted, const apr_array_header_t *sockets,
                            const listener_options_t *options, listener_error_t *error,
                            apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(sockets->nelts > 0 && sockets->elt_size == sizeof(apr_os_sock_t));
    assert(options->platform != NULL && options->workers > 0);
    assert(apr_pool_parent_get(pool) != NULL);

    listener_t *listener = listener_create(options, (unsigned)sockets->nelts, pool);
    apr_status_t status = APR_SUCCESS;

    for (int i = 0; i < sockets->nelts; i++) {
        int descriptor = APR_ARRAY_IDX(sockets, i, apr_os_sock_t);

        if (status == APR_SUCCESS) {
            status = adopt(listener, descriptor, options, error, pool);
        } else {
            close(descriptor);
        }
    }
    if (status == APR_SUCCESS) {
        status = describe_adopted(listener, error);
    }
    if (status == APR_SUCCESS) {
        *adopted = listener;
    }
    return status;
}
