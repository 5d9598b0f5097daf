#include "readiness/message_batch.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/types.h>

/* ---- Moving ---- */

typedef ssize_t move_message_t(int descriptor, struct msghdr *header);

static ssize_t receive_message(int descriptor, struct msghdr *header)
{
    return recvmsg(descriptor, header, 0);
}

static ssize_t send_message(int descriptor, struct msghdr *header)
{
    return sendmsg(descriptor, header, 0);
}

static int move_singly(int descriptor, message_t *messages, unsigned count, move_message_t *move)
{
    unsigned moved = 0;

    while (moved < count) {
        ssize_t length = move(descriptor, &messages[moved].msg_hdr);

        if (length < 0) {
            break;
        }
        messages[moved++].msg_len = (unsigned)length;
    }
    return moved > 0 ? (int)moved : -1;
}

static int receive_single(int descriptor, message_t *messages, unsigned count)
{
    return move_singly(descriptor, messages, count, receive_message);
}

static int send_single(int descriptor, message_t *messages, unsigned count)
{
    return move_singly(descriptor, messages, count, send_message);
}

#if HAVE_RECVMMSG

static int receive_batched(int descriptor, message_t *messages, unsigned count)
{
    return (int)recvmmsg(descriptor, messages, count, 0, NULL);
}

static int send_batched(int descriptor, message_t *messages, unsigned count)
{
    return (int)sendmmsg(descriptor, messages, count, 0);
}

/* A kernel that has a call says that -1 is no descriptor; one without it, an emulator or a sandbox
 * says something else. */

apr_status_t batched_receive_status(void)
{
    return receive_batched(-1, NULL, 0) < 0 && errno != EBADF ? errno : APR_SUCCESS;
}

apr_status_t batched_send_status(void)
{
    return send_batched(-1, NULL, 0) < 0 && errno != EBADF ? errno : APR_SUCCESS;
}

#else

#define receive_batched receive_single
#define send_batched    send_single

apr_status_t batched_receive_status(void)
{
    return APR_ENOTIMPL;
}

apr_status_t batched_send_status(void)
{
    return APR_ENOTIMPL;
}

#endif

move_messages_t *receive_messages(const platform_t *platform)
{
    return platform_has(platform, FEATURE_BATCHED_RECEIVE) ? receive_batched : receive_single;
}

move_messages_t *send_messages(const platform_t *platform)
{
    return platform_has(platform, FEATURE_BATCHED_SEND) ? send_batched : send_single;
}

/* ---- Receiving ---- */

/* Buffers that start at the same offset of their pages compete for the same few lines of the
 * processor's first cache; an odd number of lines between them spreads them. */
#define CACHE_LINE ((apr_size_t)64)

void message_batch_init(message_batch_t *batch, const platform_t *platform, apr_size_t room,
                        apr_pool_t *pool)
{
    apr_size_t size = room > REPLY_ROOM_MIN ? room : REPLY_ROOM_MIN;
    apr_size_t stride = APR_ALIGN(size, 2 * CACHE_LINE) + CACHE_LINE;
    unsigned char *payloads = apr_palloc(pool, BATCH_MAX * stride);

    batch->receive = receive_messages(platform);
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        struct msghdr *header = &batch->at[i].msg_hdr;

        batch->vectors[i].iov_base = payloads + i * stride;
        batch->vectors[i].iov_len = room;
        header->msg_name = &batch->senders[i].sa;
        header->msg_iov = &batch->vectors[i];
        header->msg_iovlen = 1;
        header->msg_control = batch->controls[i];
    }
    batch->written = BATCH_MAX;
}

void message_clear(struct msghdr *header)
{
    header->msg_namelen = sizeof((endpoint_t *)NULL)->sa;
    memset(header->msg_name, 0, sizeof((endpoint_t *)NULL)->sa);
    header->msg_controllen = CONTROL_RECEIVED_MAX;
}

int message_batch_receive(message_batch_t *batch, int descriptor, unsigned most)
{
    assert(most > 0 && most <= BATCH_MAX - batch->count);
    for (unsigned i = batch->count; i < batch->written; i++) {
        message_clear(&batch->at[i].msg_hdr);
    }
    int received = batch->receive(descriptor, &batch->at[batch->count], most);
    unsigned came = received > 0 ? (unsigned)received : 0;

    /* A call that failed may have written to the message that it failed on. */
    batch->written = batch->count + (came > 0 ? came : 1);
    batch->count += came;
    return received;
}

struct msghdr *message_batch_next(message_batch_t *batch)
{
    assert(batch->count < BATCH_MAX);
    if (batch->written <= batch->count) {
        batch->written = batch->count + 1;
    }
    return &batch->at[batch->count].msg_hdr;
}

void message_batch_add(message_batch_t *batch, apr_size_t length)
{
    assert(batch->count < BATCH_MAX);
    batch->at[batch->count++].msg_len = (unsigned)length;
}

void message_batch_clear(message_batch_t *batch)
{
    batch->count = 0;
}

endpoint_t message_sender(const struct msghdr *header)
{
    endpoint_t sender = {.length = header->msg_namelen};

    if (header->msg_namelen <= sizeof sender.sa) {
        memcpy(&sender.sa, header->msg_name, sizeof sender.sa);
    }
    return sender;
}

segments_t message_batch_segments(message_batch_t *batch, unsigned index, apr_size_t segment)
{
    assert(index < batch->count);
    return (segments_t){batch->vectors[index].iov_base, (apr_size_t)batch->at[index].msg_len,
                        segment};
}

/* ---- Sending ---- */

/* sendmsg(2) only reads, but by the same structures as recvmsg(2) writes. */

void message_begin(struct msghdr *header, const endpoint_t *peer, struct iovec *vectors,
                   unsigned char *control)
{
    *header = (struct msghdr){
        .msg_name = (void *)&peer->sa,
        .msg_namelen = peer->length,
        .msg_iov = vectors,
        .msg_control = control,
    };
}

/* msg_iovlen is only counted up, since its type differs between systems. */
void message_append(struct msghdr *header, const unsigned char *data, apr_size_t length)
{
    if (header->msg_iovlen > 0) {
        struct iovec *last = &header->msg_iov[header->msg_iovlen - 1];

        if (last->iov_len > 0 && (unsigned char *)last->iov_base + last->iov_len == data) {
            last->iov_len += length;
            return;
        }
    }
    header->msg_iov[header->msg_iovlen++] = (struct iovec){(void *)data, length};
}

void message_end(struct msghdr *header)
{
    if (header->msg_controllen == 0) {
        header->msg_control = NULL; /* the BSDs refuse a control buffer with nothing in it */
    }
}
