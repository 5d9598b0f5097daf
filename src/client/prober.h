#ifndef UDPECHO_PROBER_H
#define UDPECHO_PROBER_H

/* The loop that joins the probe, which decides, with the flows, which know the network, and tells
 * the reports what happens. */

#include "client/output/event.h"

typedef struct prober prober_t;

typedef struct prober_options {
    probe_t *probe;
    flows_t *flows;
    directions_t *directions; /* of a protocol that tells more than plain echo; else NULL */
    const run_t *run;
    apr_array_header_t *reports;  /* of report_t *; told in this order */
    apr_interval_time_t patience; /* microseconds for which this host may have no room for what is
                                   * due, before that counts as not sent */
} prober_options_t;

/* Lives as long as `pool`; `options` is copied. Any thread. */
prober_t *prober_create(const prober_options_t *options, apr_pool_t *pool);

/* Sends and receives until the probe is done, it is `end`, by clock_now() (0: no end),
 * prober_stop() was called or one of the reports cannot go on; whatever sends and receives come to,
 * it is noticed at once. Returns what it came to, as the reports were told it in the end. One
 * thread. Errors: those of flows_receive() that do not pass; what it came to until then is told all
 * the same. */
apr_status_t prober_run(prober_t *prober, apr_time_t end, probe_summary_t *summary);

/* Ends prober_run() soon, whatever is still to come; a prober that was stopped does not run. Any
 * thread. */
void prober_stop(prober_t *prober);

/* Makes it tell the reports what it came to so far. Any thread. */
void prober_report(prober_t *prober);

/* Tells the reports of something that happened. Only the thread that runs it. */
void prober_tell(const prober_t *prober, event_t event);

#endif
