/*
 * Replies on their way. The kernel takes a message at once or keeps it until it has room, and says
 * so in the port, where whichever worker comes by takes it. A message is one datagram, or several
 * to the same peer that the system cuts apart (UDP_SEND_MSG_SIZE): those of several operations that
 * received one each, or those of an operation that received several.
 */

#include "iocp/iocp.h"

#include <string.h>

#include "udpecho/clock.h"

/* Messages of more datagrams fail, as others have seen; Windows documents no limit. */
#define OWN_MAX 512

/* ---- Messages ---- */

static int gathers(const shared_socket_t *socket)
{
    return atomic_load_explicit(&socket->gathers, memory_order_relaxed) &&
           (atomic_load_explicit(&socket->details, memory_order_relaxed) & DETAIL_TIMES) == 0;
}

/* How many of the operation's own datagrams its next message may have. */
static unsigned own_max(replies_t *replies, const operation_t *operation)
{
    if (operation->unsent_count == 1 || operation->apart > 0 || !gathers(operation->socket) ||
        !gather_limits_allow(&replies->limits, &operation->datagram.from,
                             operation->rest.segment)) {
        return 1;
    }
    apr_size_t most = PAYLOAD_MAX_IPV4 / operation->rest.segment;

    return most < 1 ? 1 : most < OWN_MAX ? (unsigned)most : OWN_MAX;
}

static void add_part(operation_t *operation, const operation_t *from, apr_size_t length)
{
    operation->buffers[operation->message.dwBufferCount++] =
        (WSABUF){(ULONG)length, (char *)from->unsent};
    operation->length += length;
}

/* In the operation's room for it: the kernel may read all of it later. */
static void compose(replies_t *replies, operation_t *operation)
{
    WSAMSG *message = &operation->message;
    unsigned most = own_max(replies, operation);
    int is_all = operation->unsent_count <= most;

    memset(&operation->overlapped, 0, sizeof operation->overlapped);
    message->dwBufferCount = 0;
    message->Control.len = 0;
    message->dwFlags = 0;
    operation->length = 0;
    operation->own_count = is_all ? operation->unsent_count : most;
    operation->count = operation->own_count;
    add_part(operation, operation,
             is_all ? operation->unsent_length : most * operation->rest.segment);
    for (operation_t *other = operation->others; other != NULL; other = other->next) {
        add_part(operation, other, other->unsent_length);
        operation->count++;
    }
    if (operation->socket->wildcard) {
        control_message_write(message, &operation->datagram);
    }
    if (operation->count > 1) {
        operation->segment =
            operation->others != NULL ? operation->unsent_length : operation->rest.segment;
        control_segment_write(message, operation->segment);
    }
}

/* 0: a completion will come. Otherwise the error. */
static int submit(replies_t *replies, operation_t *operation)
{
    port_t *port = replies->receives->port;
    shared_socket_t *socket = operation->socket;

    compose(replies, operation);
    unsigned pledged = operation->unsent_count + operation->count - operation->own_count;

    operation->pledged = pledged;
    operation->replies = replies;
    atomic_fetch_add(&replies->under_way, pledged);
    atomic_fetch_add(&socket->under_way, 1);
    atomic_fetch_add(&port->posted, 1);

    int error = call_send(operation);

    if (error == 0 || error == WSA_IO_PENDING) {
        return 0;
    }
    atomic_fetch_sub(&port->posted, 1);
    atomic_fetch_sub(&socket->under_way, 1);
    atomic_fetch_sub(&replies->under_way, pledged);
    return error;
}

/* ---- What becomes of them ---- */

/* The message was everything that its datagrams required. */
static void pass(operation_t *operation)
{
    operation->unsent += operation->buffers[0].len;
    operation->unsent_length -= operation->buffers[0].len;
    operation->unsent_count -= operation->own_count;
    operation->apart -= operation->apart > 0;
    for (operation_t *other = operation->others; other != NULL; other = other->next) {
        other->unsent_count = 0;
    }
}

/* The message was of one reply. What it points to goes with its listener, which may be closing. */
static void tell_failure(const replies_t *replies, const operation_t *operation)
{
    shared_socket_t *socket = operation->socket;

    atomic_fetch_add(&socket->telling, 1);
    if (replies->failed != NULL && !atomic_load(&socket->is_closing)) {
        datagram_t reply = operation->datagram;

        reply.data = operation->unsent;
        reply.length = operation->length;
        replies->failed(replies->context, &reply);
    }
    atomic_fetch_sub(&socket->telling, 1);
}

static void tell_of(replies_t *replies, operation_t *operation, int error)
{
    send_outcome_t *untold = &replies->untold;

    if (error != 0) {
        untold->failed[send_error_kind(error)]++;
        tell_failure(replies, operation);
        return;
    }
    untold->sent += operation->count;
    untold->sent_bytes += operation->length;
    if (operation->is_suspect && operation->count == 1) {
        gather_limits_lower(&replies->limits, &operation->datagram.from, operation->segment);
        operation->is_suspect = 0;
    }
}

/*
 * A message of several that fails is sent apart, so that no reply is lost for another one's sake.
 * What the gathering may be to blame for is not gathered again with this peer for a while, nor what
 * is longer: but only once a plain send has succeeded, since what is wrong may be the address.
 *
 * Returns a list of the message's operations, of which something may be left to send.
 */
static operation_t *settle(replies_t *replies, operation_t *operation, int error)
{
    if (error != 0 && operation->count > 1) {
        operation->apart = operation->own_count;
        operation->is_suspect = gather_limits_may_cause(error);
    } else {
        tell_of(replies, operation, error);
        pass(operation);
    }
    operation->next = operation->others;
    operation->others = NULL;
    return operation;
}

