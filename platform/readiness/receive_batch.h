#ifndef UDPECHO_RECEIVE_BATCH_H
#define UDPECHO_RECEIVE_BATCH_H

/*
 * Where a transport's datagrams lie: BATCH_MAX messages, which the kernel fills. A message is a
 * datagram, or several that the kernel put together because they were sent together. What is lent
 * of them is datagrams only.
 */

#include "readiness/worker_socket.h"
#include "udpecho/datagram.h"

typedef struct receive_batch receive_batch_t;

/* Room for datagrams of up to `payload_max` bytes, for as long as `pool` lives. */
receive_batch_t *receive_batch_create(const platform_t *platform, apr_size_t payload_max,
                                      apr_pool_t *pool);

/* Receives messages from one socket, once all that came before has been lent and taken back: into
 * all of them, or fewer where messages are long. Returns how many came, or -1 and errno. */
int receive_batch_fill(receive_batch_t *batch, const worker_socket_t *socket);

/* Non-zero if the last call may have left messages behind. */
int receive_batch_is_full(const receive_batch_t *batch);

/* Lends the next datagrams, in the order in which they came, until `lent` is full or everything
 * has been lent. They are valid until the next call to receive_batch_lend() or
 * receive_batch_fill(). */
void receive_batch_lend(receive_batch_t *batch, batch_t *lent);

#endif
