/* What flows receive by recvmsg(2), many messages to a call where the system can. */

#include <assert.h>
#include <errno.h>

#include "readiness/flow.h"
#include "readiness/flow_system.h"
#include "readiness/message_batch.h"

/* One message as it was received. */
typedef struct received {
    arrival_t arrival; /* what its datagrams have in common */
    segments_t rest;   /* those that were not returned yet */
} received_t;

struct flow_messages {
    message_batch_t batch;
    stamp_clock_t clock;
    received_t received[BATCH_MAX];   /* those of the batch, except what was discarded */
    unsigned next;                    /* the first of these that was not returned completely */
    unsigned end;                     /* behind the last of these */
    arrival_t arrivals[ARRIVALS_MAX]; /* which were returned */
};

flow_messages_t *flow_messages_create(const flows_options_t *options, apr_pool_t *pool)
{
    flow_messages_t *messages = apr_pcalloc(pool, sizeof *messages);

    message_batch_init(&messages->batch, options->platform, options->payload_max, pool);
    messages->clock = stamp_clock_begin_here();
    return messages;
}

void flow_messages_take_back(flow_messages_t *messages)
{
    message_batch_clear(&messages->batch);
    messages->next = 0;
    messages->end = 0;
}

int flow_messages_are_full(const flow_messages_t *messages)
{
    return messages->batch.count == BATCH_MAX;
}

int flow_messages_are_lent(const flow_messages_t *messages)
{
    return messages->next == messages->end;
}

/* ---- Receiving ---- */

/* Notes what the messages from number `first` on hold, which has in common what `like` says. */
static void note(flow_messages_t *messages, const arrival_t *like, unsigned first)
{
    received_t *received = &messages->received[messages->end];

    stamp_clock_read_here(&messages->clock);
    for (unsigned i = first; i < messages->batch.count; i++, received++) {
        struct msghdr *header = &messages->batch.at[i].msg_hdr;
        arrival_t *arrival = &received->arrival;

        *arrival = *like;
        if (arrival->refused == APR_SUCCESS) {
            arrival->from = message_sender(header);
        }
        arrival->truncated = (header->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
        received->rest = message_batch_segments(&messages->batch, i,
                                                arrival_read(header, arrival, &messages->clock));
    }
    messages->end += messages->batch.count - first;
}

void flow_messages_receive_refusals(flow_messages_t *messages, apr_os_sock_t socket, unsigned flow)
{
    arrival_t arrival = {.flow = flow};

    while (!flow_messages_are_full(messages) &&
           system_receive_refusal(socket, message_batch_next(&messages->batch), &arrival)) {
        message_batch_add(&messages->batch, arrival.length);
        note(messages, &arrival, messages->batch.count - 1);
    }
}

static apr_status_t receive_replies(flow_messages_t *messages, apr_os_sock_t socket, unsigned flow)
{
    const arrival_t like = {.flow = flow};
    unsigned before = messages->batch.count;

    if (message_batch_receive(&messages->batch, socket, BATCH_MAX - before) < 0) {
        apr_status_t failure = errno;

        return APR_STATUS_IS_EAGAIN(failure) || APR_STATUS_IS_EINTR(failure) ? APR_SUCCESS
                                                                             : failure;
    }
    note(messages, &like, before);
    return APR_SUCCESS;
}

/* A refusal that came in makes one receive fail, once (ip(7), IP_RECVERR), and can then be read
 * apart: behind the replies, since there may be thousands of refusals to a reply. */
apr_status_t flow_messages_receive(flow_messages_t *messages, apr_os_sock_t socket, unsigned flow)
{
    assert(!flow_messages_are_full(messages));

    unsigned before = messages->batch.count;
    apr_status_t status = receive_replies(messages, socket, flow);

    if (status != APR_SUCCESS) {
        status = receive_replies(messages, socket, flow);
        flow_messages_receive_refusals(messages, socket, flow);
    }
    return messages->batch.count > before ? APR_SUCCESS : status;
}

/* ---- Lending ---- */

void flow_messages_forget(flow_messages_t *messages, unsigned flow)
{
    unsigned kept = messages->next;

    for (unsigned i = messages->next; i < messages->end; i++) {
        if (messages->received[i].arrival.flow != flow) {
            messages->received[kept++] = messages->received[i];
        }
    }
    messages->end = kept;
}

void flow_messages_lend(flow_messages_t *messages, arrivals_t *arrivals)
{
    arrivals->count = 0;
    while (arrivals->count < ARRIVALS_MAX && !flow_messages_are_lent(messages)) {
        received_t *received = &messages->received[messages->next];
        arrival_t *arrival = &messages->arrivals[arrivals->count];

        *arrival = received->arrival;
        arrival->data = segments_take(&received->rest, &arrival->length);
        if (received->rest.length == 0) {
            messages->next++;
        }
        arrivals->at[arrivals->count++] = arrival;
    }
}
