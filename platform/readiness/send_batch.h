#ifndef UDPECHO_SEND_BATCH_H
#define UDPECHO_SEND_BATCH_H

/* The replies of one batch on their way out. */

#include "readiness/readiness.h"
#include "readiness/worker_socket.h"

typedef struct replies replies_t;

/* Room for the replies of a batch, for as long as `pool` lives. */
replies_t *replies_create(const platform_t *platform, apr_pool_t *pool);

/*
 * Sends every datagram of the batch whose verdict is VERDICT_ECHO, all from one socket, back by
 * that, and adds to `outcome` what became of each. Those to one peer leave in the order of the
 * batch. What the kernel refuses to send gathered is sent one by one, and for a while is not
 * gathered for that peer; see gather_limits.h.
 */
void replies_send(replies_t *replies, worker_socket_t *socket, const batch_t *batch,
                  send_outcome_t *outcome);

#endif
