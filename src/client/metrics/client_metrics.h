#ifndef UDPECHO_CLIENT_METRICS_H
#define UDPECHO_CLIENT_METRICS_H

/* What --metrics-listen asks for: counts events and serves what the prober's peers come to. */

#include "client/metrics/metrics_server.h"
#include "client/prober.h"

typedef struct client_metrics client_metrics_t;

/* Listens at `where`, which stream_address_check() lets through. Returns NULL, or the error as a
 * sentence that names the option. Main thread. Lives as long as `pool`. */
const char *client_metrics_open(client_metrics_t **metrics, const char *where, apr_pool_t *pool);

/* What is to be told the events of all peers, from their start on. Writes to no output. */
const report_t *client_metrics_report(const client_metrics_t *metrics);

/* Begins to answer, from a thread of its own. targets(context) is called by it and returns how many
 * targets are asked. Errors: those of apr_thread_create(). */
apr_status_t client_metrics_start(client_metrics_t *metrics, prober_t *prober,
                                  unsigned (*targets)(void *context), void *context);

/* Ends the thread, if it was started, and waits until it has ended: before the prober or its peers
 * go. */
void client_metrics_stop(client_metrics_t *metrics);

#endif
