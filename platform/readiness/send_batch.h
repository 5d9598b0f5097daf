#ifndef UDPECHO_SEND_BATCH_H
#define UDPECHO_SEND_BATCH_H

/* The replies of one batch on their way out. */

#include "readiness/worker_socket.h"
#include "udpecho/transport.h"

typedef struct send_batch send_batch_t;

/* Room for the replies of a batch, for as long as `pool` lives. */
send_batch_t *send_batch_create(const platform_t *platform, apr_pool_t *pool);

/* See transport_on_failure(). */
void send_batch_on_failure(send_batch_t *batch, reply_failed_t *failed, void *context);

/*
 * Sends each datagram whose verdict is VERDICT_ECHO back by this socket, and adds the outcome to
 * `outcome`. All are from this socket. Datagrams to one peer leave in their order. If the kernel
 * refuses to send several as one, they are sent one by one, and for a while not together for
 * that peer; see gather_limits.h.
 */
void send_batch_send(send_batch_t *batch, worker_socket_t *socket, const batch_t *datagrams,
                     send_outcome_t *outcome);

#endif
