#ifndef UDPECHO_TARGET_PEERS_H
#define UDPECHO_TARGET_PEERS_H

/* Joins the set of targets with the prober that asks them. */

#include "client/plan.h"
#include "client/prober.h"
#include "client/targets/targets.h"

typedef struct target_peers {
    const plan_t *plan;
    prober_t *prober;
    targets_t *targets;
    destination_rules_t rules;
    prober_task_t task;  /* of the prober */
    const char *failure; /* why the first targets cannot be asked, as a sentence; NULL: they can.
                          * To be read once the prober has ended */
    apr_pool_t *pool;    /* of the thread that runs the prober */
    apr_pool_t *parent;  /* of that and of lists of targets; nothing is allocated from it */
} target_peers_t;

/*
 * Makes an empty set; the prober is to be created next, with the task. Returns NULL, or what is
 * wrong with the settings' targets as a sentence. Main thread; all lives as long as `pool`.
 */
const char *target_peers_open(target_peers_t *peers, const plan_t *plan, apr_pool_t *pool);

/* Has the prober ask the targets that the settings name. `known` is where the only one is, looked
 * up already; NULL: there may be several. Main thread, before the prober runs. */
void target_peers_start(target_peers_t *peers, prober_t *prober, const destination_t *known);

/* Reads --targets again: targets come and go, and those that stay are not disturbed. Returns NULL,
 * or what is wrong as a sentence from `scratch`; nothing changes then. Main thread. */
const char *target_peers_reload(target_peers_t *peers, apr_pool_t *scratch);

/* For prober_options_t: a peer of the set is no longer asked. Tells what it came to; the peer is
 * gone afterwards. The thread that runs the prober. */
void target_peers_ended(const target_peers_t *peers, peer_t *peer);

#endif
