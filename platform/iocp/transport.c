/*
 * The transport of Windows: receives are posted ahead, and waiting means taking those that have
 * completed from the port that all workers share.
 *
 * An operation is posted by one worker and may complete in the hands of another, which then lends
 * it, replies from it and posts it again. So transports that share listeners are opened before the
 * first of them receives, and closed after the last of them has ceased to.
 */

#include "iocp/iocp.h"

#include <assert.h>
#include <string.h>

#include "iocp/details.h"
#include "udpecho/clock.h"

/* An error of an earlier reply may be reported by a posted receive, once for each. After this many
 * in a row the receive is posted RESET_PAUSE_MS later, so that one that is reported each time does
 * not keep a worker busy. It is no error: everybody can send what makes replies fail. */
#define RESETS_MAX     64
#define RESET_PAUSE_MS 1

/* The longest wait in one piece. A wake that the kernel had no memory for is seen after it. */
#define WAIT_MAX_US (1 * APR_USEC_PER_SEC)

struct transport {
    apr_pool_t *operations; /* their memory, which may be the kernel's in the end */
    apr_size_t payload_max;
    port_t *port;
    shared_socket_t *sockets[LISTENERS_MAX];
    unsigned socket_count;
    wake_t wake;
    replies_t replies;
    operation_t *idle; /* to be posted */
    operation_t *lent[BATCH_MAX];
    unsigned lent_count; /* that transport_reply() has to bring back */
    OVERLAPPED_ENTRY entries[BATCH_MAX];
};

const char *transport_backend(const transport_t *transport)
{
    (void)transport;
    return "iocp";
}

void transport_wake(transport_t *transport)
{
    wake_set(&transport->wake);
}

/* ---- Posting receives ---- */

static int is_reset(int error)
{
    return error == WSAECONNRESET || error == WSAENETRESET;
}

/* WSAEMSGSIZE is no failure to post: a datagram was there, too long, and a completion comes that
 * says so. To the kernel it is a warning, and only errors come back without a completion. */
static int is_posted(int error)
{
    return error == 0 || error == WSA_IO_PENDING || error == WSAEMSGSIZE;
}

static void prepare(operation_t *operation)
{
    WSAMSG *message = &operation->message;

    memset(&operation->overlapped, 0, sizeof operation->overlapped);
    operation->replies = NULL;
    memset(&operation->datagram.from, 0, sizeof operation->datagram.from); /* of an earlier one */
    operation->buffer.buf = (char *)operation->datagram.data;
    operation->buffer.len = (ULONG)operation->payload_max;
    message->name = &operation->datagram.from.sa.any;
    message->namelen = sizeof operation->datagram.from.sa;
    message->lpBuffers = &operation->buffer;
    message->dwBufferCount = 1;
    message->Control.buf = (char *)operation->control;
    message->Control.len = CONTROL_MAX;
    message->dwFlags = 0;
}

/* Posts one receive; once the kernel has it, it is no longer ours to look at. 0 or the error. */
static int post(transport_t *transport, operation_t *operation)
{
    int resets = 0;
    int error;

    do {
        prepare(operation);
        atomic_fetch_add(&transport->port->posted, 1);
        error = call_receive(operation);
        if (is_posted(error)) {
            return 0;
        }
        atomic_fetch_sub(&transport->port->posted, 1);
    } while (is_reset(error) && ++resets < RESETS_MAX);
    return error;
}

static int is_left(const operation_t *operation)
{
    return atomic_load(&operation->socket->is_left);
}

/* Posts all that is idle. What cannot be posted stays idle. 0 or the error of one of these. */
static int post_idle(transport_t *transport)
{
    operation_t *list = transport->idle;
    operation_t *operation;
    int failure = 0;

    transport->idle = NULL;
    while ((operation = operation_pop(&list)) != NULL) {
        if (is_left(operation)) {
            spare_give(transport->port, operation);
            continue;
        }
        int error = post(transport, operation);

        if (error != 0) {
            failure = error;
            operation_push(&transport->idle, operation);
        }
    }
    return failure;
}

/* ---- Receiving ---- */

