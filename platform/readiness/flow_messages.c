/* The messages of flows by recvmsg(2) and sendmsg(2), many to a call where the system can. */

#include <apr_strings.h>
#include <errno.h>

#include "flow.h"
#include "flow_system.h"
#include "readiness.h"
#include "udpecho/host.h"

/* What the network refused makes the next call on the socket fail, whichever it is and whatever it
 * sends; that says it and clears it (ip(7), IP_RECVERR). Between two attempts the next refusal can
 * come in. */
#define SEND_ATTEMPTS_MAX 4

typedef struct control {
    _Alignas(struct cmsghdr) unsigned char bytes[FLOW_CONTROL_MAX];
} control_t;

struct flow_messages {
    move_messages_t *receive;
    move_messages_t *send;
    endpoint_t peer;
    message_t requests[BATCH_MAX];
    struct iovec parts[BATCH_MAX][2]; /* their heads and bodies */
    arrival_t arrivals[BATCH_MAX];
    message_t rooms[BATCH_MAX]; /* of these; always ready to receive into */
    struct iovec vectors[BATCH_MAX];
    control_t controls[BATCH_MAX];
};

/* Makes a room ready to receive into, after a receive wrote to its lengths. */
static void clear_room(flow_messages_t *messages, unsigned index)
{
    struct msghdr *header = &messages->rooms[index].msg_hdr;

    header->msg_namelen = sizeof messages->arrivals[index].from.sa;
    header->msg_controllen = FLOW_CONTROL_MAX;
}

static void prepare_rooms(flow_messages_t *messages, apr_size_t payload_max, apr_pool_t *pool)
{
    unsigned char *payloads = apr_palloc(pool, BATCH_MAX * payload_max);

    for (unsigned i = 0; i < BATCH_MAX; i++) {
        struct msghdr *header = &messages->rooms[i].msg_hdr;

        messages->arrivals[i].data = payloads + i * payload_max;
        messages->vectors[i].iov_base = messages->arrivals[i].data;
        messages->vectors[i].iov_len = payload_max;
        header->msg_name = &messages->arrivals[i].from.sa;
        header->msg_iov = &messages->vectors[i];
        header->msg_iovlen = 1;
        header->msg_control = messages->controls[i].bytes;
        clear_room(messages, i);
    }
}

flow_messages_t *flow_messages_create(const endpoint_t *peer, const flows_options_t *options,
                                      apr_pool_t *pool)
{
    flow_messages_t *messages = apr_pcalloc(pool, sizeof *messages);

    messages->receive = receive_messages(options->platform);
    messages->send = send_messages(options->platform);
    messages->peer = *peer;
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        struct msghdr *header = &messages->requests[i].msg_hdr;

        header->msg_name = &messages->peer.sa;
        header->msg_namelen = messages->peer.length;
        header->msg_iov = messages->parts[i];
        header->msg_iovlen = 2;
    }
    prepare_rooms(messages, options->payload_max, pool);
    return messages;
}

/* ---- Sending ---- */

/* sendmsg(2) only reads, but by the same vectors as recvmsg(2) writes. */
static struct iovec vector_of(const unsigned char *data, apr_size_t length)
{
    return (struct iovec){.iov_base = (void *)data, .iov_len = length};
}

void flow_messages_compose(flow_messages_t *messages, const request_t *requests, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const request_t *request = &requests[i];

        messages->parts[i][0] = vector_of(request->head, request->head_length);
        messages->parts[i][1] = vector_of(request->body, request->length - request->head_length);
    }
}

unsigned flow_messages_send(flow_messages_t *messages, apr_os_sock_t socket, unsigned first,
                            unsigned count, apr_status_t *failure)
{
    for (int attempt = 0; attempt < SEND_ATTEMPTS_MAX; attempt++) {
        int sent = messages->send(socket, &messages->requests[first], count);

        if (sent > 0) {
            return (unsigned)sent;
        }
        *failure = errno;
        if (APR_STATUS_IS_EAGAIN(*failure)) {
            break;
        }
    }
    return 0;
}

/* ---- Receiving ---- */

/* The next rooms hold what came by `flow`: lends them. */
static void lend(flow_messages_t *messages, unsigned flow, arrivals_t *arrivals, unsigned count)
{
    apr_time_t wall_clock = apr_time_now(); /* first: an arrival may look late, not early */
    apr_time_t now = clock_now();

    while (count-- > 0) {
        unsigned room = arrivals->count++;
        arrival_t *arrival = &messages->arrivals[room];
        struct msghdr *header = &messages->rooms[room].msg_hdr;

        arrival->flow = flow;
        arrival->truncated = (header->msg_flags & MSG_TRUNC) != 0;
        arrival_read(header, arrival, wall_clock, now);
        clear_room(messages, room);
        arrivals->at[room] = arrival;
    }
}

void flow_messages_receive_refusals(flow_messages_t *messages, apr_os_sock_t socket, unsigned flow,
                                    arrivals_t *arrivals)
{
    unsigned room = arrivals->count;

    while (room < BATCH_MAX && system_receive_refusal(socket, &messages->rooms[room].msg_hdr,
                                                      &messages->arrivals[room])) {
        lend(messages, flow, arrivals, 1);
        room = arrivals->count;
    }
    if (room < BATCH_MAX) {
        clear_room(messages, room);
    }
}

/* A refusal that came in makes the receive fail, and can then be read apart. */
static apr_status_t look_into_failure(flow_messages_t *messages, apr_os_sock_t socket,
                                      unsigned flow, arrivals_t *arrivals)
{
    apr_status_t failure = errno;
    unsigned before = arrivals->count;

    clear_room(messages, before); /* the call may have written to the room that it failed on */
    if (APR_STATUS_IS_EAGAIN(failure) || APR_STATUS_IS_EINTR(failure)) {
        return APR_SUCCESS;
    }
    flow_messages_receive_refusals(messages, socket, flow, arrivals);
    return arrivals->count > before ? APR_SUCCESS : failure;
}

apr_status_t flow_messages_receive(flow_messages_t *messages, apr_os_sock_t socket, unsigned flow,
                                   arrivals_t *arrivals)
{
    unsigned first = arrivals->count;
    int received = messages->receive(socket, &messages->rooms[first], BATCH_MAX - first);

    if (received < 0) {
        return look_into_failure(messages, socket, flow, arrivals);
    }
    for (unsigned i = first; i < first + (unsigned)received; i++) {
        messages->arrivals[i].from.length = messages->rooms[i].msg_hdr.msg_namelen;
        messages->arrivals[i].length = messages->rooms[i].msg_len;
        messages->arrivals[i].refused = APR_SUCCESS;
        messages->arrivals[i].mtu = 0;
    }
    lend(messages, flow, arrivals, (unsigned)received);
    return APR_SUCCESS;
}
