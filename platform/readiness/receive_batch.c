#include "readiness/receive_batch.h"

#include <assert.h>

#include "readiness/details.h"
#include "readiness/message_batch.h"
#include "readiness/readiness.h"
#include "udpecho/clock.h"

/* The maximum length of a message: the kernel coalesces at most as much as an IP packet can
 * carry. Memory that is never used is never allocated, so the size alone costs nothing. */
#define MESSAGE_MAX PAYLOAD_MAX_IPV6

/* How many bytes a batch may receive. They must still be in the processor's second cache when they
 * are sent, and the kernel's copies take as much room again. Measured with 2 MiB of it: 65,507-byte
 * datagrams cost 0.65 of what they do in batches of 128, and no less with fewer bytes. */
#define BATCH_BYTES ((apr_size_t)256 << 10)

struct receive_batch {
    message_batch_t messages;
    apr_size_t payload_max;
    const worker_socket_t *socket; /* of the messages */
    int tells_more;                /* than where they came: these three, and details */
    struct service *service;
    listener_t *listener;
    apr_int64_t arrived; /* when they came, as far as no message tells itself */
    unsigned next;       /* the first that was not looked at yet */
    unsigned room;       /* how many the next call may receive */
    int is_full;         /* as many as were asked for came */

    /* The rest of the message whose datagrams are being returned. */
    segments_t rest;
    const datagram_t *last; /* whose datagrams were returned */
    int is_truncated;

    /* So many of these have reported details; the others have not since. */
    datagram_t datagrams[BATCH_MAX];
    unsigned told;
};

static void clear_details(datagram_t *datagram)
{
    datagram->service = NULL;
    datagram->listener = NULL;
    datagram->arrived = 0;
    datagram->drops = 0;
    datagram->hop_limit = -1;
    datagram->traffic_class = -1;
    datagram->reply_traffic_class = -1;
    datagram->departure_id = -1;
}

/* So that plain datagrams need not clear the details each time. */
static void clear_details_of(receive_batch_t *batch, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        clear_details(&batch->datagrams[i]);
    }
    batch->told = 0;
}

receive_batch_t *receive_batch_create(const platform_t *platform, apr_size_t payload_max,
                                      apr_pool_t *pool)
{
    receive_batch_t *batch = apr_pcalloc(pool, sizeof *batch);
    int is_coalesced = platform_has(platform, FEATURE_COALESCED_RECEIVE);

    message_batch_init(&batch->messages, platform, is_coalesced ? MESSAGE_MAX : payload_max, pool);
    batch->payload_max = payload_max;
    batch->room = BATCH_MAX;
    clear_details_of(batch, BATCH_MAX);
    return batch;
}

/* So many messages as long as these were are BATCH_BYTES. */
static unsigned next_room(const message_batch_t *messages)
{
    apr_size_t bytes = 0;

    for (unsigned i = 0; i < messages->count; i++) {
        bytes += messages->at[i].msg_len;
    }
    apr_size_t room = bytes > 0 ? messages->count * BATCH_BYTES / bytes : BATCH_MAX;

    return room < BATCH_MAX ? (unsigned)room : BATCH_MAX;
}

int receive_batch_fill(receive_batch_t *batch, const worker_socket_t *socket)
{
    assert(batch->rest.length == 0 && batch->next == batch->messages.count);
    struct service *service = listener_service(socket->owner); /* which needs details: first */
    unsigned details = listener_details(socket->owner);
    int is_timed = (details & DETAIL_TIMES) != 0;
    unsigned room = is_timed && batch->room > TIMED_BATCH_MAX ? TIMED_BATCH_MAX : batch->room;

    message_batch_clear(&batch->messages);
    int received = message_batch_receive(&batch->messages, socket->descriptor, room);

    batch->next = 0;
    batch->socket = socket;
    batch->service = service;
    batch->listener = (details & TELLS_LISTENER) != 0 ? socket->owner : NULL;
    batch->tells_more = details != 0 || service != NULL;
    batch->arrived = is_timed ? clock_wall() : 0;
    batch->is_full = batch->messages.count == room;
    if (received > 0) {
        batch->room = next_room(&batch->messages);
    }
    return received;
}

int receive_batch_is_full(const receive_batch_t *batch)
{
    return batch->is_full;
}

static void tell_more(const receive_batch_t *batch, struct msghdr *header, datagram_t *datagram)
{
    clear_details(datagram);
    datagram->service = batch->service;
    datagram->listener = batch->listener;
    datagram->arrived = batch->arrived;
    details_read(header, datagram);
}

/* Begins to lend the next message: tells all of its datagram but where it lies, which may be the
 * first of several. */
static void open_message(receive_batch_t *batch, datagram_t *datagram)
{
    unsigned index = batch->next++;
    struct msghdr *header = &batch->messages.at[index].msg_hdr;

    datagram->from = message_sender(header);
    datagram->to = batch->socket->local;
    datagram->broadcast = 0;
    datagram->arrival_interface = 0;
    if (batch->tells_more) {
        tell_more(batch, header, datagram);
    }
    batch->rest =
        message_batch_segments(&batch->messages, index, control_messages_read(header, datagram));
    batch->is_truncated = (header->msg_flags & MSG_TRUNC) != 0;
}

/* Where a message has room for more than --payload-max, it is not the kernel that cuts a longer
 * datagram off. */
static void cut_off(receive_batch_t *batch, datagram_t *datagram)
{
    apr_size_t length;

    datagram->data = segments_take(&batch->rest, &length);

    int is_too_long = length > batch->payload_max;

    datagram->length = is_too_long ? batch->payload_max : length;
    datagram->truncated = is_too_long || batch->is_truncated;
    batch->last = datagram;
}

/* Copies the details of the last datagram of the message to the next one. */
static void repeat_message(const receive_batch_t *batch, datagram_t *datagram)
{
    const datagram_t *last = batch->last;

    datagram->from = last->from;
    datagram->to = last->to;
    datagram->arrival_interface = last->arrival_interface;
    datagram->control_truncated = last->control_truncated;
    datagram->broadcast = last->broadcast;
    if (batch->tells_more) {
        clear_details(datagram);
        datagram->service = last->service;
        datagram->listener = last->listener;
        datagram->arrived = last->arrived;
        datagram->drops = last->drops;
        datagram->hop_limit = last->hop_limit;
        datagram->traffic_class = last->traffic_class;
    }
}

static void lend(receive_batch_t *batch, batch_t *lent)
{
    lent->count = 0;
    while (lent->count < BATCH_MAX) {
        datagram_t *datagram = &batch->datagrams[lent->count];

        if (batch->rest.length > 0) {
            repeat_message(batch, datagram);
        } else if (batch->next < batch->messages.count) {
            open_message(batch, datagram);
        } else {
            return;
        }
        cut_off(batch, datagram);
        lent->at[lent->count++] = datagram;
    }
}

void receive_batch_lend(receive_batch_t *batch, batch_t *lent)
{
    if (batch->told > 0 && !batch->tells_more) {
        clear_details_of(batch, batch->told);
    }
    lend(batch, lent);
    if (batch->tells_more && batch->told < lent->count) {
        batch->told = lent->count;
    }
}
