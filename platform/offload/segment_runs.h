#ifndef UDPECHO_SEGMENT_RUNS_H
#define UDPECHO_SEGMENT_RUNS_H

/*
 * Which replies of a batch can leave as one message that the kernel cuts apart again: those to the
 * same peer, from the same local address, with the same traffic class, of the same length, the last
 * of them perhaps shorter.
 * What a message costs is its way through the network stack; a run goes it once for all its
 * replies. Plain data, no call to the system.
 */

#include "offload/gather_limits.h"

/* Linux cuts a message into at most 64 datagrams, since version 6.9 into 128 (UDP_MAX_SEGMENTS). */
#define SEGMENT_RUN_MAX 64

typedef struct segment_run {
    unsigned count;
    unsigned first; /* its first reply and its last, as indices into the batch */
    unsigned last;
    int traffic_class;
    apr_size_t segment; /* the length of all except the last, bytes */
    apr_size_t room;    /* bytes that it can still take; 0 once it is closed */
} segment_run_t;

/* The runs of a batch, in the order of their first replies. */
typedef struct segment_runs {
    unsigned count;
    segment_run_t at[BATCH_MAX];
    unsigned char next[BATCH_MAX]; /* of each reply but the last of a run, the one behind it */
} segment_runs_t;

/*
 * Divides the replies of `batch`, which are the datagrams with VERDICT_ECHO, into runs. In each,
 * and from one run to a later one, what goes to the same peer stays in the order of the batch. An
 * empty datagram and one that `limits` do not allow are runs of their own. The
 * thread that has the batch.
 */
void segment_runs_form(segment_runs_t *runs, const batch_t *batch, gather_limits_t *limits);

#endif
