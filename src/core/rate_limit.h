#ifndef UDPECHO_RATE_LIMIT_H
#define UDPECHO_RATE_LIMIT_H

/*
 * How many datagrams a second one source may have echoed. A source is an address and, with larger
 * limits in fixed proportion, each network around it that one owner is likely to have:
 *
 *     IPv4   /32    /24    /20            IPv6   /128   /64   /56   /48
 *     limit  1      32     256            limit  1      4     16    64
 *
 * Every source has a token bucket that holds a second's worth. The table of buckets is fixed in
 * size and one for all workers. Where a keyed hash puts a source nobody can guess (SipHash:
 * Aumasson and Bernstein, 2012), and a source displaced by others has a full bucket when it comes
 * back: a flood of forged sources makes the table forget, never limit.
 */

#include <apr_pools.h>
#include <apr_siphash.h>
#include <apr_time.h>

#include "udpecho/datagram.h"

typedef struct rate_limit rate_limit_t;

/* The highest limit, datagrams a second. Above it a bucket's clock would run over too soon. */
#define RATE_LIMIT_MAX 10000000

/* Limits every address to `rate` datagrams a second, from 1 to RATE_LIMIT_MAX. `key` is random and
 * secret; it is copied. All memory is taken here, 256 KiB of `pool`. */
rate_limit_t *rate_limit_create(apr_uint64_t rate, const unsigned char key[APR_SIPHASH_KSIZE],
                                apr_time_t now, apr_pool_t *pool);

/*
 * Non-zero if a datagram from this source may be echoed now; it is then counted towards the limits.
 * Any thread; several threads at once may let pass one datagram each more than the limit.
 *
 * A source above its limit is still served up to its limit, and a random sixteenth of its datagrams
 * goes first: a sender that forges its address uses up its share but cannot silence it, however
 * well it times what it sends.
 */
int rate_limit_admits(rate_limit_t *limit, const endpoint_t *from, apr_time_t now);

#endif
