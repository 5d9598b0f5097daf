#include "readiness/receive_batch.h"

/* Buffers that start at the same offset of their pages compete for the same few lines of the
 * processor's first cache; an odd number of lines between them spreads them. */
#define CACHE_LINE ((apr_size_t)64)

/* What a message needs at most: the kernel coalesces no more than an IP packet can carry. Memory
 * that is never used is never taken, so the size alone costs nothing. */
#define MESSAGE_MAX PAYLOAD_MAX_IPV6

/* How many bytes a batch may receive. They must still be in the processor's second cache when they
 * are sent, and the kernel's copies take as much room again. Measured with 2 MiB of it: 65,507-byte
 * datagrams cost 0.65 of what they do in batches of 128, and no less with fewer bytes. */
#define BATCH_BYTES ((apr_size_t)256 << 10)

struct receive_batch {
    move_messages_t *receive;
    apr_size_t payload_max;
    const worker_socket_t *socket; /* of the messages */
    unsigned used;                 /* how many of them the kernel wrote to last */
    unsigned next;                 /* the first that was not looked at yet */
    unsigned count;                /* how many there are */
    int is_full;                   /* as many as were asked for came */
    unsigned room;                 /* how many the next call may receive */

    /* What is left of the message that is being lent. */
    unsigned char *rest;
    apr_size_t rest_length;
    apr_size_t segment;     /* the length of each datagram in it, the last may be shorter */
    const datagram_t *last; /* which was lent of it */
    int is_truncated;

    datagram_t datagrams[BATCH_MAX];
    endpoint_t senders[BATCH_MAX];
    struct iovec vectors[BATCH_MAX];
    _Alignas(struct cmsghdr) unsigned char controls[BATCH_MAX][CONTROL_RECEIVED_MAX];
    message_t messages[BATCH_MAX];
};

receive_batch_t *receive_batch_create(const platform_t *platform, apr_size_t payload_max,
                                      apr_pool_t *pool)
{
    receive_batch_t *batch = apr_pcalloc(pool, sizeof *batch);
    apr_size_t room = platform_has(platform, FEATURE_COALESCED_RECEIVE) ? MESSAGE_MAX : payload_max;
    apr_size_t stride = APR_ALIGN(room, 2 * CACHE_LINE) + CACHE_LINE;
    unsigned char *payloads = apr_palloc(pool, BATCH_MAX * stride);

    batch->receive = receive_messages(platform);
    batch->payload_max = payload_max;
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        struct msghdr *header = &batch->messages[i].msg_hdr;

        batch->vectors[i].iov_base = payloads + i * stride;
        batch->vectors[i].iov_len = room;
        header->msg_name = &batch->senders[i].sa;
        header->msg_iov = &batch->vectors[i];
        header->msg_iovlen = 1;
        header->msg_control = batch->controls[i];
    }
    batch->used = BATCH_MAX;
    batch->room = BATCH_MAX;
    return batch;
}

/* So many messages as long as these were are BATCH_BYTES. */
static unsigned next_room(const receive_batch_t *batch)
{
    apr_size_t bytes = 0;

    for (unsigned i = 0; i < batch->count; i++) {
        bytes += batch->messages[i].msg_len;
    }
    apr_size_t room = bytes > 0 ? batch->count * BATCH_BYTES / bytes : BATCH_MAX;

    return room < BATCH_MAX ? (unsigned)room : BATCH_MAX;
}

int receive_batch_fill(receive_batch_t *batch, const worker_socket_t *socket)
{
    /* The kernel wrote over the lengths. */
    for (unsigned i = 0; i < batch->used; i++) {
        struct msghdr *header = &batch->messages[i].msg_hdr;

        header->msg_namelen = sizeof batch->senders[i].sa;
        header->msg_controllen = CONTROL_RECEIVED_MAX;
    }
    int received = batch->receive(socket->descriptor, batch->messages, batch->room);

    /* A call that failed may have written to the message that it failed on. */
    batch->used = received > 0 ? (unsigned)received : 1;
    batch->count = received > 0 ? (unsigned)received : 0;
    batch->next = 0;
    batch->socket = socket;
    batch->is_full = batch->count == batch->room;
    if (received > 0) {
        batch->room = next_room(batch);
    }
    return received;
}

int receive_batch_is_full(const receive_batch_t *batch)
{
    return batch->is_full;
}

/* Begins to lend the next message: tells all of its datagram but where it lies, which may be the
 * first of several. */
static void open_message(receive_batch_t *batch, datagram_t *datagram)
{
    message_t *message = &batch->messages[batch->next];

    datagram->from = sender_of(&message->msg_hdr);
    datagram->to = batch->socket->local;
    datagram->broadcast = 0;
    datagram->arrival_interface = 0;
    batch->segment = control_messages_read(&message->msg_hdr, datagram);
    batch->rest = batch->vectors[batch->next].iov_base;
    batch->rest_length = message->msg_len;
    batch->is_truncated = (message->msg_hdr.msg_flags & MSG_TRUNC) != 0;
    batch->next++;
}

/* Where a message has room for more than --payload-max, it is not the kernel that cuts a longer
 * datagram off. */
static void cut_off(receive_batch_t *batch, datagram_t *datagram)
{
    int is_one_of_several = batch->segment > 0 && batch->segment < batch->rest_length;
    apr_size_t length = is_one_of_several ? batch->segment : batch->rest_length;
    int is_too_long = length > batch->payload_max;

    datagram->data = batch->rest;
    datagram->length = is_too_long ? batch->payload_max : length;
    datagram->truncated = is_too_long || batch->is_truncated;
    batch->rest += length;
    batch->rest_length -= length;
    batch->last = datagram;
}

void receive_batch_lend(receive_batch_t *batch, batch_t *lent)
{
    lent->count = 0;
    while (lent->count < BATCH_MAX) {
        datagram_t *datagram = &batch->datagrams[lent->count];

        if (batch->rest_length > 0) {
            *datagram = *batch->last;
        } else if (batch->next < batch->count) {
            open_message(batch, datagram);
        } else {
            return;
        }
        cut_off(batch, datagram);
        lent->at[lent->count++] = datagram;
    }
}
