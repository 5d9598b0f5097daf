/* What Windows means by refusing an address. */

/* Before apr.h, which leaves out parts of windows.h that iphlpapi.h needs. */
#include <winsock2.h>
#include <ws2tcpip.h>

#include <iphlpapi.h>

#include "iocp/iocp.h"

listener_failure_t listener_failure_of(apr_status_t status)
{
    switch (APR_TO_OS_ERROR(status)) {
    case WSAEADDRINUSE:
        return LISTENER_IN_USE;
    case WSAEADDRNOTAVAIL:
        return LISTENER_NOT_LOCAL;
    case WSAEAFNOSUPPORT:
        return LISTENER_NO_FAMILY;
    default:
        return LISTENER_SYSTEM;
    }
}

/* The sockets of UDP over this family. NULL: Windows does not tell. */
static void *find_sockets(ULONG family, apr_pool_t *pool)
{
    void *table = NULL;
    DWORD size = 16384;
    DWORD error = ERROR_INSUFFICIENT_BUFFER;

    /* It may grow between two calls. */
    for (int i = 0; error == ERROR_INSUFFICIENT_BUFFER && i < 4; i++) {
        table = apr_palloc(pool, size);
        error = GetExtendedUdpTable(table, &size, FALSE, family, UDP_TABLE_BASIC, 0);
    }
    return error == NO_ERROR ? table : NULL;
}

/* Non-zero also if this is unknown. For either family, because one socket may have the port in
 * both. */
static int port_is_taken(apr_port_t port, apr_pool_t *pool)
{
    const MIB_UDPTABLE *ipv4 = find_sockets(AF_INET, pool);
    const MIB_UDP6TABLE *ipv6 = find_sockets(AF_INET6, pool);

    if (ipv4 == NULL || ipv6 == NULL) {
        return 1;
    }
    for (DWORD i = 0; i < ipv4->dwNumEntries; i++) {
        if (ntohs((u_short)ipv4->table[i].dwLocalPort) == port) {
            return 1;
        }
    }
    for (DWORD i = 0; i < ipv6->dwNumEntries; i++) {
        if (ntohs((u_short)ipv6->table[i].dwLocalPort) == port) {
            return 1;
        }
    }
    return 0;
}

listener_failure_t bind_failure_of(apr_status_t status, apr_port_t port, apr_pool_t *pool)
{
    if (APR_TO_OS_ERROR(status) != WSAEACCES) {
        return listener_failure_of(status);
    }
    return port_is_taken(port, pool) ? LISTENER_IN_USE : LISTENER_EXCLUDED;
}
