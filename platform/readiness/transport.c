/*
 * The transport of systems that report readiness: wait for a readable socket, fill the batch from
 * it, send the replies by the same socket.
 */

#include "readiness.h"

#include <apr_portable.h>
#include <errno.h>
#include <string.h>

#include "waiter.h"

/* How often in a row a call may come to nothing, though there was something to do for it. It
 * happens now and then; a system where it happens for ever would keep a worker busy with it. */
#define FRUITLESS_RECEIVES_MAX 1000
#define FRUITLESS_SENDS_MAX    10

/* Buffers that start at the same offset of their pages compete for the same few lines of the
 * processor's first cache; an odd number of lines between them spreads them. */
#define CACHE_LINE ((apr_size_t)64)

/* One listener's socket, as one worker uses it. */
typedef struct way {
    int descriptor;
    unsigned listener;
    int wildcard;
    endpoint_t local;
} way_t;

typedef struct control {
    _Alignas(struct cmsghdr) unsigned char bytes[CONTROL_MAX];
} control_t;

struct transport {
    move_messages_t *receive;
    move_messages_t *send;
    waiter_t waiter;
    turn_t *turn; /* NULL: no other transport waits for these sockets */
    int has_turn;
    unsigned fruitless_receives; /* since the last datagram */
    const way_t *way;            /* of the batch that is lent */
    datagram_t datagrams[BATCH_MAX];
    struct iovec vectors[BATCH_MAX];
    control_t controls[BATCH_MAX]; /* of the messages, then of the replies */
    message_t messages[BATCH_MAX];
    unsigned used; /* how many of the messages the kernel wrote to last */
    struct iovec reply_vectors[BATCH_MAX];
    message_t replies[BATCH_MAX];
};

const char *transport_backend(const transport_t *transport)
{
    return apr_pollset_method_name(transport->waiter.pollset);
}

static void prepare_slots(transport_t *transport, apr_size_t payload_max, apr_pool_t *pool)
{
    apr_size_t stride = APR_ALIGN(payload_max, 2 * CACHE_LINE) + CACHE_LINE;
    unsigned char *payloads = apr_palloc(pool, BATCH_MAX * stride);

    for (unsigned i = 0; i < BATCH_MAX; i++) {
        datagram_t *datagram = &transport->datagrams[i];
        struct msghdr *header = &transport->messages[i].msg_hdr;

        datagram->data = payloads + i * stride;
        transport->vectors[i].iov_base = datagram->data;
        transport->vectors[i].iov_len = payload_max;
        header->msg_name = &datagram->from.sa;
        header->msg_iov = &transport->vectors[i];
        header->msg_iovlen = 1;
        header->msg_control = transport->controls[i].bytes;
    }
    transport->used = BATCH_MAX;
}

static apr_status_t add_way(transport_t *transport, unsigned index, const listener_t *listener,
                            unsigned worker, apr_pool_t *pool)
{
    way_t *way = apr_pcalloc(pool, sizeof *way);
    apr_socket_t *socket = listener_socket(listener, worker);

    apr_os_sock_get(&way->descriptor, socket);
    way->listener = index;
    way->local = listener_describe(listener)->local;
    way->wildcard = endpoint_is_wildcard(&way->local);
    return waiter_add(&transport->waiter, socket, way, pool);
}

/* Only where all sockets are shared is there a turn: whoever waits for it hears nothing of a socket
 * of its own. */
static turn_t *common_turn(listener_t *const *listeners, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (listener_turn(listeners[i]) == NULL) {
            return NULL;
        }
    }
    return listener_turn(listeners[0]);
}

apr_status_t readiness_open(transport_t **opened, listener_t *const *listeners, unsigned count,
                            unsigned worker, apr_size_t payload_max, apr_pollset_method_e method,
                            apr_pool_t *pool)
{
    transport_t *transport = apr_pcalloc(pool, sizeof *transport);
    apr_status_t status = waiter_open(&transport->waiter, count, method, pool);

    for (unsigned i = 0; status == APR_SUCCESS && i < count; i++) {
        status = add_way(transport, i, listeners[i], worker, pool);
    }
    if (status == APR_SUCCESS) {
        const platform_t *platform = listener_platform(listeners[0]);

        transport->receive = receive_messages(platform);
        transport->send = send_messages(platform);
        transport->turn = common_turn(listeners, count);
        prepare_slots(transport, payload_max, pool);
        *opened = transport;
    }
    return status;
}

