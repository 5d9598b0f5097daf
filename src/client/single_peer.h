#ifndef UDPECHO_SINGLE_PEER_H
#define UDPECHO_SINGLE_PEER_H

/* The measurements that ask one peer only: flood, sweep, the search for the MTU, and load. Adds to
 * the prober what they ask, and tells what they came to. */

#include "client/load.h"
#include "client/mtu.h"
#include "client/plan.h"
#include "client/prober.h"

typedef struct single_peer {
    const plan_t *plan;
    const destination_t *destination;
    prober_t *prober;
    peer_t *peer;
    peer_t *larger; /* the same once more, with what was too big for an MTU search; NULL: not yet */
    mtu_t *mtu;     /* NULL: no search */
    load_t *load;   /* NULL: none */
    probe_summary_t summary; /* of what is judged, once it has ended */
    int is_limit_unknown;    /* the search ended before it found the limit */
    unsigned suspects;       /* source ports of a sweep */
    apr_pool_t *pool;
} single_peer_t;

/* Has the prober ask it. `plan` and `destination` outlive it; all lives as long as `pool`. Returns
 * NULL, or what is wrong as a sentence. Before the prober runs. */
const char *single_peer_add(single_peer_t *single, const plan_t *plan,
                            const destination_t *destination, prober_t *prober, apr_pool_t *pool);

/* For prober_options_t: the prober no longer asks `peer`. Adds what is to be asked next, or tells
 * the reports the result and the summary. The thread that runs the prober. */
void single_peer_ended(single_peer_t *single, const peer_t *peer);

#endif
