#include "iocp/iocp.h"

int call_receive(operation_t *operation)
{
    return operation->socket->receive(operation->socket->handle, &operation->message, NULL,
                                      &operation->overlapped, NULL) == 0
               ? 0
               : WSAGetLastError();
}

int call_send(operation_t *operation)
{
    /* Not overlapped, it would have to wait where there is no room, or lose the reply. */
    return WSASendMsg(operation->socket->handle, &operation->message, 0, NULL,
                      &operation->overlapped, NULL) == 0
               ? 0
               : WSAGetLastError();
}

int call_send_now(SOCKET socket, WSAMSG *message)
{
    DWORD sent;

    return WSASendMsg(socket, message, 0, &sent, NULL, NULL) == 0 ? 0 : WSAGetLastError();
}

int call_set(SOCKET socket, int option, DWORD value)
{
    return setsockopt(socket, IPPROTO_UDP, option, (const char *)&value, sizeof value) == 0
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

DWORD call_take(port_t *port, OVERLAPPED_ENTRY *entries, ULONG most, ULONG *count,
                DWORD milliseconds, BOOL alertable)
{
    return GetQueuedCompletionStatusEx(port->handle, entries, most, count, milliseconds, alertable)
               ? 0
               : GetLastError();
}

static void CALLBACK end_wait(ULONG_PTR unused)
{
    (void)unused; /* that it was called has ended the wait */
}

DWORD call_end_wait(HANDLE thread)
{
    return QueueUserAPC(end_wait, thread, 0);
}
