/* Receives that are posted in advance, and their datagrams until they are in a batch. */

#include "iocp/iocp.h"

#include <string.h>

#include "iocp/details.h"
#include "udpecho/clock.h"

/* An error of an earlier reply may be reported by a posted receive, once for each. After this many
 * in a row the receive is posted later, so that one that is reported each time does not keep a
 * worker busy. */
#define RESETS_MAX 64

/* The longest payload of one Ethernet packet, which is larger in IPv4 than in IPv6. */
#define UNFRAGMENTED_MAX 1472

int is_reset(int error)
{
    return error == WSAECONNRESET || error == WSAENETRESET;
}

/* ---- Posting ---- */

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
    operation->rest.length = 0;
    memset(&operation->datagram.from, 0, sizeof operation->datagram.from); /* of an earlier one */
    operation->buffers[0] = (WSABUF){(ULONG)operation->payload_max, (char *)operation->room};
    message->name = &operation->datagram.from.sa.any;
    message->namelen = sizeof operation->datagram.from.sa;
    message->lpBuffers = operation->buffers;
    message->dwBufferCount = 1;
    message->Control.buf = (char *)operation->control;
    message->Control.len = CONTROL_MAX;
    message->dwFlags = 0;
}

/* Posts one receive; from then on the kernel uses it and this code must not read it. 0 or the
 * error. */
static int post(port_t *port, operation_t *operation)
{
    int resets = 0;
    int error;

    do {
        prepare(operation);
        atomic_fetch_add(&port->posted, 1);
        error = call_receive(operation);
        if (is_posted(error)) {
            return 0;
        }
        atomic_fetch_sub(&port->posted, 1);
    } while (is_reset(error) && ++resets < RESETS_MAX);
    return error;
}

static int is_left(const operation_t *operation)
{
    return atomic_load(&operation->socket->is_left);
}

int receives_post(receives_t *receives)
{
    operation_t *list = receives->idle;
    operation_t *operation;
    int failure = 0;

    receives->idle = NULL;
    while ((operation = operation_pop(&list)) != NULL) {
        if (is_left(operation)) {
            spare_give(receives->port, operation);
            continue;
        }
        int error = post(receives->port, operation);

        if (error != 0) {
            failure = error;
            operation_push(&receives->idle, operation);
        }
    }
    return failure;
}

/* ---- Taking ---- */

static void append(receives_t *receives, operation_t *operation)
{
    operation->next = NULL;
    *receives->received_end = operation;
    receives->received_end = &operation->next;
}

operation_t *receives_pop(receives_t *receives)
{
    operation_t *operation = operation_pop(&receives->received);

    if (receives->received == NULL) {
        receives->received_end = &receives->received;
    }
    return operation;
}

/*
 * Some adapters make the system coalesce datagrams without saying how long each is, and such a
 * message looks like one long datagram: the echo would be one, too. A datagram that came in
 * fragments looks the same. Both are rare, and turning coalescing off only costs time; so a
 * socket does that when a message is longer than a packet and has no length.
 */
static void doubt_coalescing(shared_socket_t *socket)
{
    atomic_store(&socket->coalesces, 0);
    call_set(socket->handle, UDP_RECV_MAX_COALESCED_SIZE, 0);
}

/* Reads all that the message tells of its datagrams. */
static void open_message(operation_t *operation)
{
    datagram_t *datagram = &operation->datagram;
    shared_socket_t *socket = operation->socket;
    struct service *service = atomic_load_explicit(&socket->service, memory_order_acquire);
    unsigned details = atomic_load_explicit(&socket->details, memory_order_relaxed);
    apr_size_t length = operation->overlapped.InternalHigh;

    datagram->from.length = operation->message.namelen;
    datagram->to = socket->local;
    datagram->arrival_interface = 0;
    datagram->service = service; /* read first: it needs the details */
    datagram->listener = atomic_load_explicit(&socket->told, memory_order_relaxed);
    datagram->arrived = details & DETAIL_TIMES ? clock_wall() : 0;
    datagram->drops = 0;
    datagram->hop_limit = -1;
    datagram->traffic_class = -1;
    apr_size_t segment = control_messages_read(&operation->message, datagram); /* and the flags */

    if (details != 0) {
        details_read(&operation->message, datagram);
    }
    if (segment == 0 && length > UNFRAGMENTED_MAX && atomic_load(&socket->coalesces)) {
        doubt_coalescing(socket);
    }
    /* What came together before times were asked for has none of its own. */
    int is_one = segment >= length || (details & DETAIL_TIMES) != 0;

    operation->rest = (segments_t){operation->room, length, is_one ? 0 : segment};
    operation->unsent_count = 0;
}

int receive_take(receives_t *receives, operation_t *operation)
{
    if (is_left(operation)) {
        spare_give(receives->port, operation); /* its socket may be closed */
        return 0;
    }
    if (operation->rest.length > 0) { /* another transport has a part of it in its batch */
        append(receives, operation);
        return 0;
    }
    int error = call_result(operation);

    if (error == 0 || error == WSAEMSGSIZE) {
        DWORD flags = operation->message.dwFlags;

        operation->datagram.control_truncated = (flags & MSG_CTRUNC) != 0;
        operation->datagram.truncated = message_is_truncated(error, flags);
        open_message(operation);
        append(receives, operation);
        return 0;
    }
    operation_push(&receives->idle, operation);
    return error == WSA_OPERATION_ABORTED || is_reset(error) ? 0 : error;
}

/* ---- Lending ---- */

/* The next datagram of the operation. Those behind the first have the first's properties. */
static void lend_one(receives_t *receives, batch_t *batch, operation_t *operation)
{
    datagram_t *datagram = &operation->datagram;

    if (operation->rest.data != operation->room) {
        datagram = &receives->datagrams[batch->count];
        *datagram = operation->datagram;
    }
    datagram->data = segments_take(&operation->rest, &datagram->length);
    datagram->reply_traffic_class = -1;
    datagram->departure_id = -1;
    receives->lent[batch->count] = operation;
    batch->at[batch->count++] = datagram;
}

void receives_lend(receives_t *receives, batch_t *batch, unsigned most)
{
    while (batch->count < most && receives->received != NULL) {
        operation_t *operation = receives->received;

        lend_one(receives, batch, operation);
        if (operation->rest.length == 0) {
            receives_pop(receives);
        }
    }
}

void receive_return(receives_t *receives, operation_t *operation)
{
    operation->replies = NULL;
    if (operation->rest.length > 0 && !is_left(operation)) { /* before what came later */
        if (receives->received == NULL) {
            receives->received_end = &operation->next;
        }
        operation_push(&receives->received, operation);
    } else {
        operation_push(&receives->idle, operation);
    }
}