apr_status_t transport_open(transport_t **transport, listener_t *const *listeners, unsigned count,
                            unsigned worker, apr_size_t payload_max, apr_pool_t *pool)
{
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

/* To only look needs no turn: it wakes nobody. */
static apr_status_t wait_turn(transport_t *transport, apr_interval_time_t timeout)
{
    if (transport->turn == NULL || transport->has_turn || timeout == 0) {
        return APR_SUCCESS;
    }
    apr_status_t status = turn_take(transport->turn, &transport->waiter.woken, timeout);

    transport->has_turn = status == APR_SUCCESS;
    if (APR_STATUS_IS_EINTR(status)) {
        waiter_take_wake(&transport->waiter);
    }
    return status;
}

/* The rest of a wait that is cut to whole milliseconds would be a busy loop. */
static apr_interval_time_t round_up(apr_interval_time_t timeout)
{
    return timeout % 1000 > 0 ? timeout + 1000 - timeout % 1000 : timeout;
}

/* ---- Receiving ---- */

/* Fills the slots from one socket, after setting right the lengths that the kernel wrote over. */
static int receive_from(transport_t *transport, const way_t *way)
{
    for (unsigned i = 0; i < transport->used; i++) {
        struct msghdr *header = &transport->messages[i].msg_hdr;

        header->msg_namelen = sizeof transport->datagrams[i].from.sa;
        header->msg_controllen = CONTROL_MAX;
    }
    int received = transport->receive(way->descriptor, transport->messages, BATCH_MAX);

    /* A call that failed may have written to the slot that it failed on. */
    transport->used = received > 0 ? (unsigned)received : 1;
    return received;
}

static void describe(datagram_t *datagram, message_t *message, const way_t *way)
{
    datagram->from.length = message->msg_hdr.msg_namelen;
    datagram->to = way->local;
    datagram->listener = way->listener;
    datagram->length = message->msg_len;
    datagram->truncated = (message->msg_hdr.msg_flags & MSG_TRUNC) != 0;
    datagram->broadcast = 0;
    datagram->arrival_interface = 0;
    if (way->wildcard) {
        control_read(&message->msg_hdr, datagram);
    }
}

static void lend(transport_t *transport, batch_t *batch, const way_t *way, unsigned count)
{
    transport->way = way;
    for (unsigned i = 0; i < count; i++) {
        describe(&transport->datagrams[i], &transport->messages[i], way);
        batch->at[i] = &transport->datagrams[i];
    }
    batch->count = count;
}

/* Receives from whatever was readable at the last wait. APR_TIMEUP: all of it is empty by now. */
static apr_status_t receive_readable(transport_t *transport, batch_t *batch)
{
    waiter_t *waiter = &transport->waiter;

    while (waiter->ready_count > 0) {
        const way_t *way = waiter->ready->client_data;
        int received = receive_from(transport, way);

        waiter->ready++;
        waiter->ready_count--;
        if (received > 0) {
            transport->fruitless_receives = 0;
            lend(transport, batch, way, (unsigned)received);
            return APR_SUCCESS;
        }
        /* Readable and yet empty: a sibling was faster on a shared socket, or the checksum of the
         * only datagram was wrong (select(2), BUGS). */
        if (received < 0 && !APR_STATUS_IS_EAGAIN(errno) && errno != EINTR) {
            return errno;
        }
        if (++transport->fruitless_receives > FRUITLESS_RECEIVES_MAX) {
            return APR_EAGAIN;
        }
    }
    return APR_TIMEUP;
}

static apr_status_t receive_batch(transport_t *transport, batch_t *batch,
                                  apr_interval_time_t timeout)
{
    apr_status_t status = receive_readable(transport, batch);

    /* A look must not end with the sockets of an earlier wait; only a poll knows of all. */
    while (APR_STATUS_IS_TIMEUP(status)) {
        status = wait_turn(transport, timeout);
        if (status == APR_SUCCESS) {
            status = waiter_wait(&transport->waiter, round_up(timeout));
        }
        if (status != APR_SUCCESS) {
            return status;
        }
        status = receive_readable(transport, batch);
        if (timeout != 0) {
            return status;
        }
    }
    return status;
}

apr_status_t transport_receive(transport_t *transport, batch_t *batch, apr_interval_time_t timeout)
{
    apr_status_t status;

    batch->count = 0;
    status =
        waiter_take_wake(&transport->waiter) ? APR_EINTR : receive_batch(transport, batch, timeout);
    /* The turn stays here as long as one worker is enough. */
    if (status != APR_SUCCESS || batch->count == BATCH_MAX) {
        pass_turn(transport);
    }
    return status;
}

/* ---- Replying ---- */

static void compose(transport_t *transport, unsigned index, datagram_t *datagram)
{
    struct msghdr *header = &transport->replies[index].msg_hdr;
    struct iovec *vector = &transport->reply_vectors[index];

    vector->iov_base = datagram->data;
    vector->iov_len = datagram->length;
    header->msg_name = &datagram->from.sa;
    header->msg_namelen = datagram->from.length;
    header->msg_iov = vector;
    header->msg_iovlen = 1;
    header->msg_control = NULL;
    header->msg_controllen = 0;
    if (transport->way->wildcard) {
        header->msg_control = transport->controls[index].bytes;
        control_write(header, datagram);
    }
}

/* A batch is a row of strangers: the send stops at a message that fails, that one is counted, and
 * the next is where it goes on. */
static void send_all(transport_t *transport, unsigned count, send_outcome_t *outcome)
{
    unsigned next = 0;
    unsigned fruitless = 0;

    while (next < count) {
        int sent =
            transport->send(transport->way->descriptor, &transport->replies[next], count - next);

        if (sent > 0) {
            for (int i = 0; i < sent; i++) {
                outcome->sent_bytes += transport->replies[next].msg_len;
                next++;
            }
            outcome->sent += (unsigned)sent;
        } else if (errno != EINTR || ++fruitless > FRUITLESS_SENDS_MAX) {
            outcome->failed[send_error_kind(errno)]++;
            next++;
        }
    }
}

void transport_reply(transport_t *transport, batch_t *batch, send_outcome_t *outcome)
{
    unsigned count = 0;

    memset(outcome, 0, sizeof *outcome);
    for (unsigned i = 0; i < batch->count; i++) {
        datagram_t *datagram = batch->at[i];

        if (datagram->verdict == VERDICT_ECHO) {
            compose(transport, count++, datagram);
        }
    }
    send_all(transport, count, outcome);
    batch->count = 0;
}
