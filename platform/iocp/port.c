/* The completion port that all workers share, and the sockets on it. */

#include "iocp/iocp.h"

#include <apr_portable.h>

#include "udpecho/clock.h"

/* How long the kernel has to give back what was cancelled. */
#define REAP_PATIENCE_US (2 * APR_USEC_PER_SEC)

/* How long to leave the port alone that could not be waited for. */
#define PAUSE_MS 10

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

/* Best effort: without it they come one by one. */
void socket_coalesce(shared_socket_t *socket, unsigned details)
{
    if (atomic_load(&socket->coalesces)) {
        call_set(socket->handle, UDP_RECV_MAX_COALESCED_SIZE,
                 details & DETAIL_TIMES ? 0 : socket->coalesced_max);
    }
}

static apr_status_t join(port_t *port, listener_t *listener, apr_size_t payload_max)
{
    shared_socket_t *socket = listener_shared_socket(listener);
    apr_status_t status = find_receive(socket->handle, &socket->receive);

    socket->local = listener_describe(listener)->local;
    socket->wildcard = endpoint_is_wildcard(&socket->local);
    socket->coalesced_max = (DWORD)payload_max;
    if (status != APR_SUCCESS) {
        return status;
    }
    if (CreateIoCompletionPort((HANDLE)socket->handle, port->handle, 0, 0) == NULL) {
        return APR_FROM_OS_ERROR((apr_status_t)GetLastError());
    }
    socket_coalesce(socket, atomic_load(&socket->details));
    socket->next = port->sockets;
    port->sockets = socket;
    listener_set_port(listener, port);
    if (atomic_load(&socket->details) & DETAIL_TIMES) {
        atomic_store(&port->is_timed, 1);
    }
    return APR_SUCCESS;
}

/* All workers do it with a listener that a reload adds. */
apr_status_t port_join(port_t *port, listener_t *listener, apr_size_t payload_max)
{
    apr_status_t status = APR_SUCCESS;

    AcquireSRWLockExclusive(&port->lock);
    if (listener_port(listener) == NULL) {
        status = join(port, listener, payload_max);
    }
    ReleaseSRWLockExclusive(&port->lock);
    return status;
}

ULONG port_take(port_t *port, OVERLAPPED_ENTRY *entries, DWORD milliseconds)
{
    ULONG count = 0;
    DWORD error = call_take(port, entries, BATCH_MAX, &count, milliseconds, TRUE);

    if (error != 0 && error != WAIT_TIMEOUT && error != WAIT_IO_COMPLETION) {
        clock_pause(1000 * PAUSE_MS);
    }
    return error == 0 ? count : 0;
}

int port_reap(port_t *port)
{
    OVERLAPPED_ENTRY entries[BATCH_MAX];

    if (port->reap_until == 0) {
        port->reap_until = clock_now() + REAP_PATIENCE_US;
    }
    for (shared_socket_t *socket = port->sockets; socket != NULL; socket = socket->next) {
        CancelIoEx((HANDLE)socket->handle, NULL);
    }
    while (atomic_load(&port->posted) > 0 && clock_now() < port->reap_until) {
        atomic_fetch_sub(&port->posted, (int)port_take(port, entries, PAUSE_MS));
    }
    if (atomic_load(&port->posted) > 0) {
        return 0;
    }
    port->reap_until = 0;
    return 1;
}
