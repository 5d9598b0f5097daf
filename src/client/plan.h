#ifndef UDPECHO_PLAN_H
#define UDPECHO_PLAN_H

/* What the settings ask for: the flows that know the network, and the probes that decide what goes
 * by them. Each function returns NULL, or what went wrong as a sentence;
 * what is made lives as long as `pool`. Main thread. */

#include "client/client_settings.h"
#include "client/destination.h"

/* The datagrams may be fragmented unless the settings or the measurement forbid it. */
const char *plan_flows(flows_t **flows, const client_settings_t *settings,
                       const destination_t *destination, apr_pool_t *pool);

/* A probe, with a key of its own, for what the settings ask to be sent; `count` datagrams, 0: until
 * the user or the clock ends it. */
const char *plan_probe(probe_t **probe, const client_settings_t *settings,
                       const destination_t *destination, apr_uint64_t count, apr_pool_t *pool);

/* What counts each way; NULL: the protocol does not tell it. */
directions_t *plan_directions(const client_settings_t *settings, apr_pool_t *pool);

/* For how long this host may have no room for what is due, before that counts as not sent: where a
 * schedule says what is due, no longer than what is late is made up for. */
apr_interval_time_t plan_patience(const client_settings_t *settings);

/* How long the run takes by its schedule, its duration and its deadline, the last answer included,
 * microseconds; 0: only answers or the user end it. */
apr_interval_time_t plan_length(const client_settings_t *settings);

#endif