static void lend(transport_t *transport, batch_t *batch, operation_t *operation)
{
    datagram_t *datagram = &operation->datagram;
    shared_socket_t *socket = operation->socket;
    struct service *service = atomic_load_explicit(&socket->service, memory_order_acquire);
    unsigned details = atomic_load_explicit(&socket->details, memory_order_relaxed);

    datagram->from.length = operation->message.namelen;
    datagram->to = socket->local;
    datagram->length = operation->overlapped.InternalHigh;
    datagram->arrival_interface = 0;
    datagram->service = service; /* read first: it needs the details */
    datagram->arrived = details & DETAIL_TIMES ? clock_wall() : 0;
    datagram->drops = 0;
    datagram->hop_limit = -1;
    datagram->traffic_class = -1;
    datagram->reply_traffic_class = -1;
    datagram->departure_id = -1;
    control_messages_read(&operation->message, datagram); /* and the flags */
    if (details != 0) {
        details_read(&operation->message, datagram);
    }
    transport->lent[batch->count] = operation;
    batch->at[batch->count++] = datagram;
}

/* Lends what a receive has brought, or returns its error. One that was cancelled, as the end of the
 * thread that posted it does, or that met an error of an earlier reply has not failed. */
static int take_receive(transport_t *transport, batch_t *batch, operation_t *operation)
{
    if (is_left(operation)) {
        spare_give(transport->port, operation); /* its socket may be closed */
        return 0;
    }
    int error = call_result(operation);

    if (error == 0 || error == WSAEMSGSIZE) {
        DWORD flags = operation->message.dwFlags;

        operation->datagram.control_truncated = (flags & MSG_CTRUNC) != 0;
        operation->datagram.truncated = message_is_truncated(error, flags);
        lend(transport, batch, operation);
        return 0;
    }
    operation_push(&transport->idle, operation);
    return error == WSA_OPERATION_ABORTED || is_reset(error) ? 0 : error;
}

static void take_reply(transport_t *transport, operation_t *operation)
{
    atomic_fetch_sub(&transport->port->posted, 1);
    reply_take(&transport->replies, operation);
    operation_push(&transport->idle, operation);
}

/* Waits for completions and takes them. APR_SUCCESS, with or without datagrams; else as
 * transport_receive() has it. */
static apr_status_t take_completions(transport_t *transport, batch_t *batch, DWORD milliseconds)
{
    ULONG most = atomic_load(&transport->port->is_timed) ? TIMED_BATCH_MAX : BATCH_MAX;
    ULONG count = 0;
    DWORD failure = call_take(transport->port, transport->entries, most, &count, milliseconds,
                              milliseconds != 0);

    if (failure == WAIT_IO_COMPLETION) {
        return wake_take(&transport->wake) ? APR_EINTR : APR_TIMEUP;
    }
    if (failure != 0) {
        return failure == WAIT_TIMEOUT ? APR_TIMEUP : APR_FROM_OS_ERROR((apr_status_t)failure);
    }
    for (ULONG i = 0; i < count; i++) {
        operation_t *operation = (operation_t *)transport->entries[i].lpOverlapped;

        if (operation->replies != NULL) {
            take_reply(transport, operation);
            continue;
        }
        atomic_fetch_sub(&transport->port->posted, 1);
        int error = take_receive(transport, batch, operation);

        failure = error != 0 ? (DWORD)error : failure;
    }
    return failure == 0 || batch->count > 0 ? APR_SUCCESS
                                            : APR_FROM_OS_ERROR((apr_status_t)failure);
}

static DWORD milliseconds_of(apr_interval_time_t timeout)
{
    if (timeout < 0 || timeout > WAIT_MAX_US) {
        timeout = WAIT_MAX_US;
    }
    return (DWORD)((timeout + 999) / 1000);
}

/* How long to wait where a receive could not be posted: its listener may have no other. */
static DWORD wait_unposted(int error, DWORD milliseconds)
{
    DWORD pause = is_reset(error) ? RESET_PAUSE_MS : 0;

    return milliseconds < pause ? milliseconds : pause;
}

/* Posts all that is idle, waits for completions and takes them. As transport_receive(), but
 * APR_SUCCESS also without datagrams: there may be more to take. */