static void prepend(operation_t **list, operation_t *first)
{
    operation_t *last = first;

    while (last->next != NULL) {
        last = last->next;
    }
    last->next = *list;
    *list = first;
}

/* Sends what is left of each, one message of each at a time. */
static void send_all(replies_t *replies, operation_t *list)
{
    operation_t *operation;

    while ((operation = operation_pop(&list)) != NULL) {
        if (operation->unsent_count == 0) {
            receive_return(replies->receives, operation);
            continue;
        }
        int error = submit(replies, operation);

        if (error != 0) {
            prepend(&list, settle(replies, operation, error));
        }
    }
}

/* ---- From batches ---- */

void reply_keep(operation_t *operation, const datagram_t *datagram)
{
    if (operation->unsent_count++ == 0) {
        operation->unsent = datagram->data;
        operation->unsent_length = 0;
    }
    unsigned char *end = operation->unsent + operation->unsent_length;

    if (end != datagram->data) { /* those between are not to be echoed */
        memmove(end, datagram->data, datagram->length);
    }
    operation->unsent_length += datagram->length;
}

void reply_give(replies_t *replies, operation_t *operation)
{
    if (operation->unsent_count == 0) {
        receive_return(replies->receives, operation);
        return;
    }
    operation->others = NULL;
    operation->next = NULL;
    operation->apart = 0;
    operation->is_suspect = 0;
    if (operation->unsent_count == 1 && operation->rest.segment == 0 &&
        gathers(operation->socket)) {
        replies->gathered_from[replies->gathered.count] = operation;
        replies->gathered.at[replies->gathered.count++] = &operation->datagram;
    } else {
        replies_flush(replies); /* which may be to the same peer, and came before */
        send_all(replies, operation);
    }
}

/* The operations of a run, as others of the first. */
static operation_t *link_run(const replies_t *replies, const segment_run_t *run)
{
    operation_t *first = replies->gathered_from[run->first];
    operation_t **end = &first->others;
    unsigned index = run->first;

    for (unsigned left = run->count; left > 1; left--) {
        index = replies->runs.next[index];
        *end = replies->gathered_from[index];
        end = &(*end)->next;
    }
    *end = NULL;
    return first;
}

void replies_flush(replies_t *replies)
{
    if (replies->gathered.count == 0) {
        return;
    }
    segment_runs_form(&replies->runs, &replies->gathered, &replies->limits);
    replies->gathered.count = 0;
    for (unsigned i = 0; i < replies->runs.count; i++) {
        send_all(replies, link_run(replies, &replies->runs.at[i]));
    }
}

/* ---- Later than their batch ---- */

void reply_send(replies_t *replies, shared_socket_t *socket, const datagram_t *reply)
{
    _Alignas(WSACMSGHDR) unsigned char control[CONTROL_MAX] = {0};
    WSABUF buffer = {(ULONG)reply->length, (char *)reply->data};
    endpoint_t peer = reply->from;
    WSAMSG message = {
        .name = &peer.sa.any,
        .namelen = peer.length,
        .lpBuffers = &buffer,
        .dwBufferCount = 1,
        .Control = {0, (char *)control},
    };

    if (socket->wildcard) {
        control_message_write(&message, reply);
    }
    int error = call_send_now(socket->handle, &message);

    if (error == 0) {
        replies->untold.sent++;
        replies->untold.sent_bytes += reply->length;
        return;
    }
    replies->untold.failed[send_error_kind(error)]++;
    if (replies->failed != NULL) {
        replies->failed(replies->context, reply);
    }
}

/* ---- From the port ---- */

/* How many replies were under way before `count` of them ended; 0: they were given up. */
static unsigned count_out(replies_t *sender, unsigned count)
{
    unsigned under_way = atomic_load(&sender->under_way);

    while (under_way >= count) {
        if (atomic_compare_exchange_weak(&sender->under_way, &under_way, under_way - count)) {
            return under_way;
        }
    }
    return 0;
}

/* It was given up, and counted then: what is left of it is not sent any more. */
static operation_t *abandon(const replies_t *replies, operation_t *operation, int error)
{
    if (error != 0 && operation->count == 1) {
        tell_failure(replies, operation);
    }
    operation->own_count = operation->unsent_count;
    pass(operation);
    operation->next = operation->others;
    return operation;
}

void reply_take(replies_t *replies, operation_t *operation)
{
    replies_t *sender = operation->replies;
    shared_socket_t *socket = operation->socket;
    unsigned pledged = operation->pledged;
    int error = call_result(operation);
    unsigned under_way = count_out(sender, pledged);

    send_all(replies, under_way > 0 ? settle(replies, operation, error)
                                    : abandon(replies, operation, error));
    atomic_fetch_sub(&socket->under_way, 1); /* after those that it is followed by */
    if (under_way == pledged && sender != replies && atomic_load(&sender->are_awaited)) {
        wake_end_wait(sender->wake);
    }
}

DWORD replies_wait(const replies_t *replies, apr_time_t until)
{
    apr_interval_time_t left = until - clock_now();

    if (atomic_load(&replies->under_way) == 0 || left <= 0) {
        return 0;
    }
    return (DWORD)((left + 999) / 1000);
}

void replies_give_up(replies_t *replies)
{
    replies->untold.failed[SEND_EAGAIN] += atomic_exchange(&replies->under_way, 0);
}

void replies_tell(replies_t *replies, send_outcome_t *outcome)
{
    *outcome = replies->untold;
    memset(&replies->untold, 0, sizeof replies->untold);
}
