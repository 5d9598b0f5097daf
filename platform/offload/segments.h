#ifndef UDPECHO_SEGMENTS_H
#define UDPECHO_SEGMENTS_H

/*
 * The datagrams of a message that was received, which may be several that the kernel put together:
 * of the same length, the last of them perhaps shorter. Plain data, no call to the system.
 */

#include <apr.h>

/* Those that were not taken yet. */
typedef struct segments {
    unsigned char *data; /* of the first of them */
    apr_size_t length;   /* of all of them, bytes */
    apr_size_t segment;  /* of each but the last, bytes; 0: there is one */
} segments_t;

/* Takes the first of them, whose length becomes `length`. A message of length 0 is one datagram;
 * else all of them were taken when `segments->length` is 0. */
unsigned char *segments_take(segments_t *segments, apr_size_t *length);

#endif
