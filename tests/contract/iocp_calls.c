#include "iocp_calls.h"

/* The macros for control messages mix signed and unsigned sizes in mingw-w64's headers. */
#pragma GCC diagnostic ignored "-Wsign-conversion"

fault_t on_post;
fault_t on_completion;
fault_t on_send;
DWORD on_arrival;
fault_t on_reply;
fault_t on_take;
fault_t on_wake;
int are_replies_held;
int has_offloads;
DWORD coalesced;
DWORD coalesced_max;
fault_t on_cut;
fault_t on_cut_later;
cut_t cuts[16];
unsigned cut_count;
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

int call_set(SOCKET socket, int option, DWORD value)
{
    if (has_offloads) {
        coalesced_max = option == UDP_RECV_MAX_COALESCED_SIZE ? value : coalesced_max;
        return 0;
    }
    return setsockopt(socket, IPPROTO_UDP, option, (const char *)&value, sizeof value) == 0
               ? 0
               : WSAGetLastError();
}

/* What the message says of itself; `segment` is 0 if it is not to be cut apart. */
static cut_t cut_of(operation_t *operation)
{
    WSAMSG *message = &operation->message;
    cut_t cut = {.parts = message->dwBufferCount};

    for (WSACMSGHDR *control = WSA_CMSG_FIRSTHDR(message); control != NULL;
         control = WSA_CMSG_NXTHDR(message, control)) {
        if (control->cmsg_level == IPPROTO_UDP) {
            assert_int_equal(control->cmsg_type, UDP_SEND_MSG_SIZE);
            assert_int_equal(control->cmsg_len, WSA_CMSG_LEN(sizeof cut.segment));
            memcpy(&cut.segment, WSA_CMSG_DATA(control), sizeof cut.segment);
        } else {
            cut.has_source |=
                control->cmsg_type == IP_PKTINFO || control->cmsg_type == IPV6_PKTINFO;
        }
    }
    for (DWORD i = 0; i < message->dwBufferCount; i++) {
        cut.length += message->lpBuffers[i].len;
    }
    return cut;
}

/* Sends every segment at once and posts one completion for all, like the system. */
static void send_cut(operation_t *operation, const cut_t *cut)
{
    static char bytes[PAYLOAD_MAX_IPV6];
    const WSAMSG *message = &operation->message;
    apr_size_t gathered = 0;

    for (DWORD i = 0; i < message->dwBufferCount; i++) {
        memcpy(bytes + gathered, message->lpBuffers[i].buf, message->lpBuffers[i].len);
        gathered += message->lpBuffers[i].len;
    }
    for (apr_size_t sent = 0; sent < gathered; sent += cut->segment) {
        apr_size_t rest = gathered - sent;
        WSABUF one = {(ULONG)(rest < cut->segment ? rest : cut->segment), bytes + sent};
        DWORD length;

        assert_int_equal(WSASendTo(operation->socket->handle, &one, 1, &length, 0, message->name,
                                   message->namelen, NULL, NULL),
                         0);
    }
}

static int cut_apart(operation_t *operation, const cut_t *cut)
{
    int error = strike(&on_cut, operation);

    if (error != 0) {
        return error;
    }
    assert_true(cut_count < sizeof cuts / sizeof cuts[0]);
    cuts[cut_count++] = *cut;
    if (strike(&on_cut_later, operation) != 0) {
        operation->overlapped.Internal = 0xC000000D; /* STATUS_INVALID_PARAMETER */
    } else {
        send_cut(operation, cut);
    }
    assert_true(PostQueuedCompletionStatus(operation->replies->receives->port->handle,
                                           (DWORD)cut->length, 0, &operation->overlapped));
    return 0;
}

static int send_now(operation_t *operation)
{
    cut_t cut = cut_of(operation);

    if (cut.segment > 0) {
        assert_true(has_offloads);
        return cut_apart(operation, &cut);
    }
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

int call_send_now(SOCKET socket, WSAMSG *message)
{
    DWORD sent;

    return WSASendMsg(socket, message, 0, &sent, NULL, NULL) == 0 ? 0 : WSAGetLastError();
}

void release_reply(void)
{
    operation_t *operation = held;

    assert_non_null(operation);
    held = operation->next;
    int error = send_now(operation);

    assert_true(error == 0 || error == WSA_IO_PENDING);
}

static void tell_coalesced(WSAMSG *message)
{
    WSACMSGHDR *control = (WSACMSGHDR *)(void *)(message->Control.buf + message->Control.len);

    message->Control.len += (ULONG)WSA_CMSG_SPACE(sizeof coalesced);
    assert_in_range(message->Control.len, 1, CONTROL_MAX);
    control->cmsg_level = IPPROTO_UDP;
    control->cmsg_type = UDP_COALESCED_INFO;
    control->cmsg_len = WSA_CMSG_LEN(sizeof coalesced);
    memcpy(WSA_CMSG_DATA(control), &coalesced, sizeof coalesced);
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
    if (!is_reply && coalesced > 0) {
        tell_coalesced(&operation->message);
    }
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

static fixture_t *open_anew(const char *address, apr_size_t payload_max)
{
    on_post = on_completion = on_send = on_reply = on_take = on_wake = (fault_t){.times = 0};
    on_cut = on_cut_later = (fault_t){.times = 0};
    are_replies_held = 0;
    held = NULL;
    on_arrival = 0;
    coalesced = 0;
    coalesced_max = 0;
    cut_count = 0;
    atomic_store(&posted, 0);
    return open_fixture(&variants[0], address, payload_max);
}

fixture_t *open_without_faults(void)
{
    has_offloads = 0;
    return open_anew("127.0.0.1", 1000);
}

fixture_t *open_with_offloads(const char *address, apr_size_t payload_max)
{
    has_offloads = 1;
    return open_anew(address, payload_max);
}

void assert_nothing_waits(fixture_t *fixture)
{
    batch_t batch;

    assert_int_equal(transport_receive(fixture->transport, &batch, 0), APR_TIMEUP);
}
