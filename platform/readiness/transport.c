/*
 * The transport of systems that report readiness: wait for a readable socket, fill the batch from
 * it, send the replies by the same socket.
 */

#include "readiness/readiness.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "readiness/details.h"
#include "readiness/receive_batch.h"
#include "readiness/send_batch.h"
#include "readiness/system.h"
#include "readiness/waiter.h"
#include "readiness/worker_sockets.h"
#include "udpecho/clock.h"

/* How often in a row a readable socket may be empty before the kernel is asked why, because one
 * that always is would keep a worker busy. It is not an error by itself: anybody can send
 * datagrams with a wrong checksum. */
#define FRUITLESS_RECEIVES_MAX 1000

struct transport {
    waiter_t waiter;
    worker_sockets_t sockets;
    unsigned worker;
    turn_t *turn; /* NULL: no other transport waits for these sockets */
    int has_turn;
    unsigned fruitless_receives; /* since the last datagram */
    receive_batch_t *receive_batch;
    worker_socket_t *socket; /* of what is in the receive batch */
    unsigned lent;           /* datagrams that transport_reply() has to return */
    send_batch_t *send_batch;
    const platform_t *platform;
    unsigned departed; /* how many departures the last receive learnt */
    departure_t departures[DEPARTURES_MAX];
};

const char *transport_backend(const transport_t *transport)
{
    return apr_pollset_method_name(transport->waiter.pollset);
}

void transport_on_failure(transport_t *transport, reply_failed_t *failed, void *context)
{
    send_batch_on_failure(transport->send_batch, failed, context);
}

apr_status_t transport_listen(transport_t *transport, listener_t *const *listeners, unsigned count)
{
    assert(count <= LISTENERS_MAX);
    assert(transport->lent == 0);
    return worker_sockets_set(&transport->sockets, &transport->waiter, listeners, count,
                              transport->worker);
}

/* There is a turn only if all sockets are shared: a worker that waits for the turn does not
 * notice its own sockets. On one host either all listeners are opened in this way or none, later
 * ones included. */
static apr_status_t common_turn(turn_t **turn, listener_t *const *listeners, unsigned count)
{
    apr_status_t status = APR_SUCCESS;

    do {
        status = listener_turn(turn, listeners[--count]);
    } while (status == APR_SUCCESS && *turn != NULL && count > 0);
    return status;
}

apr_status_t readiness_open(transport_t **opened, listener_t *const *listeners, unsigned count,
                            unsigned worker, apr_size_t payload_max, apr_pollset_method_e method,
                            apr_pool_t *pool)
{
    transport_t *transport = apr_pcalloc(pool, sizeof *transport);
    const platform_t *platform = listener_platform(listeners[0]);
    apr_status_t status =
        waiter_open(&transport->waiter, WORKER_SOCKETS_MAX, method, platform, pool);

    transport->worker = worker;
    if (status == APR_SUCCESS) {
        status = transport_listen(transport, listeners, count);
    }
    if (status == APR_SUCCESS) {
        status = common_turn(&transport->turn, listeners, count);
    }
    if (status == APR_SUCCESS) {
        transport->platform = platform;
        transport->receive_batch = receive_batch_create(transport->platform, payload_max, pool);
        transport->send_batch = send_batch_create(transport->platform, pool);
        *opened = transport;
    }
    return status;
}

apr_status_t transport_open(transport_t **transport, listener_t *const *listeners, unsigned count,
                            unsigned worker, apr_size_t payload_max, apr_pool_t *pool)
{
    assert(count > 0 && count <= LISTENERS_MAX);

    int has_method = platform_has(listener_platform(listeners[0]), FEATURE_POLL_METHOD);

    return readiness_open(transport, listeners, count, worker, payload_max,
                          has_method ? system_poll_method : APR_POLLSET_POLL, pool);
}

/* ---- Waiting ---- */

void transport_wake(transport_t *transport)
{
    if (waiter_wake(&transport->waiter) && transport->turn != NULL) {
        turn_wake(transport->turn);
    }
}

static void pass_turn(transport_t *transport)
{
    if (transport->has_turn) {
        transport->has_turn = 0;
        turn_pass(transport->turn);
    }
}

/* Takes the time that it waits from `timeout`. A receive that does not wait needs no turn: it wakes
 * nobody. */
static apr_status_t wait_turn(transport_t *transport, apr_interval_time_t *timeout)
{
    if (transport->turn == NULL || transport->has_turn || *timeout == 0) {
        return APR_SUCCESS;
    }
    apr_time_t begun = *timeout > 0 ? clock_now() : 0;
    apr_status_t status = turn_take(transport->turn, &transport->waiter.woken, *timeout);

    if (*timeout > 0) {
        apr_interval_time_t waited = clock_now() - begun;

        *timeout = waited < *timeout ? *timeout - waited : 0;
    }

    transport->has_turn = status == APR_SUCCESS;
    if (APR_STATUS_IS_EINTR(status)) {
        waiter_take_wake(&transport->waiter);
    }
    return status;
}

/* The rest of a wait that is cut to whole milliseconds would be a busy loop. */
static apr_interval_time_t round_up(const transport_t *transport, apr_interval_time_t timeout)
{
    return timeout % 1000 > 0 && !waiter_is_exact(&transport->waiter)
               ? timeout + 1000 - timeout % 1000
               : timeout;
}

/* ---- Receiving ---- */

