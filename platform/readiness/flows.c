/* The client's sockets where systems report readiness: what is sent and received by them, a run of
 * datagrams to a call. */

#include "udpecho/flows.h"

#include <errno.h>
#include <stdint.h>

#include "flow.h"
#include "readiness.h"
#include "socket.h"
#include "udpecho/host.h"
#include "waiter.h"

/* What the network refused makes the next call on the socket fail, whichever it is and whatever it
 * sends; that says it and clears it (ip(7), IP_RECVERR). Between two attempts the next refusal can
 * come in. */
#define SEND_ATTEMPTS_MAX 4

typedef struct flow {
    int descriptor;
    unsigned index;
    apr_port_t port;
} flow_t;

typedef struct control {
    _Alignas(struct cmsghdr) unsigned char bytes[FLOW_CONTROL_MAX];
} control_t;

struct flows {
    move_messages_t *receive;
    move_messages_t *send;
    waiter_t waiter;
    endpoint_t peer;
    unsigned count;
    flow_t *flows;
    int tells_fragments;
    apr_status_t failure;             /* of the last receive that was not just empty */
    message_t requests[BATCH_MAX];    /* to send ... */
    struct iovec parts[BATCH_MAX][2]; /* ... their heads and bodies */
    arrival_t arrivals[BATCH_MAX];    /* rooms for what arrives, of all flows */
    message_t messages[BATCH_MAX];    /* always ready to receive into ... */
    struct iovec vectors[BATCH_MAX];  /* ... these many bytes ... */
    control_t controls[BATCH_MAX];    /* ... and what is told of them */
};

/* ---- Opening ---- */

static apr_status_t open_flow(flows_t *flows, unsigned index, const flows_options_t *options,
                              const char **step, apr_pool_t *pool)
{
    flow_t *flow = &flows->flows[index];
    apr_socket_t *socket;
    endpoint_t local = {.length = sizeof local.sa};
    apr_status_t status =
        flow_socket_open(&socket, options, index, &flows->tells_fragments, step, pool);

    if (status != APR_SUCCESS) {
        return status;
    }
    flow->descriptor = socket_descriptor(socket);
    flow->index = index;
    *step = "read back the bound address";
    if (getsockname(flow->descriptor, &local.sa.any, &local.length) != 0) {
        return errno;
    }
    flow->port = endpoint_port(&local);
    *step = "wait for the socket";
    return waiter_add(&flows->waiter, socket, flow, pool);
}

/* Makes a room ready to receive into, after a receive wrote to its lengths. */
static void clear_room(flows_t *flows, unsigned index)
{
    struct msghdr *header = &flows->messages[index].msg_hdr;

    header->msg_namelen = sizeof flows->arrivals[index].from.sa;
    header->msg_controllen = FLOW_CONTROL_MAX;
}

static void prepare_rooms(flows_t *flows, apr_size_t payload_max, apr_pool_t *pool)
{
    unsigned char *payloads = apr_palloc(pool, BATCH_MAX * payload_max);

    for (unsigned i = 0; i < BATCH_MAX; i++) {
        struct msghdr *header = &flows->messages[i].msg_hdr;

        flows->arrivals[i].data = payloads + i * payload_max;
        flows->vectors[i].iov_base = flows->arrivals[i].data;
        flows->vectors[i].iov_len = payload_max;
        header->msg_name = &flows->arrivals[i].from.sa;
        header->msg_iov = &flows->vectors[i];
        header->msg_iovlen = 1;
        header->msg_control = flows->controls[i].bytes;
        clear_room(flows, i);
    }
}

static void prepare_requests(flows_t *flows)
{
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        struct msghdr *header = &flows->requests[i].msg_hdr;

        header->msg_name = &flows->peer.sa;
        header->msg_namelen = flows->peer.length;
        header->msg_iov = flows->parts[i];
        header->msg_iovlen = 2;
    }
}

