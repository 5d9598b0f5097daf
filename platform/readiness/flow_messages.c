/* The messages of flows by recvmsg(2) and sendmsg(2), many to a call where the system can. */

#include <apr_strings.h>
#include <errno.h>

#include "readiness/flow.h"
#include "readiness/flow_system.h"
#include "readiness/readiness.h"

typedef struct control {
    _Alignas(struct cmsghdr) unsigned char bytes[FLOW_CONTROL_MAX];
} control_t;

/* One message as it was received: one datagram, or several that the kernel coalesced. How many is
 * up to the kernel: 64 at first, 128 since Linux 6.9 (UDP_MAX_SEGMENTS). */
typedef struct received {
    arrival_t rest;     /* what is not lent yet */
    apr_size_t segment; /* length of each datagram but the last, bytes; 0: it is one datagram */
} received_t;

struct flow_messages {
    move_messages_t *receive;
    stamp_clock_t clock;
    apr_size_t payload_max;
    unsigned char *payloads;
    unsigned used; /* rooms that hold a message */
    unsigned next; /* the first of these that is not lent to its end */
    endpoint_t senders[BATCH_MAX];
    message_t rooms[BATCH_MAX]; /* always ready to receive into, from the one after those */
    struct iovec vectors[BATCH_MAX];
    control_t controls[BATCH_MAX];
    received_t received[BATCH_MAX];
    arrival_t arrivals[ARRIVALS_MAX]; /* which are lent */
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
    messages->clock = stamp_clock_begin_here();
    messages->payload_max = options->payload_max;
    messages->payloads = apr_palloc(pool, BATCH_MAX * options->payload_max);
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
    messages->next = 0;
}

int flow_messages_are_full(const flow_messages_t *messages)
{
    return messages->used == BATCH_MAX;
}

int flow_messages_are_lent(const flow_messages_t *messages)
{
    return messages->next == messages->used;
}

/* ---- Receiving ---- */

/* Notes what the next `count` rooms hold, which has in common what `like` says. */
static void take(flow_messages_t *messages, const arrival_t *like, unsigned count)
{
    stamp_clock_read_here(&messages->clock);
    for (; count > 0; count--) {
        unsigned room = messages->used++;
        struct msghdr *header = &messages->rooms[room].msg_hdr;
        received_t *received = &messages->received[room];
        arrival_t *arrival = &received->rest;

        *arrival = *like;
        if (arrival->refused == APR_SUCCESS) {
            arrival->from = sender_of(header);
            arrival->length = messages->rooms[room].msg_len;
        }
        arrival->data = payload_of(messages, room);
        arrival->truncated = (header->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
        received->segment = arrival_read(header, arrival, &messages->clock);
        clear_room(messages, room);
    }
}

void flow_messages_receive_refusals(flow_messages_t *messages, apr_os_sock_t socket, unsigned flow)
{
    arrival_t arrival = {.flow = flow};

    while (!flow_messages_are_full(messages) &&
           system_receive_refusal(socket, &messages->rooms[messages->used].msg_hdr, &arrival)) {
        take(messages, &arrival, 1);
    }
    if (!flow_messages_are_full(messages)) {
        clear_room(messages, messages->used);
    }
}

static apr_status_t receive_replies(flow_messages_t *messages, apr_os_sock_t socket, unsigned flow)
{
    const arrival_t like = {.flow = flow};
    int received =
        messages->receive(socket, &messages->rooms[messages->used], BATCH_MAX - messages->used);

    if (received < 0) {
        apr_status_t failure = errno;

        clear_room(messages, messages->used); /* the call may have written to what it failed on */
        return APR_STATUS_IS_EAGAIN(failure) || APR_STATUS_IS_EINTR(failure) ? APR_SUCCESS
                                                                             : failure;
    }
    take(messages, &like, (unsigned)received);
    return APR_SUCCESS;
}

/* A refusal that came in makes one receive fail, once (ip(7), IP_RECVERR), and can then be read
 * apart: behind the replies, since there may be thousands of refusals to a reply. */
apr_status_t flow_messages_receive(flow_messages_t *messages, apr_os_sock_t socket, unsigned flow)
{
    unsigned before = messages->used;
    apr_status_t status = receive_replies(messages, socket, flow);

    if (status != APR_SUCCESS) {
        status = receive_replies(messages, socket, flow);
        flow_messages_receive_refusals(messages, socket, flow);
    }
    return messages->used > before ? APR_SUCCESS : status;
}

/* ---- Lending ---- */

/* Cuts the next datagram off the rest of a message. Returns 0 if it was the last. */
static int cut_off(received_t *received, arrival_t *arrival)
{
    arrival_t *rest = &received->rest;

    *arrival = *rest;
    if (received->segment > 0 && received->segment < rest->length) {
        arrival->length = received->segment;
    }
    rest->data += arrival->length;
    rest->length -= arrival->length;
    return rest->length > 0;
}

void flow_messages_lend(flow_messages_t *messages, arrivals_t *arrivals)
{
    arrivals->count = 0;
    while (arrivals->count < ARRIVALS_MAX && !flow_messages_are_lent(messages)) {
        arrival_t *arrival = &messages->arrivals[arrivals->count];

        if (!cut_off(&messages->received[messages->next], arrival)) {
            messages->next++;
        }
        arrivals->at[arrivals->count++] = arrival;
    }
}