/* What a receive that brought nothing tells: APR_SUCCESS if the socket is empty. */
static apr_status_t failure_of(transport_t *transport, worker_socket_t *socket, int error)
{
    int is_interrupted = error == EINTR;

    if (!is_interrupted && !APR_STATUS_IS_EAGAIN(error)) {
        return error;
    }
    if (++transport->fruitless_receives <= FRUITLESS_RECEIVES_MAX) {
        return is_interrupted ? APR_EINTR : APR_SUCCESS;
    }
    if (is_interrupted || worker_socket_is_stuck(socket)) {
        return APR_EAGAIN;
    }
    transport->fruitless_receives = 0;
    return APR_SUCCESS;
}

/* What the kernel tells of replies is an error in the eyes of poll(2), and comes back at the next
 * wait if there is no room for it now. It ends only by being read, also where nobody here asked for
 * it: another process may have, of a socket that it handed over. */
static void take_departures(transport_t *transport, const worker_socket_t *socket)
{
    unsigned room = DEPARTURES_MAX - transport->departed;

    if (room > 0) {
        unsigned count = system_read_departures(
            socket->descriptor, &transport->departures[transport->departed], room,
            platform_has(transport->platform, FEATURE_BATCHED_RECEIVE));

        transport->departed +=
            platform_has(transport->platform, FEATURE_DEPARTURE_TIME) ? count : 0;
    }
}

/* Receives from all sockets that were readable at the last wait. APR_TIMEUP: all of them are
 * empty now. */
static apr_status_t receive_readable(transport_t *transport, batch_t *batch)
{
    const apr_pollfd_t *ready;

    while ((ready = waiter_ready(&transport->waiter)) != NULL) {
        worker_socket_t *socket = ready->client_data;
        int received = receive_batch_fill(transport->receive_batch, socket);
        apr_status_t failure = received > 0 ? APR_SUCCESS : failure_of(transport, socket, errno);

        if (APR_STATUS_IS_EINTR(failure)) {
            continue; /* the same socket again */
        }
        if ((ready->rtnevents & APR_POLLERR) != 0) {
            take_departures(transport, socket);
        }
        waiter_pass(&transport->waiter);
        if (received > 0) {
            transport->fruitless_receives = 0;
            transport->socket = socket;
            receive_batch_lend(transport->receive_batch, batch);
            return APR_SUCCESS;
        }
        /* Readable and yet empty: another worker was faster on a shared socket, or the checksum of
         * the only datagram was wrong, which Linux drops and counts (select(2), BUGS). */
        if (failure != APR_SUCCESS) {
            return failure;
        }
    }
    return APR_TIMEUP;
}

static apr_status_t receive_again(transport_t *transport, batch_t *batch,
                                  apr_interval_time_t timeout)
{
    apr_status_t status = receive_readable(transport, batch);

    /* What was readable at an earlier wait is not all: only a poll knows of all. One poll does, so
     * that no stream of datagrams with wrong checksums keeps a look from its end. */
    if (APR_STATUS_IS_TIMEUP(status)) {
        status = wait_turn(transport, &timeout);
        if (status == APR_SUCCESS) {
            status = waiter_wait(&transport->waiter, round_up(transport, timeout));
        }
        if (status == APR_SUCCESS) {
            status = receive_readable(transport, batch);
        }
    }
    return status;
}

apr_status_t transport_receive(transport_t *transport, batch_t *batch, apr_interval_time_t timeout)
{
    assert(timeout >= -1);
    assert(transport->lent == 0);

    apr_status_t status = APR_SUCCESS;

    transport->departed = 0;
    /* What is left, where a batch could not hold everything. */
    receive_batch_lend(transport->receive_batch, batch);
    /* A wake waits for that: who acts on it may close the sockets that it came by. */
    if (batch->count == 0) {
        status = waiter_take_wake(&transport->waiter) ? APR_EINTR
                                                      : receive_again(transport, batch, timeout);
    }
    /* The turn stays here as long as one worker is enough. */
    if (status != APR_SUCCESS || batch->count == BATCH_MAX ||
        receive_batch_is_full(transport->receive_batch)) {
        pass_turn(transport);
    }
    transport->lent = batch->count;
    return status;
}

/* ---- Replying ---- */

/* What a reply costs is its way through the network stack. So those to one peer go it together, as
 * one message that is cut into datagrams at its end, and all messages by one call. Flat, since
 * compilers no longer inline what has a second caller, transport_send(), and every datagram comes
 * this way. */
__attribute__((flatten)) void transport_reply(transport_t *transport, batch_t *batch,
                                              send_outcome_t *outcome)
{
    assert(batch->count == transport->lent);
    memset(outcome, 0, sizeof *outcome);
    if (batch->count > 0) {
        send_batch_send(transport->send_batch, transport->socket, batch, outcome);
    }
    batch->count = 0;
    transport->lent = 0;
}

void transport_send(transport_t *transport, const listener_t *listener, const batch_t *batch,
                    send_outcome_t *outcome)
{
    assert(transport->lent == 0);
    memset(outcome, 0, sizeof *outcome);
    worker_socket_t *socket = worker_sockets_find(&transport->sockets, listener);

    assert(socket != NULL);
    send_batch_send(transport->send_batch, socket, batch, outcome);
}

unsigned transport_departures(const transport_t *transport, const departure_t **departures)
{
    *departures = transport->departures;
    return transport->departed;
}

/* The kernel has already reported the outcome of each reply. */
void transport_finish(transport_t *transport, apr_interval_time_t timeout, send_outcome_t *outcome)
{
    assert(timeout >= 0);
    assert(transport->lent == 0);
    (void)transport, (void)timeout;
    memset(outcome, 0, sizeof *outcome);
}
