#ifndef UDPECHO_WORKER_SOCKETS_H
#define UDPECHO_WORKER_SOCKETS_H

/* All sockets that one worker receives from. Internal to platform/readiness; its thread only. */

#include "readiness/waiter.h"
#include "readiness/worker_socket.h"

/* The most of them: more than listeners, where one worker receives from what several of the process
 * before this one did, and fewer than the 1024 that select(2) takes, APR's wakeup being one. */
#define WORKER_SOCKETS_MAX 1000

typedef struct worker_sockets {
    worker_socket_t at[WORKER_SOCKETS_MAX];
} worker_sockets_t;

/*
 * Makes them those of the sockets that `listeners` have for this worker, and the waiter wait for
 * them: the others go, those that are there stay as they are. Errors: as transport_listen().
 */
apr_status_t worker_sockets_set(worker_sockets_t *sockets, waiter_t *waiter,
                                listener_t *const *listeners, unsigned count, unsigned worker);

/* A socket of this listener, the first where it has several for this worker; of NULL, one that is
 * not used. NULL: there is none. */
worker_socket_t *worker_sockets_find(worker_sockets_t *sockets, const listener_t *owner);

#endif
