/* Binding, for the sockets of listeners and of flows. */

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "readiness/socket.h"
#include "readiness/system.h"

apr_status_t socket_bind_to(apr_socket_t *socket, apr_sockaddr_t *address)
{
    apr_status_t status = apr_socket_bind(socket, address);
    apr_os_sock_t descriptor = -1;

    apr_os_sock_get(&descriptor, socket);
    return status == EADDRNOTAVAIL && address->family == AF_INET6 &&
                   system_allow_routed(descriptor, &address->sa.sin6.sin6_addr) == 0
               ? apr_socket_bind(socket, address)
               : status;
}

apr_status_t socket_bound_interface(int descriptor, const endpoint_t *local,
                                    char name[INTERFACE_NAME_MAX])
{
    int family = local->sa.any.sa_family;
    apr_status_t status =
        system_bound_interface(descriptor, family, name) == 0 ? APR_SUCCESS : errno;

    if (family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&local->sa.v6.sin6_addr)) {
        *name = '\0';
    }
    return status;
}

int address_is_only(const endpoint_t *address)
{
    endpoint_t bound = {.length = address->length};
    int descriptor;
    int is_only = 0;

    if (endpoint_is_wildcard(address)) {
        return 0;
    }
    descriptor = socket(address->sa.any.sa_family, SOCK_DGRAM, 0);
    bound.sa.any.sa_family = address->sa.any.sa_family;
    if (descriptor >= 0 && bind(descriptor, &bound.sa.any, bound.length) == 0 &&
        getsockname(descriptor, &bound.sa.any, &bound.length) == 0) {
        bound.sa.v4.sin_port = address->sa.v4.sin_port; /* the same place in both families */
        is_only = endpoint_equal(&bound, address);
    }
    if (descriptor >= 0) {
        close(descriptor);
    }
    return is_only;
}
