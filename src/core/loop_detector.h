#ifndef UDPECHO_LOOP_DETECTOR_H
#define UDPECHO_LOOP_DETECTOR_H

/*
 * Ends loops: two echo servers that answer each other, or a ring of them, on whatever ports, set
 * off by forged datagrams (CERT CA-1996-01, CVE-2024-2169).
 *
 * A datagram that comes from the same address and port with the same payload more than LOOP_RATE
 * times a second in each of LOOP_PERIODS of LOOP_WATCH_US, or as often in fewer of them, is not
 * answered any more, and then one of two things happens. A loop is dead: nobody sends it again. A
 * client that sends without waiting for answers goes on sending, and is answered again after
 * LOOP_SILENCE_US, for LOOP_TRUST_US. Many datagrams that return seldom are recognised by what
 * their source repeats in all: loop_source.h.
 *
 * A client that waits for each answer before it sends the same payload again, faster than
 * LOOP_RATE, looks like a loop to whoever sees one end of it, and loses what it waits for. A loop
 * looks like a client while its source repeats fewer datagrams than LOOP_RATE, or while copies of
 * each go round more than LOOP_SILENCE_US apart; and it is not seen where a worker receives more
 * different datagrams before one returns than the table has room for, 8,192. These loops live.
 */

#include <apr_pools.h>
#include <apr_siphash.h>
#include <apr_time.h>

#include "core/loop_source.h"
#include "udpecho/datagram.h"

#define LOOP_WATCH_US   250000
#define LOOP_PERIODS    3
#define LOOP_SILENCE_US 2000

/* A stream of datagrams that pauses for this long starts anew. */
#define LOOP_PAUSE_US 100000

/* What comes again sooner than this is no repeat of its source: it would make more than LOOP_RATE
 * by itself, so the stream is judged alone. */
#define LOOP_REPEAT_US (APR_USEC_PER_SEC / LOOP_RATE)

/* A detector belongs to one worker. */
typedef struct loop_detector loop_detector_t;

/* `key` is random and secret; it is not kept. All memory is taken here, about 390 KiB of `pool`. */
loop_detector_t *loop_detector_create(const unsigned char key[APR_SIPHASH_KSIZE], apr_pool_t *pool);

/* Non-zero if the datagram may be answered. The same payload means: the same length, and the same
 * first 24 and last 8 bytes. */
int loop_detector_passes(loop_detector_t *detector, const datagram_t *datagram, apr_time_t now);

#endif
