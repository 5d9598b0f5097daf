#include "stream_socket.h"

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <string.h>

/* How many may wait to be accepted. */
#define BACKLOG 8

apr_status_t stream_path(apr_sockaddr_t **address, const char *path, apr_pool_t *pool)
{
    if (*path != '/' || strlen(path) > STREAM_PATH_MAX) {
        return APR_EINVAL;
    }
    return apr_sockaddr_info_get(address, path, APR_UNIX, 0, 0, pool);
}

static apr_status_t create(apr_socket_t **created, const apr_sockaddr_t *address, apr_pool_t *pool)
{
    int protocol = address->family == APR_UNIX ? 0 : APR_PROTO_TCP;

    return apr_socket_create(created, address->family, SOCK_STREAM, protocol, pool);
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

/* A process that ends leaves its path behind, and bind(2) refuses one that is there. */
static apr_status_t remove_stale(apr_sockaddr_t *address, const char **step, apr_pool_t *pool)
{
    const char *path = address->hostname;
    apr_socket_t *socket;
    apr_finfo_t info;

    if (apr_stat(&info, path, APR_FINFO_TYPE | APR_FINFO_LINK, pool) != APR_SUCCESS ||
        info.filetype != APR_SOCK) {
        return APR_SUCCESS; /* bind(2) says what is wrong, if anything is */
    }
    apr_status_t status = stream_connect(&socket, address, APR_USEC_PER_SEC, pool);

    if (status == APR_SUCCESS) {
        apr_socket_close(socket);
        *step = "replace what another process still listens at";
        return APR_EEXIST;
    }
    return APR_STATUS_IS_ECONNREFUSED(status) ? apr_file_remove(path, pool) : status;
}

/* SO_REUSEADDR is for TCP what it is not for UDP: a second socket that listens is refused all the
 * same, but connections of the last process, which linger for a minute, do not keep the port. */
static apr_status_t bind_address(apr_socket_t *socket, apr_sockaddr_t *address)
{
    apr_socket_opt_set(socket, APR_SO_REUSEADDR, 1);
    return apr_socket_bind(socket, address);
}

/* Nobody can connect between the two, as nobody listens yet. */
static apr_status_t bind_path(apr_socket_t *socket, apr_sockaddr_t *address)
{
    apr_status_t status = apr_socket_bind(socket, address);

    return status == APR_SUCCESS
               ? apr_file_perms_set(address->hostname, APR_FPROT_UREAD | APR_FPROT_UWRITE)
               : status;
}

apr_status_t stream_listen(apr_socket_t **listening, apr_sockaddr_t *address, const char **step,
                           apr_pool_t *pool)
{
    int has_path = address->family == APR_UNIX;
    apr_status_t status = APR_SUCCESS;

    if (has_path) {
        *step = "replace what is there";
        status = remove_stale(address, step, pool);
    }
    if (status == APR_SUCCESS) {
        *step = "make a socket";
        status = create(listening, address, pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    *step = "bind";
    status = has_path ? bind_path(*listening, address) : bind_address(*listening, address);
    if (status == APR_SUCCESS) {
        *step = "listen";
        status = apr_socket_listen(*listening, BACKLOG);
    }
    if (status != APR_SUCCESS) {
        apr_socket_close(*listening);
    }
    return status;
}
