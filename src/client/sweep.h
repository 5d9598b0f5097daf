#ifndef UDPECHO_SWEEP_H
#define UDPECHO_SWEEP_H

/*
 * What a sweep over source ports says of the paths behind them. Routers choose one of several equal
 * paths, or one link of a bundle, by a hash over addresses and ports (RFC 2992), so a bad one of n
 * hits about one source port in n, and those wholly.
 *
 * A port is suspect if it is among the worst ports that together differ from the rest by more than
 * chance (clusters.h): they lose more; or even the shortest of their round trips is longer than the
 * shortest of the rest's median port, by more than a quarter and half a millisecond, below which it
 * may be the hosts that were slow. If there are two kinds of ports, those that are worse are the
 * suspects, even if they are more.
 */

#include "client/output/event.h"

/* Puts the rows in order, the worst first, marks the suspects and sets `result`. Memory from
 * `pool`; otherwise pure. */
sweep_result_t sweep_judge(sweep_row_t *rows, unsigned count, apr_pool_t *pool);

#endif
