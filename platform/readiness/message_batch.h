#ifndef UDPECHO_MESSAGE_BATCH_H
#define UDPECHO_MESSAGE_BATCH_H

/*
 * Messages of UDP sockets, many to a system call where the system can. A message is one datagram,
 * or several of the same length, the last of them perhaps shorter, that pass the network stack
 * together: the kernel puts them together when they arrive, and cuts them apart when they leave
 * (udp(7), UDP_GRO and UDP_SEGMENT). Internal to platform/readiness; one thread for each batch.
 */

#include <sys/socket.h>

#include "offload/segments.h"
#include "readiness/control_message.h"
#include "udpecho/datagram.h"
#include "udpecho/platform.h"

/* A message in the shape of recvmmsg(2) and sendmmsg(2). Where these are not called the shape is
 * ours: some systems have none, and FreeBSD's has a length of another type. */
#if HAVE_RECVMMSG
typedef struct mmsghdr message_t;
#else
typedef struct message {
    struct msghdr msg_hdr;
    unsigned msg_len;
} message_t;
#endif

/* How messages are moved. Works like recvmmsg(2) and sendmmsg(2) on a non-blocking socket: the
 * number of messages moved, or -1 and errno if it was the first that failed. */
typedef int move_messages_t(int descriptor, message_t *messages, unsigned count);

/* The best that the platform has: many messages to a system call, or one recvmsg(2) or sendmsg(2)
 * for each, which works everywhere. */
move_messages_t *receive_messages(const platform_t *platform);
move_messages_t *send_messages(const platform_t *platform);

/* Whether this kernel has calls for batches: APR_SUCCESS, or what it answers. */
apr_status_t batched_receive_status(void);
apr_status_t batched_send_status(void);

/* ---- Receiving ---- */

typedef struct message_batch {
    move_messages_t *receive;
    unsigned count;   /* how many hold what was received; they are the first */
    unsigned written; /* behind the first so many no header was written to since it was cleared */
    message_t at[BATCH_MAX];
    struct iovec vectors[BATCH_MAX];
    endpoint_t senders[BATCH_MAX];
    _Alignas(struct cmsghdr) unsigned char controls[BATCH_MAX][CONTROL_RECEIVED_MAX];
} message_batch_t;

/* Makes `batch`, which is all zeros, one of messages of up to `room` bytes. From `pool`. */
void message_batch_init(message_batch_t *batch, const platform_t *platform, apr_size_t room,
                        apr_pool_t *pool);

/* Receives up to `most` messages, 1 to BATCH_MAX less those that it has, behind these. Returns how
 * many came, or -1 and errno. */
int message_batch_receive(message_batch_t *batch, int descriptor, unsigned most);

/* Lends the header of the message behind those received, for a call of recvmsg(2) with other flags.
 * The caller clears it by message_clear(). Not while the batch is full. */
struct msghdr *message_batch_next(message_batch_t *batch);

/* Counts that message as received, of `length` bytes. */
void message_batch_add(message_batch_t *batch, apr_size_t length);

/* Takes back the room of all that was received. */
void message_batch_clear(message_batch_t *batch);

/* Makes the header of a message of a batch ready to receive into: the kernel wrote to its lengths,
 * and to the name that it points to. */
void message_clear(struct msghdr *header);

/* The sender of a message that was cleared and then received. What the system did not write of it
 * is 0, not what was there of an earlier one. */
endpoint_t message_sender(const struct msghdr *header);

/* All datagrams of message number `index`; `segment` is what its control messages say. */
segments_t message_batch_segments(message_batch_t *batch, unsigned index, apr_size_t segment);

/* ---- Sending ---- */

/* Begins a message to `peer`, which it keeps a pointer to. `vectors` have room for its parts, and
 * `control` has CONTROL_MAX bytes for its control messages. */
void message_begin(struct msghdr *header, const endpoint_t *peer, struct iovec *vectors,
                   unsigned char *control);

/* Adds a part. One that lies right behind the part before it needs no vector of its own. */
void message_append(struct msghdr *header, const unsigned char *data, apr_size_t length);

/* Ends it, once it has all its parts and control messages. */
void message_end(struct msghdr *header);

#endif
