#ifndef UDPECHO_PLAN_H
#define UDPECHO_PLAN_H

/* What the settings ask for: the flows that know the network, and the probes that decide what goes
 * by them. Each function returns NULL, or what went wrong as a sentence;
 * what is made lives as long as `pool`. Main thread. */

#include "client/client_settings.h"
#include "client/destination.h"
#include "client/peer.h"

/* Opens those to `destination`; none yet if that is NULL. The datagrams may be fragmented unless
 * the settings or the measurement forbid it. */
const char *plan_flows(flows_t **flows, const client_settings_t *settings,
                       const destination_t *destination, apr_pool_t *pool);

/* What all peers of a run share. */
typedef struct plan {
    const client_settings_t *settings;
    flows_t *flows;
    apr_array_header_t *reports;         /* of report_t * */
    const unsigned char *random;         /* PROBE_RANDOM bytes */
    const apr_array_header_t *addresses; /* of this host; NULL: not known */
    int has_several;                     /* several peers are asked */
} plan_t;

/* Sets `random` and `addresses` too. */
const char *plan_make(plan_t *plan, const client_settings_t *settings, flows_t *flows,
                      apr_array_header_t *reports, int has_several, apr_pool_t *pool);

/* Gives the plan its own key, so that late replies to the plan that it was copied from are
 * recognised. Any thread. */
const char *plan_renew(plan_t *plan, apr_pool_t *pool);

/* The description of `host` at `peer` for reports; length 0: its address is unknown. */
run_t plan_run(const plan_t *plan, const char *host, endpoint_t peer);

/* A peer that is sent what the settings ask for, from flow `first_flow` on: `count` datagrams, 0:
 * until the user or the clock ends it. `host` is what the user calls it, and is not copied. */
const char *plan_peer(peer_options_t *options, const plan_t *plan, const char *host,
                      const destination_t *destination, unsigned first_flow, apr_uint64_t count,
                      apr_pool_t *pool);

/* Opens one more flow, to `destination`. `device` is the interface that it sends and receives by,
 * NULL: any. On error `status` says why too. The thread that sends and receives. */
const char *plan_add_flow(unsigned *flow, const plan_t *plan, const destination_t *destination,
                          const char *device, apr_status_t *status, apr_pool_t *pool);

/* How long the load of --load runs before the first ping of that part: the queues must be full
 * by then. */
#define LOAD_RAMP_US (500 * 1000)

/* How long the run takes by its schedule, its duration and its deadline, the last answer included,
 * microseconds; 0: only answers or the user end it. */
apr_interval_time_t plan_length(const client_settings_t *settings);

#endif
