/* The messages of flows by recvmsg(2) and sendmsg(2), many to a call where the system can. */

#include <apr_strings.h>
#include <errno.h>

#include "flow.h"
#include "flow_system.h"
#include "readiness.h"
#include "udpecho/host.h"

typedef struct control {
    _Alignas(struct cmsghdr) unsigned char bytes[FLOW_CONTROL_MAX];
} control_t;

struct flow_messages {
    move_messages_t *receive;
    apr_size_t payload_max;
    unsigned char *payloads;
    unsigned used; /* rooms whose messages are lent */
    endpoint_t senders[BATCH_MAX];
    message_t rooms[BATCH_MAX]; /* always ready to receive into, from the one after those */
    struct iovec vectors[BATCH_MAX];
    control_t controls[BATCH_MAX];
    arrival_t *arrivals; /* ARRIVALS_MAX */
};

/* Makes a room ready to receive into, after a receive wrote to its lengths. */
static void clear_room(flow_messages_t *messages, unsigned index)
{
    struct msghdr *header = &messages->rooms[index].msg_hdr;

    header->msg_namelen = sizeof messages->senders[index].sa;
    header->msg_controllen = FLOW_CONTROL_MAX;
}

static unsigned char *payload_of(const flow_messages_t *messages, unsigned index)
{
    return messages->payloads + index * messages->payload_max;
}

flow_messages_t *flow_messages_create(const flows_options_t *options, apr_pool_t *pool)
{
    flow_messages_t *messages = apr_pcalloc(pool, sizeof *messages);

    messages->receive = receive_messages(options->platform);
    messages->payload_max = options->payload_max;
    messages->payloads = apr_palloc(pool, BATCH_MAX * options->payload_max);
    messages->arrivals = apr_palloc(pool, ARRIVALS_MAX * sizeof *messages->arrivals);
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        struct msghdr *header = &messages->rooms[i].msg_hdr;

        messages->vectors[i].iov_base = payload_of(messages, i);
        messages->vectors[i].iov_len = options->payload_max;
        header->msg_name = &messages->senders[i].sa;
        header->msg_iov = &messages->vectors[i];
        header->msg_iovlen = 1;
        header->msg_control = messages->controls[i].bytes;
        clear_room(messages, i);
    }
    return messages;
}

void flow_messages_take_back(flow_messages_t *messages)
{
    messages->used = 0;
}

int flow_messages_are_full(const flow_messages_t *messages)
{
    return messages->used == BATCH_MAX;
}

/* ---- Receiving ---- */

/* Lends what the next room holds: the datagrams of `segment` bytes each, but for the last, that
 * came together as one message, or one datagram if that is 0. */
static void lend_each(flow_messages_t *messages, arrival_t rest, apr_size_t segment,
                      arrivals_t *arrivals)
{
    do {
        arrival_t *arrival = &messages->arrivals[arrivals->count];

        *arrival = rest;
        if (segment > 0 && segment < rest.length) {
            arrival->length = segment;
        }
        rest.data += arrival->length;
        rest.length -= arrival->length;
        arrivals->at[arrivals->count++] = arrival;
    } while (rest.length > 0 && arrivals->count < ARRIVALS_MAX);
}

/* The same for the next `count` rooms, whose arrivals all have in common what `like` says. */
static void lend(flow_messages_t *messages, const arrival_t *like, arrivals_t *arrivals,
                 unsigned count)
{
    apr_time_t wall_clock = apr_time_now(); /* first: an arrival may look late, not early */
    apr_time_t now = clock_now();

    for (; count > 0; count--) {
        unsigned room = messages->used++;
        struct msghdr *header = &messages->rooms[room].msg_hdr;
        arrival_t arrival = *like;

        if (arrival.refused == APR_SUCCESS) {
            arrival.from.sa = messages->senders[room].sa;
            arrival.from.length = header->msg_namelen;
            arrival.length = messages->rooms[room].msg_len;
        }
        arrival.data = payload_of(messages, room);
        arrival.truncated = (header->msg_flags & MSG_TRUNC) != 0;
        lend_each(messages, arrival, arrival_read(header, &arrival, wall_clock, now), arrivals);
        clear_room(messages, room);
    }
}

void flow_messages_receive_refusals(flow_messages_t *messages, apr_os_sock_t socket, unsigned flow,
                                    arrivals_t *arrivals)
{
    arrival_t arrival = {.flow = flow};

    while (!flow_messages_are_full(messages) &&
           system_receive_refusal(socket, &messages->rooms[messages->used].msg_hdr, &arrival)) {
        lend(messages, &arrival, arrivals, 1);
    }
    if (!flow_messages_are_full(messages)) {
        clear_room(messages, messages->used);
    }
}

/* A refusal that came in makes the receive fail, and can then be read apart. */
static apr_status_t look_into_failure(flow_messages_t *messages, apr_os_sock_t socket,
                                      unsigned flow, arrivals_t *arrivals)
{
    apr_status_t failure = errno;
    unsigned before = arrivals->count;

    clear_room(messages, messages->used); /* the call may have written to what it failed on */
    if (APR_STATUS_IS_EAGAIN(failure) || APR_STATUS_IS_EINTR(failure)) {
        return APR_SUCCESS;
    }
    flow_messages_receive_refusals(messages, socket, flow, arrivals);
    return arrivals->count > before ? APR_SUCCESS : failure;
}

apr_status_t flow_messages_receive(flow_messages_t *messages, apr_os_sock_t socket, unsigned flow,
                                   arrivals_t *arrivals)
{
    const arrival_t like = {.flow = flow};
    int received =
        messages->receive(socket, &messages->rooms[messages->used], BATCH_MAX - messages->used);

    if (received < 0) {
        return look_into_failure(messages, socket, flow, arrivals);
    }
    lend(messages, &like, arrivals, (unsigned)received);
    return APR_SUCCESS;
}
