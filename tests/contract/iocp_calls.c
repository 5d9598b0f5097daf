#include "iocp_calls.h"

fault_t on_post;
fault_t on_completion;
fault_t on_send;
DWORD on_arrival;
atomic_int posted;
atomic_uint posts;
SOCKET last_socket;

static SRWLOCK sending = SRWLOCK_INIT;

/* The error that this call is to meet, or 0. */
static int strike(fault_t *fault, const operation_t *operation)
{
    if (fault->times == 0 ||
        (fault->port != 0 && fault->port != endpoint_port(&operation->socket->local))) {
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

int call_result(operation_t *operation)
{
    int fault = strike(&on_completion, operation);
    DWORD length;
    DWORD flags;

    atomic_fetch_sub(&posted, 1);
    operation->message.dwFlags |= on_arrival;
    if (fault != 0) {
        return fault;
    }
    return WSAGetOverlappedResult(operation->socket->handle, &operation->overlapped, &length, FALSE,
                                  &flags)
               ? 0
               : WSAGetLastError();
}

int call_send(operation_t *operation)
{
    int fault = strike(&on_send, operation);
    DWORD sent;

    if (fault != 0) {
        return fault;
    }
    /* One at a time: Wine refuses a send while another thread sends by the same socket. */
    AcquireSRWLockExclusive(&sending);

    int error =
        WSASendMsg(operation->socket->handle, &operation->message, 0, &sent, NULL, NULL) == 0
            ? 0
            : WSAGetLastError();

    ReleaseSRWLockExclusive(&sending);
    return error;
}

fixture_t *open_without_faults(void)
{
    on_post = on_completion = on_send = (fault_t){.times = 0};
    on_arrival = 0;
    atomic_store(&posted, 0);
    return open_fixture(&variants[0], "127.0.0.1", 1000);
}

void assert_nothing_waits(fixture_t *fixture)
{
    batch_t batch;

    assert_int_equal(transport_receive(fixture->transport, &batch, 0), APR_TIMEUP);
}
