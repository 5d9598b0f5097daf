#ifndef UDPECHO_PAYLOAD_H
#define UDPECHO_PAYLOAD_H

/* What datagrams are made of, and what they tell when they come back. Plain data. */

#include "client/core/probe.h"

typedef struct payload {
    const unsigned char *random; /* PROBE_RANDOM bytes, the first of which are the key of the run */
    const unsigned char *user;   /* not NULL: what the user wrote, which is sent instead */
} payload_t;

/* What a payload tells of the sequence number: as many low bits as fit in. */
typedef struct sequence_part {
    apr_uint32_t low;
    unsigned bits; /* 32 tell any two datagrams apart that are remembered, 0 tell nothing */
} sequence_part_t;

/* Sets head and body of `request`, whose sequence and length are set. */
void payload_make(const payload_t *payload, request_t *request);

/* Reads what `length` bytes at `data` tell. Returns 0 if they are of another run, as far as their
 * part of the key tells. */
int payload_read(const payload_t *payload, const unsigned char *data, apr_size_t length,
                 sequence_part_t *part);

/* Non-zero if `length` bytes at `data` are those of datagram `sequence` of `size` bytes. */
int payload_is(const payload_t *payload, apr_uint64_t sequence, apr_size_t size,
               const unsigned char *data, apr_size_t length);

#endif
