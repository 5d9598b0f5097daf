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

/* After resets without end a receive is posted so much later. It is no error: everybody can send
 * what makes replies fail. */
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
    receives_t receives;
    replies_t replies;
    unsigned lent_count; /* that transport_reply() has to return */
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

/* ---- Receiving ---- */

/* Takes what came from the port. 0 or the error of one of the receives. */
static int take_all(transport_t *transport, ULONG count)
{
    int failure = 0;

    atomic_fetch_sub(&transport->port->posted, (int)count);
    for (ULONG i = 0; i < count; i++) {
        operation_t *operation = (operation_t *)transport->entries[i].lpOverlapped;

        if (operation->replies != NULL) {
            reply_take(&transport->replies, operation);
            continue;
        }
        int error = receive_take(&transport->receives, operation);

        failure = error != 0 ? error : failure;
    }
    return failure;
}

/* The most datagrams that a batch may have. */
static unsigned batch_max(const transport_t *transport)
{
    return atomic_load(&transport->port->is_timed) ? TIMED_BATCH_MAX : BATCH_MAX;
}

/* Waits for completions and takes them. APR_SUCCESS, with or without datagrams; otherwise the
 * error of transport_receive(). */
static apr_status_t take_completions(transport_t *transport, batch_t *batch, DWORD milliseconds)
{
    unsigned most = batch_max(transport);
    ULONG count = 0;
    DWORD failure = call_take(transport->port, transport->entries, most, &count, milliseconds,
                              milliseconds != 0);

    if (failure == WAIT_IO_COMPLETION) {
        return wake_take(&transport->wake) ? APR_EINTR : APR_TIMEUP;
    }
    if (failure != 0) {
        return failure == WAIT_TIMEOUT ? APR_TIMEUP : APR_FROM_OS_ERROR((apr_status_t)failure);
    }
    failure = (DWORD)take_all(transport, count);
    receives_lend(&transport->receives, batch, most);
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
    int error = receives_post(&transport->receives);
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
    /* What an earlier batch had no room for. A wake waits for that: who acts on it may close the
     * sockets that it came by. */
    receives_lend(&transport->receives, batch, batch_max(transport));
    if (batch->count == 0) {
        if (wake_take(&transport->wake)) {
            return APR_EINTR;
        }
        status = timeout == 0 ? look(transport, batch)
                              : receive_some(transport, batch, milliseconds_of(timeout));
    }
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
        operation_t *operation = transport->receives.lent[i];
        int is_last = i + 1 == batch->count || transport->receives.lent[i + 1] != operation;

        if (batch->at[i]->verdict == VERDICT_ECHO) {
            reply_keep(operation, batch->at[i]);
        }
        if (is_last && operation->rest.length == 0) { /* else the next batch has more of it */
            reply_give(&transport->replies, operation);
        }
    }
    replies_flush(&transport->replies);
    batch->count = 0;
    transport->lent_count = 0;
    replies_tell(&transport->replies, outcome);
}

/* Copies leave by separate calls: a datagram of a batch returns with the receive that brought
 * it. */
void transport_send(transport_t *transport, const listener_t *listener, const batch_t *batch,
                    send_outcome_t *outcome)
{
    shared_socket_t *socket = listener_shared_socket((listener_t *)listener);

    assert(transport->lent_count == 0);
    for (unsigned i = 0; i < batch->count; i++) {
        reply_send(&transport->replies, socket, batch->at[i]);
    }
    replies_tell(&transport->replies, outcome);
}

/* What was received and not in a batch goes where others find it. */
static void put_back(transport_t *transport)
{
    port_t *port = transport->port;
    operation_t *operation;

    while ((operation = receives_pop(&transport->receives)) != NULL) {
        atomic_fetch_add(&port->posted, 1);
        if (!PostQueuedCompletionStatus(port->handle, 0, 0, &operation->overlapped)) {
            atomic_fetch_sub(&port->posted, 1);
            operation_push(&transport->receives.idle, operation); /* no memory: one is lost */
        }
    }
}

/* Sends what was kept of a message of which only a part is in the batch. */
static void reply_to_part(transport_t *transport)
{
    const operation_t *first = transport->receives.received;

    if (first != NULL && first->unsent_count > 0) {
        reply_give(&transport->replies, receives_pop(&transport->receives));
    }
}

void transport_finish(transport_t *transport, apr_interval_time_t timeout, send_outcome_t *outcome)
{
    assert(timeout >= 0);
    assert(transport->lent_count == 0);

    replies_t *replies = &transport->replies;
    apr_time_t until = clock_now() + timeout;
    DWORD wait;

    reply_to_part(transport);
    atomic_store(&replies->are_awaited, 1);
    while ((wait = replies_wait(replies, until)) > 0) {
        take_all(transport, port_take(transport->port, transport->entries, wait));
    }
    atomic_store(&replies->are_awaited, 0);
    put_back(transport);
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
        operation->room = apr_palloc(transport->operations, transport->payload_max > REPLY_ROOM_MIN
                                                                ? transport->payload_max
                                                                : REPLY_ROOM_MIN);
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
        operation_push(&transport->receives.idle, operations[i]);
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
 * A completion on a socket that is no longer listened to is not returned, whichever worker takes
 * it from the port. Another worker may still post on the socket until it stops listening, too.
 * When all have stopped, the socket gets nothing more, and closing it cancels what is posted.
 * Cancelling here would lose the replies in progress.
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
        apr_status_t status = port_join(transport->port, listeners[i], transport->payload_max);

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
    transport->receives.port = transport->port;
    transport->receives.received_end = &transport->receives.received;
    transport->replies.receives = &transport->receives;
    transport->replies.limits.segment_max = PAYLOAD_MAX_IPV6;
    transport->replies.wake = &transport->wake;
    *opened = transport;
    return transport_listen(transport, listeners, count);
}
