#ifndef UDPECHO_READINESS_LISTENER_H
#define UDPECHO_READINESS_LISTENER_H

/* A listener, as listener_open.c makes it and listener.c knows it. Others see of it what
 * readiness.h has. */

#include <stdatomic.h>

#include "readiness/readiness.h"

struct listener {
    listener_info_t info;
    const platform_t *platform;
    atomic_int offload;
    atomic_uint details;
    struct service *_Atomic service; /* NULL: plain echo */
    turn_t *turn;                    /* of the workers, where one socket serves several */
    int has_socket_each; /* what is opened for the workers, except where it was adopted */
    unsigned workers;    /* that it was opened for */
    unsigned count;      /* of sockets: one, or one for each worker; others if it was adopted */
    apr_socket_t **sockets;
    apr_uint32_t *drops_seen; /* of each socket, at the last reading */
    apr_uint64_t drops;
    apr_pool_t *pool; /* nobody else's */
};

#endif
