/* Sockets of TCP that take connections; those with a path are not for Windows. */

#include "udpecho/stream.h"

#include <apr_errno.h>
#include <apr_portable.h>

apr_status_t host_bind_stream(apr_socket_t *socket, apr_sockaddr_t *address)
{
    DWORD on = 1;
    apr_os_sock_t handle;

    apr_os_sock_get(&handle, socket);
    return setsockopt(handle, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on, sizeof on) == 0
               ? apr_socket_bind(socket, address)
               : apr_get_netos_error();
}

apr_status_t host_clear_path(const char *path, const char **step)
{
    (void)path;
    *step = "make a socket with a path";
    return APR_ENOTIMPL;
}
