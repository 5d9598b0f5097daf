#ifndef UDPECHO_RECEIVE_BATCH_H
#define UDPECHO_RECEIVE_BATCH_H

/*
 * The memory of a transport's datagrams: BATCH_MAX messages, which the kernel fills. A message
 * is one datagram, or several that the kernel coalesced because they were sent together. A batch
 * consists of datagrams.
 */

#include "readiness/worker_socket.h"
#include "udpecho/datagram.h"

typedef struct receive_batch receive_batch_t;

/* Room for datagrams of up to `payload_max` bytes, for as long as `pool` lives. */
receive_batch_t *receive_batch_create(const platform_t *platform, apr_size_t payload_max,
                                      apr_pool_t *pool);

/* Receives messages from one socket, when all earlier datagrams were in a batch and taken back:
 * into all of them, or fewer if messages are long. Returns the number received, or -1 and errno. */
int receive_batch_fill(receive_batch_t *batch, const worker_socket_t *socket);

/* Non-zero if the last call may have left messages behind. */
int receive_batch_is_full(const receive_batch_t *batch);

/* Returns the next datagrams, in the order of arrival, until `lent` is full or there are no
 * more. They are valid until the next call to receive_batch_lend() or receive_batch_fill(). */
void receive_batch_lend(receive_batch_t *batch, batch_t *lent);

#endif
