#ifndef UDPECHO_SWEEP_H
#define UDPECHO_SWEEP_H

/*
 * What a sweep over source ports says of the paths behind them. Routers choose one of several equal
 * paths, or one link of a bundle, by a hash over addresses and ports (RFC 2992), so a bad one of n
 * hits about one source port in n, and those wholly.
 *
 * A port is suspect if it lost more than the median port and three standard deviations of what
 * chance would make of that (of a Poisson distribution), and at least 3 datagrams more; or if even
 * its shortest round trip is above the median port's median by more than a quarter, six times the
 * median deviation and half a millisecond, below which it may be the hosts that were slow. One
 * median for all ports, so fewer than half of them can be suspect.
 */

#include "event.h"

/* Puts the rows in order, the worst first, marks the suspects and says in `result` what they come
 * to. Memory from `pool`. Pure but for that. */
sweep_result_t sweep_judge(sweep_row_t *rows, unsigned count, apr_pool_t *pool);

#endif
