#include "common/stream_socket.h"

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_portable.h>
#include <apr_strings.h>
#include <assert.h>
#include <string.h>

#include "udpecho/datagram.h"
#include "udpecho/stream.h"

/* How many may wait to be accepted. */
#define BACKLOG 8

static int protocol_of(const apr_sockaddr_t *address)
{
    return address->family == APR_UNIX ? 0 : APR_PROTO_TCP;
}

static apr_status_t create(apr_socket_t **created, const apr_sockaddr_t *address, apr_pool_t *pool)
{
    return apr_socket_create(created, address->family, SOCK_STREAM, protocol_of(address), pool);
}

apr_status_t stream_connect(apr_socket_t **connected, apr_sockaddr_t *address,
                            apr_interval_time_t timeout, apr_pool_t *pool)
{
    apr_status_t status = create(connected, address, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    apr_socket_timeout_set(*connected, timeout);
    status = apr_socket_connect(*connected, address);
    if (status != APR_SUCCESS) {
        apr_socket_close(*connected);
    }
    return status;
}

/*
 * Nobody can connect between the two, as nobody listens yet. APR removes the path of a socket that
 * it bound when it closes it, and with it that of a process which has taken the socket over. So it
 * gets an address that does not tell.
 */
static apr_status_t bind_path(apr_socket_t *socket, const apr_sockaddr_t *address, apr_pool_t *pool)
{
    apr_sockaddr_t *nameless = apr_pmemdup(pool, address, sizeof *address);

    nameless->hostname = "";
    apr_status_t status = apr_socket_bind(socket, nameless);

    return status == APR_SUCCESS
               ? apr_file_perms_set(address->hostname, APR_FPROT_UREAD | APR_FPROT_UWRITE)
               : status;
}

static apr_status_t open_new(apr_socket_t **opened, apr_sockaddr_t *address, const char **step,
                             apr_pool_t *pool)
{
    int has_path = address->family == APR_UNIX;
    apr_status_t status = APR_SUCCESS;

    /* A process that ends leaves its path behind, and bind(2) refuses one that is there. */
    if (has_path) {
        status = host_clear_path(address->hostname, step);
    }
    if (status == APR_SUCCESS) {
        *step = "make a socket";
        status = create(opened, address, pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    *step = "bind";
    status = has_path ? bind_path(*opened, address, pool) : host_bind_stream(*opened, address);
    if (status == APR_SUCCESS) {
        *step = "listen";
        status = apr_socket_listen(*opened, BACKLOG);
    }
    if (status != APR_SUCCESS) {
        apr_socket_close(*opened);
    }
    return status;
}

/* ---- Sockets of the process before this one ---- */

static apr_status_t ask_bound(int *is_bound, apr_os_sock_t descriptor,
                              const apr_sockaddr_t *address, apr_pool_t *pool)
{
    apr_socket_t *socket = NULL;
    apr_sockaddr_t *local;
    apr_status_t status = apr_os_sock_put(&socket, &descriptor, pool);

    *is_bound = 0;
    if (status != APR_SUCCESS) {
        return status;
    }
    status = apr_socket_addr_get(&local, APR_LOCAL, socket);
    if (status != APR_SUCCESS || local->sa.sin.sin_family != address->sa.sin.sin_family) {
        return status;
    }
#if APR_HAVE_SOCKADDR_UN
    if (address->family == APR_UNIX) {
        *is_bound = strcmp(local->sa.unx.sun_path, address->hostname) == 0;
        return APR_SUCCESS;
    }
#endif
    endpoint_t bound = endpoint_of(local);
    endpoint_t wanted = endpoint_of(address);

    *is_bound = endpoint_equal(&bound, &wanted);
    return APR_SUCCESS;
}

/* Sets `taken` to NULL if there is none for this address. */
static apr_status_t take(apr_socket_t **taken, const apr_sockaddr_t *address,
                         apr_array_header_t *inherited, apr_pool_t *pool)
{
    *taken = NULL;
    for (int i = 0; i < inherited->nelts; i++) {
        apr_os_sock_t *descriptor = &APR_ARRAY_IDX(inherited, i, apr_os_sock_t);
        int is_bound;
        apr_status_t status = ask_bound(&is_bound, *descriptor, address, pool);

        if (status == APR_SUCCESS && is_bound) {
            apr_os_sock_info_t known = {
                .os_sock = descriptor,
                .family = address->family,
                .type = SOCK_STREAM,
                .protocol = protocol_of(address),
            };

            status = apr_os_sock_make(taken, &known, pool);
            *descriptor = *(apr_os_sock_t *)apr_array_pop(inherited);
            return status;
        }
        if (status != APR_SUCCESS) {
            return status;
        }
    }
    return APR_SUCCESS;
}

apr_status_t stream_listen(apr_socket_t **listening, apr_sockaddr_t *address,
                           apr_array_header_t *inherited, const char **step, apr_pool_t *pool)
{
    assert(inherited->elt_size == sizeof(apr_os_sock_t));
    *step = "examine the sockets of the previous process";

    apr_status_t status = take(listening, address, inherited, pool);

    if (status == APR_SUCCESS && *listening == NULL) {
        status = open_new(listening, address, step, pool);
    }
    /* Another process may accept the connection that this one was told of: do not wait for the
     * next. */
    return status == APR_SUCCESS ? apr_socket_opt_set(*listening, APR_SO_NONBLOCK, 1) : status;
}

void stream_close(const apr_array_header_t *sockets, apr_pool_t *pool)
{
    assert(sockets->elt_size == sizeof(apr_os_sock_t));
    for (int i = 0; i < sockets->nelts; i++) {
        apr_socket_t *socket = NULL;

        if (apr_os_sock_put(&socket, &APR_ARRAY_IDX(sockets, i, apr_os_sock_t), pool) ==
            APR_SUCCESS) {
            apr_socket_close(socket);
        }
    }
}
