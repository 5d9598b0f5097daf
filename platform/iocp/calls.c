#include "iocp/iocp.h"

int call_receive(operation_t *operation)
{
    return operation->socket->receive(operation->socket->handle, &operation->message, NULL,
                                      &operation->overlapped, NULL) == 0
               ? 0
               : WSAGetLastError();
}

int call_result(operation_t *operation)
{
    DWORD length;
    DWORD flags;

    if (operation->overlapped.Internal == 0) {
        return 0; /* STATUS_SUCCESS, as nearly always */
    }
    return WSAGetOverlappedResult(operation->socket->handle, &operation->overlapped, &length, FALSE,
                                  &flags)
               ? 0
               : WSAGetLastError();
}

int call_send(operation_t *operation)
{
    DWORD sent;

    /* Not overlapped, on a socket that does not block: the kernel copies the datagram or says at
     * once why not, and no completion comes. */
    return WSASendMsg(operation->socket->handle, &operation->message, 0, &sent, NULL, NULL) == 0
               ? 0
               : WSAGetLastError();
}
