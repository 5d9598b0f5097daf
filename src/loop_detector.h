#ifndef UDPECHO_LOOP_DETECTOR_H
#define UDPECHO_LOOP_DETECTOR_H

/*
 * Ends loops: two echo servers that answer each other, or a ring of them, on whatever ports, set
 * off by one forged datagram (CERT CA-1996-01, CVE-2024-2169).
 *
 * A datagram that comes from the same address and port with the same payload more than
 * LOOP_RATE times a second for LOOP_WATCH_US is not answered any more, and then one of two things
 * happens. A loop is dead: nobody sends it again. A client that sends without waiting for answers
 * goes on sending, and is answered again after LOOP_SILENCE_US, for LOOP_TRUST_US.
 *
 * What stays: a client that waits for each answer before it sends the same payload again, faster
 * than LOOP_RATE, is the same as a loop to whoever sees one end of it, and loses what it waits for
 * each LOOP_WATCH_US. A loop slower than LOOP_RATE is the same as a client that repeats its payload
 * at that rate, and lives.
 */

#include <apr_pools.h>
#include <apr_siphash.h>
#include <apr_time.h>

#include "udpecho/datagram.h"

#define LOOP_RATE       1000
#define LOOP_WATCH_US   250000
#define LOOP_SILENCE_US 2000
#define LOOP_TRUST_US   (10 * APR_USEC_PER_SEC)

/* A stream of datagrams that pauses for this long starts anew. */
#define LOOP_PAUSE_US 100000

/* A detector belongs to one worker. */
typedef struct loop_detector loop_detector_t;

/* `key` is random and secret; it is not kept. All memory is taken here, about 40 KiB of `pool`. */
loop_detector_t *loop_detector_create(const unsigned char key[APR_SIPHASH_KSIZE], apr_pool_t *pool);

/* Non-zero if the datagram may be answered. The same payload means: the same length, and the same
 * first 24 and last 8 bytes. */
int loop_detector_passes(loop_detector_t *detector, const datagram_t *datagram, apr_time_t now);

#endif