static apr_status_t open_flows(flows_t *flows, const flows_options_t *options, flows_error_t *error,
                               apr_pool_t *pool)
{
    flows_options_t filled = *options;
    apr_sockaddr_t *any;
    int has_method = platform_has(options->platform, FEATURE_POLL_METHOD);
    apr_status_t status;

    error->flow = 0;
    error->step = "wait for sockets";
    status = waiter_open(&flows->waiter, options->count,
                         has_method ? system_poll_method : APR_POLLSET_POLL, pool);
    if (status == APR_SUCCESS && options->source == NULL) {
        /* Bound to what the system chooses anyway, so that the port is known before the first
         * datagram. */
        error->step = "make an address";
        status = apr_sockaddr_info_get(&any, NULL, flows->peer.sa.any.sa_family, 0, 0, pool);
        filled.source = any;
    }
    for (unsigned i = 0; status == APR_SUCCESS && i < options->count; i++) {
        error->flow = i;
        status = open_flow(flows, i, &filled, &error->step, pool);
    }
    return status;
}

apr_status_t flows_open(flows_t **opened, const apr_sockaddr_t *peer,
                        const flows_options_t *options, flows_error_t *error, apr_pool_t *pool)
{
    apr_pool_t *own;
    apr_status_t status = apr_pool_create(&own, pool);

    *error = (flows_error_t){.step = "allocate memory"};
    if (status != APR_SUCCESS) {
        return status;
    }
    flows_t *flows = apr_pcalloc(own, sizeof *flows);

    flows->peer = endpoint_of(peer);
    flows->count = options->count;
    flows->flows = apr_pcalloc(own, options->count * sizeof *flows->flows);
    flows->tells_fragments = 1;
    flows->receive = receive_messages(options->platform);
    flows->send = send_messages(options->platform);
    status = open_flows(flows, options, error, own);
    if (status != APR_SUCCESS) {
        apr_pool_destroy(own);
        return status;
    }
    prepare_rooms(flows, options->payload_max, own);
    prepare_requests(flows);
    *opened = flows;
    return APR_SUCCESS;
}

apr_port_t flows_port(const flows_t *flows, unsigned flow)
{
    return flows->flows[flow].port;
}

int flows_tell_fragments(const flows_t *flows)
{
    return flows->tells_fragments;
}

void flows_wake(flows_t *flows)
{
    waiter_wake(&flows->waiter);
}

/* ---- Sending ---- */

static void compose(flows_t *flows, const request_t *requests, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct iovec *parts = flows->parts[i];

        /* sendmsg(2) only reads, but its vectors are the ones that recvmsg(2) writes by. */
        parts[0].iov_base = (void *)(uintptr_t)requests[i].head;
        parts[0].iov_len = requests[i].head_length;
        parts[1].iov_base = (void *)(uintptr_t)requests[i].body;
        parts[1].iov_len = requests[i].length - requests[i].head_length;
    }
}

static unsigned run_length(const request_t *requests, unsigned count)
{
    unsigned length = 1;

    while (length < count && requests[length].flow == requests[0].flow) {
        length++;
    }
    return length;
}

