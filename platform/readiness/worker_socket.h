#ifndef UDPECHO_WORKER_SOCKET_H
#define UDPECHO_WORKER_SOCKET_H

/* One listener's socket, as one worker uses it. */

#include <apr_poll.h>

#include "udpecho/transport.h"

typedef struct worker_socket {
    listener_t *owner; /* NULL: this one is not used */
    apr_pollfd_t waited;
    int descriptor;
    int wildcard;
    endpoint_t local;
    apr_uint32_t drops; /* as worker_socket_is_stuck() last read them */
} worker_socket_t;

/* Non-zero if the kernel says that the socket is readable and is wrong: nobody else receives from
 * it, and no datagram of it was dropped since this was last asked. Zero without
 * FEATURE_DROP_COUNTER, where nothing tells the kernel's fault from what others sent. */
int worker_socket_is_stuck(worker_socket_t *socket);

#endif
