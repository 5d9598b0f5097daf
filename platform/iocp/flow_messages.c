/* The messages of flows by Windows Sockets, one to a call. */

#include <assert.h>
#include <string.h>

#include "iocp/flow_refusal.h"
#include "iocp/iocp.h"
#include "readiness/flow.h"
#include "udpecho/clock.h"

/* The macros for control messages mix signed and unsigned sizes in mingw-w64's headers. */
#pragma GCC diagnostic ignored "-Wsign-conversion"

struct flow_messages {
    LPFN_WSARECVMSG receive; /* asked for by the first socket; NULL before */
    apr_size_t payload_max;
    unsigned used; /* of the arrivals: received */
    unsigned lent; /* of these */
    arrival_t arrivals[BATCH_MAX];
    _Alignas(WSACMSGHDR) unsigned char control[CONTROL_MAX];
};

flow_messages_t *flow_messages_create(const flows_options_t *options, apr_pool_t *pool)
{
    flow_messages_t *messages = apr_pcalloc(pool, sizeof *messages);
    unsigned char *payloads = apr_palloc(pool, BATCH_MAX * options->payload_max);

    messages->payload_max = options->payload_max;
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        messages->arrivals[i].data = payloads + i * options->payload_max;
        messages->arrivals[i].traffic_class = -1;
    }
    return messages;
}

void flow_messages_take_back(flow_messages_t *messages)
{
    messages->used = 0;
    messages->lent = 0;
}

int flow_messages_are_full(const flow_messages_t *messages)
{
    return messages->used == BATCH_MAX;
}

int flow_messages_are_lent(const flow_messages_t *messages)
{
    return messages->lent == messages->used;
}

void flow_messages_lend(flow_messages_t *messages, arrivals_t *arrivals)
{
    arrivals->count = 0;
    while (arrivals->count < ARRIVALS_MAX && !flow_messages_are_lent(messages)) {
        arrivals->at[arrivals->count++] = &messages->arrivals[messages->lent++];
    }
}

/* Those that stay keep their order; all keep their buffers. */
void flow_messages_forget(flow_messages_t *messages, unsigned flow)
{
    unsigned kept = messages->lent;

    for (unsigned i = messages->lent; i < messages->used; i++) {
        arrival_t arrival = messages->arrivals[i];

        if (arrival.flow != flow) {
            messages->arrivals[i] = messages->arrivals[kept];
            messages->arrivals[kept++] = arrival;
        }
    }
    messages->used = kept;
}

/* ---- Receiving ---- */

/* The option of IPv4 is IP_HOPLIMIT; its message has been seen as IP_TTL, under Wine. */
static int is_hop_limit(const WSACMSGHDR *control)
{
    return (control->cmsg_level == IPPROTO_IP &&
            (control->cmsg_type == IP_TTL || control->cmsg_type == IP_HOPLIMIT)) ||
           (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_HOPLIMIT);
}

static int read_hop_limit(WSAMSG *message)
{
    /* One that is shorter than its own header would have itself as the next. */
    for (WSACMSGHDR *control = WSA_CMSG_FIRSTHDR(message);
         control != NULL && control->cmsg_len >= sizeof *control;
         control = WSA_CMSG_NXTHDR(message, control)) {
        if (is_hop_limit(control)) {
            int hop_limit;

            return control_message_copy(message, control, &hop_limit, sizeof hop_limit) ? hop_limit
                                                                                        : -1;
        }
    }
    return -1;
}

/* Windows reports that something was refused, but not by whom or which datagram. */
static void describe_refusal(arrival_t *arrival, int error)
{
    arrival->length = 0;
    arrival->hop_limit = -1;
    arrival->refused = error == WSAECONNRESET ? APR_ECONNREFUSED : APR_EHOSTUNREACH;
}

/* Receives one. APR_EAGAIN if there is none. */
static apr_status_t receive_one(flow_messages_t *messages, SOCKET socket, arrival_t *arrival)
{
    WSABUF buffer = {.buf = (char *)arrival->data, .len = (ULONG)messages->payload_max};
    WSAMSG message = {
        .name = &arrival->from.sa.any,
        .namelen = sizeof arrival->from.sa,
        .lpBuffers = &buffer,
        .dwBufferCount = 1,
        .Control = {.buf = (char *)messages->control, .len = sizeof messages->control},
    };
    DWORD length = 0;

    memset(&arrival->from, 0, sizeof arrival->from); /* of an earlier one */
    int error =
        messages->receive(socket, &message, &length, NULL, NULL) == 0 ? 0 : WSAGetLastError();

    if (error == WSAEWOULDBLOCK) {
        return APR_EAGAIN;
    }
    if (error != 0 && error != WSAEMSGSIZE && !is_refusal(error)) {
        return APR_FROM_OS_ERROR(error);
    }
    arrival->at = clock_now();
    arrival->truncated = message_is_truncated(error, message.dwFlags) != 0;
    arrival->fragment = 0;
    arrival->mtu = 0;
    if (is_refusal(error)) {
        describe_refusal(arrival, error);
        return APR_SUCCESS;
    }
    arrival->refused = APR_SUCCESS;
    arrival->from.length = message.namelen;
    arrival->length = arrival->truncated ? messages->payload_max : length;
    arrival->hop_limit = read_hop_limit(&message);
    return APR_SUCCESS;
}

apr_status_t flow_messages_receive(flow_messages_t *messages, apr_os_sock_t socket, unsigned flow)
{
    assert(!flow_messages_are_full(messages));

    apr_status_t status =
        messages->receive != NULL ? APR_SUCCESS : find_receive(socket, &messages->receive);

    while (status == APR_SUCCESS && !flow_messages_are_full(messages)) {
        arrival_t *arrival = &messages->arrivals[messages->used];

        status = receive_one(messages, socket, arrival);
        if (status == APR_SUCCESS) {
            messages->used++;
            arrival->flow = flow;
        }
    }
    return APR_STATUS_IS_EAGAIN(status) ? APR_SUCCESS : status;
}

/* They come where the replies come. */
void flow_messages_receive_refusals(flow_messages_t *messages, apr_os_sock_t socket, unsigned flow)
{
    (void)messages, (void)socket, (void)flow;
}
