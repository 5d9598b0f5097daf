#ifndef UDPECHO_REPLY_LOOPS_H
#define UDPECHO_REPLY_LOOPS_H

/*
 * Ends loops between servers that rewrite what they answer, two reflectors of STAMP for one: no
 * payload comes back as it was, so the loop detector does not see them. What looks like a reply is
 * answered a few times a second only, and a loop dies with the first that is not.
 */

#include <apr_pools.h>
#include <apr_siphash.h>
#include <apr_time.h>

#include "udpecho/datagram.h"

/* How often datagrams that look like replies are answered in a second, of an address and port. Some
 * share this, since the table has 1,024 places. */
#define REPLY_LOOP_RATE 16

/* Belongs to one worker. */
typedef struct reply_loops reply_loops_t;

/* `key` is random and secret; it is not kept elsewhere. Takes 16 KiB of `pool`. */
reply_loops_t *reply_loops_create(const unsigned char key[APR_SIPHASH_KSIZE], apr_pool_t *pool);

/* Non-zero if a datagram that looks like a reply may be answered; that counts as an answer. */
int reply_loops_pass(reply_loops_t *loops, const endpoint_t *from, apr_time_t now);

#endif
