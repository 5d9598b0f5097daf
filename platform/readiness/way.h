#ifndef UDPECHO_WAY_H
#define UDPECHO_WAY_H

/* One listener's socket, as one worker uses it. */

#include <apr_poll.h>

#include "udpecho/transport.h"

typedef struct way {
    const listener_t *owner; /* NULL: there is no such way */
    apr_pollfd_t waited;
    int descriptor;
    int wildcard;
    endpoint_t local;
    apr_size_t segment_max; /* the longest replies that are gathered, bytes; 0: none are */
} way_t;

#endif
