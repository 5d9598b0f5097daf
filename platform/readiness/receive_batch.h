#ifndef UDPECHO_RECEIVE_BATCH_H
#define UDPECHO_RECEIVE_BATCH_H

/*
 * Where a transport's datagrams lie: BATCH_MAX slots, each filled with one message by the kernel. A
 * message is a datagram, or several that the kernel put together because they were sent together.
 * Whoever is lent them sees datagrams only.
 */

#include "readiness/readiness.h"
#include "readiness/worker_socket.h"

typedef struct slots slots_t;

/* Slots for datagrams of up to `payload_max` bytes, for as long as `pool` lives. */
slots_t *slots_create(const platform_t *platform, apr_size_t payload_max, apr_pool_t *pool);

/* Fills them from one socket, once all that was in them has been lent and taken back: all of them,
 * or fewer where messages are long. Returns the number of messages, or -1 and errno. */
int slots_fill(slots_t *slots, const worker_socket_t *socket);

/* Non-zero if the last call may have left messages behind. */
int slots_are_full(const slots_t *slots);

/* Lends the next datagrams, in the order in which they came, until the batch is full or everything
 * has been lent. They are valid until the next call to slots_lend() or slots_fill(). */
void slots_lend(slots_t *slots, batch_t *batch);

#endif