static apr_status_t receive_some(transport_t *transport, batch_t *batch, DWORD milliseconds)
{
    int error = post_idle(transport);
    apr_status_t status = take_completions(
        transport, batch, error != 0 ? wait_unposted(error, milliseconds) : milliseconds);

    if (batch->count > 0 || error == 0) {
        return status;
    }
    if (is_reset(error)) {
        return status == APR_SUCCESS ? APR_TIMEUP : status;
    }
    return APR_FROM_OS_ERROR(error);
}

/*
 * A posted receive takes a datagram as soon as there is one: once all are posted, whatever was
 * waiting is in the port, and a look need not wait for it. What came back without a datagram is
 * posted again before a look may say that there is nothing, and so are the operations whose replies
 * are under way.
 */
static apr_status_t look(transport_t *transport, batch_t *batch)
{
    replies_t *replies = &transport->replies;
    apr_time_t until = clock_now() + REPLY_PATIENCE_US;
    apr_status_t status;
    DWORD wait;

    atomic_store(&replies->are_awaited, 1);
    do {
        wait = replies_wait(replies, until);
        status = receive_some(transport, batch, wait);
    } while (batch->count == 0 &&
             (status == APR_SUCCESS || (APR_STATUS_IS_TIMEUP(status) && wait > 0)));
    atomic_store(&replies->are_awaited, 0);
    return status;
}

apr_status_t transport_receive(transport_t *transport, batch_t *batch, apr_interval_time_t timeout)
{
    assert(timeout >= -1);
    assert(transport->lent_count == 0);

    apr_status_t status = wake_know_thread(&transport->wake);

    batch->count = 0;
    if (status != APR_SUCCESS) {
        return status;
    }
    if (wake_take(&transport->wake)) {
        return APR_EINTR;
    }
    status = timeout == 0 ? look(transport, batch)
                          : receive_some(transport, batch, milliseconds_of(timeout));
    transport->lent_count = batch->count;
    return status == APR_SUCCESS && batch->count == 0 ? APR_TIMEUP : status;
}

/* ---- Replying ---- */

void transport_on_failure(transport_t *transport, reply_failed_t *failed, void *context)
{
    transport->replies.failed = failed;
    transport->replies.context = context;
}

void transport_reply(transport_t *transport, batch_t *batch, send_outcome_t *outcome)
{
    assert(batch->count == transport->lent_count);
    for (unsigned i = 0; i < batch->count; i++) {
        operation_t *operation = transport->lent[i];

        if (operation->datagram.verdict != VERDICT_ECHO ||
            !reply_post(&transport->replies, operation)) {
            operation_push(&transport->idle, operation);
        }
    }
    batch->count = 0;
    transport->lent_count = 0;
    replies_tell(&transport->replies, outcome);
}

/* Receives that have completed are put back where others find them. Returns the end of the list. */
static operation_t **take_replies(transport_t *transport, operation_t **others, ULONG count)
{
    for (ULONG i = 0; i < count; i++) {
        operation_t *operation = (operation_t *)transport->entries[i].lpOverlapped;

        if (operation->replies != NULL) {
            take_reply(transport, operation);
        } else {
            operation->next = NULL;
            *others = operation;
            others = &operation->next;
        }
    }
    return others;
}

static void put_back(transport_t *transport, operation_t *list)
{
    operation_t *operation;

    while ((operation = operation_pop(&list)) != NULL) {
        if (!PostQueuedCompletionStatus(transport->port->handle, 0, 0, &operation->overlapped)) {
            atomic_fetch_sub(&transport->port->posted, 1);
            operation_push(&transport->idle, operation); /* with no memory for it, one is lost */
        }
    }
}

void transport_finish(transport_t *transport, apr_interval_time_t timeout, send_outcome_t *outcome)
{
    assert(timeout >= 0);
    assert(transport->lent_count == 0);

    replies_t *replies = &transport->replies;
    apr_time_t until = clock_now() + timeout;
    operation_t *receives = NULL;
    operation_t **end = &receives;
    DWORD wait;

    atomic_store(&replies->are_awaited, 1);
    while ((wait = replies_wait(replies, until)) > 0) {
        end = take_replies(transport, end, port_take(transport->port, transport->entries, wait));
    }
    atomic_store(&replies->are_awaited, 0);
    put_back(transport, receives);
    replies_give_up(replies);
    replies_tell(replies, outcome);
}

