#include "readiness/send_batch.h"

#include <errno.h>

#include "offload/segment_runs.h"
#include "readiness/details.h"
#include "readiness/message_batch.h"
#include "readiness/readiness.h"
#include "readiness/system.h"

/* How often in a row a send may be interrupted, which happens now and then; a system where it
 * happens each time would keep a worker busy with it. */
#define FRUITLESS_SENDS_MAX 10

struct send_batch {
    move_messages_t *send;
    const platform_t *platform;
    reply_failed_t *failed; /* NULL: nobody asks */
    void *context;          /* for it */
    worker_socket_t *socket;
    const batch_t *datagrams;
    int has_details; /* each message says how it leaves */
    int has_control; /* that, or a source */
    gather_limits_t limits;
    segment_runs_t runs;
    struct iovec vectors[BATCH_MAX];
    _Alignas(struct cmsghdr) unsigned char controls[BATCH_MAX][CONTROL_MAX];
    message_t messages[BATCH_MAX]; /* one for each run */
};

send_batch_t *send_batch_create(const platform_t *platform, apr_pool_t *pool)
{
    send_batch_t *batch = apr_pcalloc(pool, sizeof *batch);

    batch->send = send_messages(platform);
    batch->platform = platform;
    return batch;
}

void send_batch_on_failure(send_batch_t *batch, reply_failed_t *failed, void *context)
{
    batch->failed = failed;
    batch->context = context;
}

static void write_control(const send_batch_t *batch, struct msghdr *header,
                          const datagram_t *datagram)
{
    if (batch->socket->wildcard) {
        control_message_write(header, datagram);
    }
    if (batch->has_details) {
        details_write(header, datagram, batch->platform);
    }
}

/* Makes the message of a run; `vectors` are for its payloads, as many as it has replies. Payloads
 * that the kernel had received together lie side by side and leave as they lie. */
static void compose(send_batch_t *batch, unsigned number, const segment_run_t *run,
                    struct iovec *vectors)
{
    const datagram_t *first = batch->datagrams->at[run->first];
    struct msghdr *header = &batch->messages[number].msg_hdr;
    unsigned index = run->first;

    message_begin(header, &first->from, vectors, batch->controls[number]);
    for (unsigned left = run->count; left > 0; left--) {
        const datagram_t *datagram = batch->datagrams->at[index];

        message_append(header, datagram->data, datagram->length);
        index = batch->runs.next[index];
    }
    if (batch->has_control) {
        write_control(batch, header, first);
    }
    if (run->count > 1) {
        system_write_segment(header, run->segment);
    }
    message_end(header);
}

static void compose_all(send_batch_t *batch)
{
    struct iovec *vectors = batch->vectors;

    for (unsigned i = 0; i < batch->runs.count; i++) {
        compose(batch, i, &batch->runs.at[i], vectors);
        vectors += batch->runs.at[i].count;
    }
}

/* Sends messages from number `first` on, as sendmmsg(2): up to one that fails, whose errno it tells
 * only if that is the first. */
static int send_some(send_batch_t *batch, unsigned first, unsigned count)
{
    unsigned fruitless = 0;
    int sent;

    do {
        sent = batch->send(batch->socket->descriptor, &batch->messages[first], count);
    } while (sent <= 0 && errno == EINTR && ++fruitless <= FRUITLESS_SENDS_MAX);
    return sent;
}

static void count_failure(const send_batch_t *batch, unsigned index, int error,
                          send_outcome_t *outcome)
{
    outcome->failed[send_error_kind(error)]++;
    if (batch->failed != NULL) {
        batch->failed(batch->context, batch->datagrams->at[index]);
    }
}

/* Sends a run's replies without gathering, in the place of its message. Returns how many went. */
static unsigned send_apart(send_batch_t *batch, unsigned number, send_outcome_t *outcome)
{
    segment_run_t run = batch->runs.at[number];
    struct iovec *vector = batch->messages[number].msg_hdr.msg_iov;
    unsigned sent = 0;

    for (unsigned left = run.count; left > 0; left--) {
        run.count = 1;
        compose(batch, number, &run, vector);
        if (send_some(batch, number, 1) > 0) {
            outcome->sent_bytes += batch->messages[number].msg_len;
            sent++;
        } else {
            count_failure(batch, run.first, errno, outcome);
        }
        run.first = batch->runs.next[run.first];
    }
    outcome->sent += sent;
    return sent;
}

/*
 * A gathered message that fails is sent apart, so that no reply is lost for another one's sake: a
 * packet filter may refuse what it sees of the first of them, or the send buffer lack room for all.
 *
 * What the gathering may be to blame for is not gathered again with this peer for a while, nor what
 * is longer. But EINVAL is also the answer to a forged source port of 0, which must not cost
 * everybody else the gathering: only where the plain sends succeed is it to blame.
 */
static void fail(send_batch_t *batch, unsigned number, send_outcome_t *outcome)
{
    const segment_run_t *run = &batch->runs.at[number];
    int error = errno;

    if (run->count == 1) {
        count_failure(batch, run->first, error, outcome);
        return;
    }
    if (send_apart(batch, number, outcome) > 0 && gather_limits_may_cause(error)) {
        gather_limits_lower(&batch->limits, &batch->datagrams->at[run->first]->from, run->segment);
    }
}

/* A batch is a row of strangers: the send stops at a message that fails, that one is counted, and
 * the next is where it goes on. */
static void send_all(send_batch_t *batch, send_outcome_t *outcome)
{
    unsigned next = 0;

    while (next < batch->runs.count) {
        int sent = send_some(batch, next, batch->runs.count - next);

        if (sent <= 0) {
            fail(batch, next++, outcome);
        }
        for (; sent > 0; sent--, next++) {
            outcome->sent += batch->runs.at[next].count;
            outcome->sent_bytes += batch->messages[next].msg_len;
        }
    }
}

void send_batch_send(send_batch_t *batch, worker_socket_t *socket, const batch_t *datagrams,
                     send_outcome_t *outcome)
{
    batch->socket = socket;
    batch->datagrams = datagrams;
    batch->has_details = listener_details(socket->owner) != 0;
    batch->has_control = socket->wildcard || batch->has_details;
    batch->limits.segment_max = listener_gathers(socket->owner) ? PAYLOAD_MAX_IPV6 : 0;
    segment_runs_form(&batch->runs, datagrams, &batch->limits);
    compose_all(batch);
    send_all(batch, outcome);
}
