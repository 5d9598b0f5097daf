#ifndef UDPECHO_LOAD_H
#define UDPECHO_LOAD_H

/*
 * Latency under load: pings while nothing else is sent, then pings while a second flow floods the
 * same host at a bitrate. Nothing is sent to a host in bulk that did not answer before.
 */

#include "client/plan.h"
#include "client/prober.h"

typedef struct load load_t;

/* Flow 0 of `plan` has the pings and flow 1 the load. Returns NULL, or the error as a sentence.
 * Lives as long as `pool`. Main thread. */
const char *load_create(load_t **load, const plan_t *plan, const destination_t *destination,
                        apr_pool_t *pool);

/* Makes the prober send the pings of the idle part. Returns their peer, whose run the reports
 * receive. Before the prober runs. */
peer_t *load_start(load_t *load, prober_t *prober);

/* To be called when a peer ended: goes on with the next part. Returns 0 until all is over; then it
 * tells the reports and sets `summary` to that of the pings that were sent last. The prober's
 * thread. */
int load_ended(load_t *load, const peer_t *peer, probe_summary_t *summary);

#endif