/* ---- Opening and closing ---- */

static apr_status_t close_transport(void *data)
{
    transport_t *transport = data;

    wake_close(&transport->wake);
    if (port_reap(transport->port)) {
        apr_pool_destroy(transport->operations);
    }
    return APR_SUCCESS;
}

/* A receive that is not posted, in no list. */
static operation_t *take_unposted(transport_t *transport)
{
    operation_t *operation = spare_take(transport->port);

    if (operation == NULL) {
        operation = apr_pcalloc(transport->operations, sizeof *operation);
        operation->payload_max = transport->payload_max;
        operation->datagram.data = apr_palloc(
            transport->operations,
            transport->payload_max > REPLY_ROOM_MIN ? transport->payload_max : REPLY_ROOM_MIN);
    }
    return operation;
}

/* Has the listener's receives posted, as many as each worker has on each. There may be no memory
 * for them, so all are there before the first belongs to this socket. */
static void enter(transport_t *transport, shared_socket_t *socket)
{
    operation_t *operations[RECEIVES_POSTED];

    for (unsigned i = 0; i < RECEIVES_POSTED; i++) {
        operations[i] = take_unposted(transport);
    }
    atomic_store(&socket->is_left, 0);
    transport->sockets[transport->socket_count++] = socket;
    for (unsigned i = 0; i < RECEIVES_POSTED; i++) {
        operations[i]->socket = socket;
        operation_push(&transport->idle, operations[i]);
    }
}

static int has_socket(const transport_t *transport, const shared_socket_t *socket)
{
    for (unsigned i = 0; i < transport->socket_count; i++) {
        if (transport->sockets[i] == socket) {
            return 1;
        }
    }
    return 0;
}

static int is_among(const shared_socket_t *socket, listener_t *const *listeners, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (listener_shared_socket(listeners[i]) == socket) {
            return 1;
        }
    }
    return 0;
}

/*
 * What completes on a socket that is left is not lent, whichever worker takes it from the port.
 * Another worker may post on it until it has left it, too. So once all have left it, it gets
 * nothing more, and its end cancels what is posted on it. To cancel that here would cost it the
 * replies under way.
 */
static void leave_others(transport_t *transport, listener_t *const *listeners, unsigned count)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < transport->socket_count; i++) {
        shared_socket_t *socket = transport->sockets[i];

        if (is_among(socket, listeners, count)) {
            transport->sockets[kept++] = socket;
        } else {
            atomic_store(&socket->is_left, 1);
        }
    }
    transport->socket_count = kept;
}

apr_status_t transport_listen(transport_t *transport, listener_t *const *listeners, unsigned count)
{
    assert(count <= LISTENERS_MAX);
    assert(transport->lent_count == 0);

    apr_status_t result = APR_SUCCESS;

    leave_others(transport, listeners, count);
    for (unsigned i = 0; i < count; i++) {
        apr_status_t status = port_join(transport->port, listeners[i]);

        if (status != APR_SUCCESS) {
            result = status;
        } else if (!has_socket(transport, listener_shared_socket(listeners[i]))) {
            enter(transport, listener_shared_socket(listeners[i]));
        }
    }
    return result;
}

apr_status_t transport_open(transport_t **opened, listener_t *const *listeners, unsigned count,
                            unsigned worker, apr_size_t payload_max, apr_pool_t *pool)
{
    assert(count > 0 && count <= LISTENERS_MAX);

    transport_t *transport = apr_pcalloc(pool, sizeof *transport);
    apr_status_t status = port_find(&transport->port, listeners, count);

    (void)worker;
    if (status == APR_SUCCESS) {
        status =
            apr_pool_create_unmanaged_ex(&transport->operations, apr_pool_abort_get(pool), NULL);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    apr_pool_cleanup_register(pool, transport, close_transport, apr_pool_cleanup_null);
    transport->payload_max = payload_max;
    transport->replies.port = transport->port;
    transport->replies.wake = &transport->wake;
    *opened = transport;
    return transport_listen(transport, listeners, count);
}
