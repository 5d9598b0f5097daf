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

struct slots {
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

slots_t *slots_create(const platform_t *platform, apr_size_t payload_max, apr_pool_t *pool)
{
    slots_t *slots = apr_pcalloc(pool, sizeof *slots);
    apr_size_t room = platform_has(platform, FEATURE_COALESCED_RECEIVE) ? MESSAGE_MAX : payload_max;
    apr_size_t stride = APR_ALIGN(room, 2 * CACHE_LINE) + CACHE_LINE;
    unsigned char *payloads = apr_palloc(pool, BATCH_MAX * stride);

    slots->receive = receive_messages(platform);
    slots->payload_max = payload_max;
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        struct msghdr *header = &slots->messages[i].msg_hdr;

        slots->vectors[i].iov_base = payloads + i * stride;
        slots->vectors[i].iov_len = room;
        header->msg_name = &slots->senders[i].sa;
        header->msg_iov = &slots->vectors[i];
        header->msg_iovlen = 1;
        header->msg_control = slots->controls[i];
    }
    slots->used = BATCH_MAX;
    slots->room = BATCH_MAX;
    return slots;
}

/* So many messages as long as these were are BATCH_BYTES. */
static unsigned next_room(const slots_t *slots)
{
    apr_size_t bytes = 0;

    for (unsigned i = 0; i < slots->count; i++) {
        bytes += slots->messages[i].msg_len;
    }
    apr_size_t room = bytes > 0 ? slots->count * BATCH_BYTES / bytes : BATCH_MAX;

    return room < BATCH_MAX ? (unsigned)room : BATCH_MAX;
}

int slots_fill(slots_t *slots, const worker_socket_t *socket)
{
    /* The kernel wrote over the lengths. */
    for (unsigned i = 0; i < slots->used; i++) {
        struct msghdr *header = &slots->messages[i].msg_hdr;

        header->msg_namelen = sizeof slots->senders[i].sa;
        header->msg_controllen = CONTROL_RECEIVED_MAX;
    }
    int received = slots->receive(socket->descriptor, slots->messages, slots->room);

    /* A call that failed may have written to the slot that it failed on. */
    slots->used = received > 0 ? (unsigned)received : 1;
    slots->count = received > 0 ? (unsigned)received : 0;
    slots->next = 0;
    slots->socket = socket;
    slots->is_full = slots->count == slots->room;
    if (received > 0) {
        slots->room = next_room(slots);
    }
    return received;
}

int slots_are_full(const slots_t *slots)
{
    return slots->is_full;
}

/* Begins to lend the next message: tells all of its datagram but where it lies, which may be the
 * first of several. */
static void open_message(slots_t *slots, datagram_t *datagram)
{
    message_t *message = &slots->messages[slots->next];

    datagram->from = sender_of(&message->msg_hdr);
    datagram->to = slots->socket->local;
    datagram->broadcast = 0;
    datagram->arrival_interface = 0;
    slots->segment = control_read(&message->msg_hdr, datagram);
    slots->rest = slots->vectors[slots->next].iov_base;
    slots->rest_length = message->msg_len;
    slots->is_truncated = (message->msg_hdr.msg_flags & MSG_TRUNC) != 0;
    slots->next++;
}

/* Where slots have room for more than --payload-max, it is not the kernel that cuts a longer
 * datagram off. */
static void cut_off(slots_t *slots, datagram_t *datagram)
{
    int is_one_of_several = slots->segment > 0 && slots->segment < slots->rest_length;
    apr_size_t length = is_one_of_several ? slots->segment : slots->rest_length;
    int is_too_long = length > slots->payload_max;

    datagram->data = slots->rest;
    datagram->length = is_too_long ? slots->payload_max : length;
    datagram->truncated = is_too_long || slots->is_truncated;
    slots->rest += length;
    slots->rest_length -= length;
    slots->last = datagram;
}

void slots_lend(slots_t *slots, batch_t *batch)
{
    batch->count = 0;
    while (batch->count < BATCH_MAX) {
        datagram_t *datagram = &slots->datagrams[batch->count];

        if (slots->rest_length > 0) {
            *datagram = *slots->last;
        } else if (slots->next < slots->count) {
            open_message(slots, datagram);
        } else {
            return;
        }
        cut_off(slots, datagram);
        batch->at[batch->count++] = datagram;
    }
}
