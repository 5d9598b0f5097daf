#include "iocp_calls.h"

fault_t on_post;
fault_t on_completion;
fault_t on_send;
DWORD on_arrival;
fault_t on_reply;
fault_t on_take;
fault_t on_wake;
int are_replies_held;
atomic_int posted;
atomic_uint posts;
SOCKET last_socket;

static operation_t *held;

/* The error that this call is to meet, or 0. */
static int strike(fault_t *fault, const operation_t *operation)
{
    if (fault->times == 0 || (operation != NULL && fault->port != 0 &&
                              fault->port != endpoint_port(&operation->socket->local))) {
        return 0;
    }
    if (fault->spared > 0) {
        fault->spared--;
        return 0;
    }
    fault->times -= fault->times != FOR_EVER;
    return fault->error;
}

int call_receive(operation_t *operation)
{
    int fault = strike(&on_post, operation);

    atomic_fetch_add(&posts, 1);
    last_socket = operation->socket->handle;
    if (fault != 0 && fault != WSAEMSGSIZE) {
        return fault;
    }
    atomic_fetch_add(&posted, 1);
    if (operation->socket->receive(operation->socket->handle, &operation->message, NULL,
                                   &operation->overlapped, NULL) == 0) {
        return fault; /* a completion comes after a datagram that is too long, too */
    }
    int error = WSAGetLastError();

    if (error != WSA_IO_PENDING && error != WSAEMSGSIZE) {
        atomic_fetch_sub(&posted, 1);
    }
    return error;
}

static int send_now(operation_t *operation)
{
    return WSASendMsg(operation->socket->handle, &operation->message, 0, NULL,
                      &operation->overlapped, NULL) == 0
               ? 0
               : WSAGetLastError();
}

int call_send(operation_t *operation)
{
    int fault = strike(&on_send, operation);

    if (fault != 0) {
        return fault;
    }
    if (are_replies_held) {
        operation->next = held;
        held = operation;
        return WSA_IO_PENDING;
    }
    return send_now(operation);
}

void release_reply(void)
{
    operation_t *operation = held;

    assert_non_null(operation);
    held = operation->next;
    int error = send_now(operation);

    assert_true(error == 0 || error == WSA_IO_PENDING);
}

int call_result(operation_t *operation)
{
    int is_reply = operation->replies != NULL;
    int fault = strike(is_reply ? &on_reply : &on_completion, operation);
    DWORD length;
    DWORD flags;

    if (!is_reply) {
        atomic_fetch_sub(&posted, 1);
    }
    operation->message.dwFlags |= is_reply ? 0 : on_arrival;
    if (fault != 0) {
        return fault;
    }
    return WSAGetOverlappedResult(operation->socket->handle, &operation->overlapped, &length, FALSE,
                                  &flags)
               ? 0
               : WSAGetLastError();
}

DWORD call_take(port_t *port, OVERLAPPED_ENTRY *entries, ULONG most, ULONG *count,
                DWORD milliseconds, BOOL alertable)
{
    int fault = strike(&on_take, NULL);

    if (fault != 0) {
        return (DWORD)fault;
    }
    return GetQueuedCompletionStatusEx(port->handle, entries, most, count, milliseconds, alertable)
               ? 0
               : GetLastError();
}

static void CALLBACK end_wait(ULONG_PTR unused)
{
    (void)unused;
}

DWORD call_end_wait(HANDLE thread)
{
    return strike(&on_wake, NULL) == 0 ? QueueUserAPC(end_wait, thread, 0) : 0;
}

fixture_t *open_without_faults(void)
{
    on_post = on_completion = on_send = on_reply = on_take = on_wake = (fault_t){.times = 0};
    are_replies_held = 0;
    held = NULL;
    on_arrival = 0;
    atomic_store(&posted, 0);
    return open_fixture(&variants[0], "127.0.0.1", 1000);
}

void assert_nothing_waits(fixture_t *fixture)
{
    batch_t batch;

    assert_int_equal(transport_receive(fixture->transport, &batch, 0), APR_TIMEUP);
}
