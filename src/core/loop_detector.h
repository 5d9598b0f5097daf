#ifndef UDPECHO_LOOP_DETECTOR_H
#define UDPECHO_LOOP_DETECTOR_H

/*
 * Ends loops: two echo servers that answer each other, or a ring of them, on whatever ports, set
 * off by forged datagrams (CERT CA-1996-01, CVE-2024-2169).
 *
 * A datagram that comes from the same address and port with the same payload more than LOOP_RATE
 * times a second in each of LOOP_PERIODS of LOOP_WATCH_US, or as often in fewer of them, is not
 * answered for LOOP_SILENCE_US. A loop of one datagram is dead then: nobody sends it again.
 *
 * If it comes again, it may be one of many copies, or a client's that sends without waiting for
 * answers. After LOOP_SPARE_US one copy in LOOP_THIN is not answered, for LOOP_THIN_US: copies in a
 * loop become fewer each round, and a client's do not. If they shrink, none is answered for
 * LOOP_WATCH_US. What still comes is a client's, and is answered for LOOP_STREAM_TRUST_US.
 *
 * Many datagrams that return seldom are recognised by what their source repeats in all:
 * loop_source.h.
 *
 * A client that waits for each answer before it sends the same payload again, faster than
 * LOOP_RATE, cannot be told from a loop at one end of it, and loses what it waits for. These loops
 * look like clients and live: those in which a source repeats fewer datagrams than LOOP_RATE, those
 * of copies of one datagram that go round in more than LOOP_PAUSE_US, and those of copies of
 * several, each of which comes less often than LOOP_RATE. A loop is not seen where a worker
 * receives more different datagrams before one returns than the table has room for, 8,192.
 */

#include <apr_pools.h>
#include <apr_siphash.h>
#include <apr_time.h>

#include "core/loop_source.h"
#include "udpecho/datagram.h"

#define LOOP_WATCH_US   250000
#define LOOP_PERIODS    3
#define LOOP_SILENCE_US 2000

/* What a client sends in bursts shorter than this is not thinned. */
#define LOOP_SPARE_US (3 * APR_USEC_PER_SEC / 2)

/* As many rounds as copies need to shrink, even of LOOP_PAUSE_US each. */
#define LOOP_THIN    16
#define LOOP_THIN_US (2 * APR_USEC_PER_SEC)

/* So long that a client that floods loses 1 in 500 in all. */
#define LOOP_STREAM_TRUST_US (60 * APR_USEC_PER_SEC)

/* A stream of datagrams that pauses for this long starts anew, unless it is trusted. */
#define LOOP_PAUSE_US 200000

/* What comes again sooner than this is no repeat of its source: it would make more than LOOP_RATE
 * by itself, so the stream is judged alone. */
#define LOOP_REPEAT_US (APR_USEC_PER_SEC / LOOP_RATE)

/* A detector belongs to one worker. */
typedef struct loop_detector loop_detector_t;

/* `key` is random and secret; it is not kept. All memory is taken here, about 390 KiB of `pool`. */
loop_detector_t *loop_detector_create(const unsigned char key[APR_SIPHASH_KSIZE], apr_pool_t *pool);

/* Results of loop_detector_passes(). A suspected datagram may be one of many copies in a loop,
 * whose number the detector is reducing: more than one reply to it would keep the loop going. */
#define LOOP_PASSES    1
#define LOOP_SUSPECTED 2

/* LOOP_PASSES or LOOP_SUSPECTED if the datagram may be answered, otherwise 0. The same payload
 * means: the same length, and the same first 24 and last 8 bytes. */
int loop_detector_passes(loop_detector_t *detector, const datagram_t *datagram, apr_time_t now);

#endif
