/* The completion port that all workers share, and the sockets on it. */

#include "iocp/iocp.h"

#include <apr_portable.h>

static apr_status_t close_port(void *data)
{
    CloseHandle(((port_t *)data)->handle);
    return APR_SUCCESS;
}

apr_status_t port_find(port_t **found, listener_t *const *listeners, unsigned count)
{
    apr_pool_t *pool = apr_pool_parent_get(listener_pool(listeners[0])); /* listeners may go */
    port_t *port = NULL;

    for (unsigned i = 0; i < count && port == NULL; i++) {
        port = listener_port(listeners[i]);
    }
    if (port == NULL) {
        port = apr_pcalloc(pool, sizeof *port);
        InitializeSRWLock(&port->lock);
        port->handle = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
        if (port->handle == NULL) {
            return APR_FROM_OS_ERROR((apr_status_t)GetLastError());
        }
        apr_pool_cleanup_register(pool, port, close_port, apr_pool_cleanup_null);
    }
    *found = port;
    return APR_SUCCESS;
}

apr_status_t find_receive(SOCKET socket, LPFN_WSARECVMSG *receive)
{
    static GUID receive_id = WSAID_WSARECVMSG;
    DWORD returned = 0;

    if (WSAIoctl(socket, SIO_GET_EXTENSION_FUNCTION_POINTER, &receive_id, sizeof receive_id,
                 receive, sizeof *receive, &returned, NULL, NULL) != 0) {
        return apr_get_netos_error();
    }
    return returned == sizeof *receive ? APR_SUCCESS : APR_ENOTIMPL;
}

static apr_status_t join(port_t *port, listener_t *listener)
{
    shared_socket_t *socket = listener_shared_socket(listener);
    apr_status_t status = find_receive(socket->handle, &socket->receive);

    socket->local = listener_describe(listener)->local;
    socket->wildcard = endpoint_is_wildcard(&socket->local);
    if (status != APR_SUCCESS) {
        return status;
    }
    if (CreateIoCompletionPort((HANDLE)socket->handle, port->handle, 0, 0) == NULL) {
        return APR_FROM_OS_ERROR((apr_status_t)GetLastError());
    }
    listener_set_port(listener, port);
    if (atomic_load(&socket->details) & DETAIL_TIMES) {
        atomic_store(&port->is_timed, 1);
    }
    return APR_SUCCESS;
}

/* All workers do it with a listener that a reload adds. */
apr_status_t port_join(port_t *port, listener_t *listener)
{
    apr_status_t status = APR_SUCCESS;

    AcquireSRWLockExclusive(&port->lock);
    if (listener_port(listener) == NULL) {
        status = join(port, listener);
    }
    ReleaseSRWLockExclusive(&port->lock);
    return status;
}

void port_reap(port_t *port, shared_socket_t *const *sockets, unsigned count)
{
    OVERLAPPED_ENTRY entries[BATCH_MAX];
    ULONG reaped;

    for (unsigned i = 0; i < count; i++) {
        CancelIoEx((HANDLE)sockets[i]->handle, NULL);
    }
    while (
        atomic_load(&port->posted) > 0 &&
        GetQueuedCompletionStatusEx(port->handle, entries, BATCH_MAX, &reaped, INFINITE, FALSE)) {
        atomic_fetch_sub(&port->posted, (int)reaped);
    }
}
