/*
 * Replies on their way. The kernel takes one at once or keeps it until it has room, and says so in
 * the port, where whichever worker comes by takes it.
 */

#include "iocp/iocp.h"

#include <string.h>

#include "udpecho/clock.h"

static void tell_failure(const replies_t *replies, const operation_t *operation)
{
    if (replies->failed != NULL) {
        replies->failed(replies->context, &operation->datagram);
    }
}

static void fail(replies_t *replies, const operation_t *operation, int error)
{
    replies->untold.failed[send_error_kind(error)]++;
    tell_failure(replies, operation);
}

/* In the operation's room for it: the kernel may read all of it later. */
static void compose(operation_t *operation)
{
    WSAMSG *message = &operation->message;

    memset(&operation->overlapped, 0, sizeof operation->overlapped);
    operation->buffer.len = (ULONG)operation->datagram.length;
    message->Control.len = 0;
    message->dwFlags = 0;
    if (operation->socket->wildcard) {
        message->Control.len = CONTROL_MAX;
        control_message_write(message, &operation->datagram);
    }
}

int reply_post(replies_t *replies, operation_t *operation)
{
    shared_socket_t *socket = operation->socket;
    port_t *port = replies->port;

    compose(operation);
    operation->replies = replies;
    atomic_fetch_add(&replies->under_way, 1);
    atomic_fetch_add(&socket->under_way, 1);
    atomic_fetch_add(&port->posted, 1);

    int error = call_send(operation);

    if (error == 0 || error == WSA_IO_PENDING) {
        return 1;
    }
    atomic_fetch_sub(&port->posted, 1);
    atomic_fetch_sub(&socket->under_way, 1);
    atomic_fetch_sub(&replies->under_way, 1);
    fail(replies, operation, error);
    return 0;
}

/* How many replies were under way with this one; 0: they were given up. */
static unsigned count_out(replies_t *sender)
{
    unsigned under_way = atomic_load(&sender->under_way);

    while (under_way > 0 &&
           !atomic_compare_exchange_weak(&sender->under_way, &under_way, under_way - 1)) {
    }
    return under_way;
}

void reply_take(replies_t *replies, operation_t *operation)
{
    replies_t *sender = operation->replies;
    int error = call_result(operation);
    unsigned under_way = count_out(sender);

    atomic_fetch_sub(&operation->socket->under_way, 1);
    if (under_way > 0 && error == 0) {
        replies->untold.sent++;
        replies->untold.sent_bytes += operation->datagram.length;
    } else if (under_way > 0) {
        fail(replies, operation, error);
    } else if (error != 0) { /* it was given up, and counted then */
        tell_failure(replies, operation);
    }
    if (under_way == 1 && sender != replies && atomic_load(&sender->are_awaited)) {
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