/* Sends some of a run of one flow; returns how many, 0 for none. */
static unsigned send_run(flows_t *flows, unsigned flow, unsigned first, unsigned count,
                         apr_status_t *failure)
{
    for (int attempt = 0; attempt < SEND_ATTEMPTS_MAX; attempt++) {
        int sent = flows->send(flows->flows[flow].descriptor, &flows->requests[first], count);

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

unsigned flows_send(flows_t *flows, const request_t *requests, unsigned count,
                    apr_status_t *failure)
{
    unsigned next = 0;

    *failure = APR_SUCCESS;
    compose(flows, requests, count);
    while (next < count) {
        unsigned run = run_length(&requests[next], count - next);
        unsigned sent = send_run(flows, requests[next].flow, next, run, failure);

        if (sent == 0) {
            return next;
        }
        next += sent;
    }
    return next;
}

/* ---- Receiving ---- */

/* The rooms from `first` on hold what came by `flow`: lends them. */
static void lend(flows_t *flows, const flow_t *flow, arrivals_t *arrivals, unsigned count)
{
    apr_time_t wall_clock = apr_time_now(); /* first: an arrival may look late, not early */
    apr_time_t now = clock_now();

    for (unsigned i = 0; i < count; i++) {
        unsigned room = arrivals->count++;
        message_t *message = &flows->messages[room];
        arrival_t *arrival = &flows->arrivals[room];

        arrival->flow = flow->index;
        arrival->truncated = (message->msg_hdr.msg_flags & MSG_TRUNC) != 0;
        arrival_read(&message->msg_hdr, arrival, wall_clock, now);
        clear_room(flows, room);
        arrivals->at[room] = arrival;
    }
}

/* What the network refused, for as long as there is room. */
static void receive_refusals(flows_t *flows, const flow_t *flow, arrivals_t *arrivals)
{
    while (arrivals->count < BATCH_MAX &&
           system_receive_refusal(flow->descriptor, &flows->messages[arrivals->count].msg_hdr,
                                  &flows->arrivals[arrivals->count])) {
        lend(flows, flow, arrivals, 1);
    }
    if (arrivals->count < BATCH_MAX) {
        clear_room(flows, arrivals->count);
    }
}

/* Into the rooms that are left, by one call. A refusal that came in meanwhile makes it fail. */
static void receive_replies(flows_t *flows, const flow_t *flow, arrivals_t *arrivals)
{
    unsigned first = arrivals->count;
    int received = flows->receive(flow->descriptor, &flows->messages[first], BATCH_MAX - first);

    if (received < 0) {
        apr_status_t failure = errno;

        clear_room(flows, first); /* the call may have written to the room that it failed on */
        if (!APR_STATUS_IS_EAGAIN(failure) && !APR_STATUS_IS_EINTR(failure)) {
            flows->failure = failure;
            receive_refusals(flows, flow, arrivals);
        }
        return;
    }
    for (unsigned i = first; i < first + (unsigned)received; i++) {
        flows->arrivals[i].from.length = flows->messages[i].msg_hdr.msg_namelen;
        flows->arrivals[i].length = flows->messages[i].msg_len;
        flows->arrivals[i].refused = APR_SUCCESS;
        flows->arrivals[i].mtu = 0;
    }
    lend(flows, flow, arrivals, (unsigned)received);
}

/*
 * Receives from the flows that were readable at the last wait, from each once, so that a busy one
 * keeps none waiting. Where there is but one, it is readable still if there was more than room for
 * it, and nothing needs to be asked.
 */
static apr_status_t receive_ready(flows_t *flows, arrivals_t *arrivals)
{
    waiter_t *waiter = &flows->waiter;

    flows->failure = APR_TIMEUP;
    while (waiter->ready_count > 0 && arrivals->count < BATCH_MAX) {
        const flow_t *flow = waiter->ready->client_data;

        if (waiter->ready->rtnevents & APR_POLLERR) {
            receive_refusals(flows, flow, arrivals);
        }
        if (arrivals->count < BATCH_MAX) {
            receive_replies(flows, flow, arrivals);
        }
        if (flows->count == 1 && arrivals->count == BATCH_MAX) {
            break;
        }
        waiter->ready++;
        waiter->ready_count--;
    }
    return arrivals->count > 0 ? APR_SUCCESS : flows->failure;
}

apr_status_t flows_receive(flows_t *flows, arrivals_t *arrivals, apr_interval_time_t timeout)
{
    apr_status_t status;

    arrivals->count = 0;
    if (waiter_take_wake(&flows->waiter)) {
        return APR_EINTR;
    }
    status = receive_ready(flows, arrivals);
    if (APR_STATUS_IS_TIMEUP(status)) {
        status = waiter_wait(&flows->waiter, timeout);
        if (status == APR_SUCCESS) {
            status = receive_ready(flows, arrivals);
        }
    }
    return status;
}
