#ifndef UDPECHO_WAY_H
#define UDPECHO_WAY_H

/* One listener's socket, as one worker uses it. */

#include "udpecho/datagram.h"

typedef struct way {
    int descriptor;
    unsigned listener;
    int wildcard;
    endpoint_t local;
    apr_size_t segment_max; /* the longest replies that are gathered, bytes; 0: none are */
} way_t;

#endif
