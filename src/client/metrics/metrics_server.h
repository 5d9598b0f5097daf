#ifndef UDPECHO_METRICS_SERVER_H
#define UDPECHO_METRICS_SERVER_H

/* Serves /metrics by HTTP, for Prometheus, in a thread of its own. */

#include "client/metrics/scrape.h"

/* Where a scrape is read. */
typedef struct metrics_source {
    /* In the server's thread, within memory_try(). Errors: APR_ENOMEM, where it cannot be left at
     * once. */
    apr_status_t (*read)(void *context, scrape_t *scrape, apr_pool_t *pool);
    void *context;
} metrics_source_t;

typedef struct metrics_server metrics_server_t;

/* Listens at `where`, which stream_address_check() lets through; nothing is answered before it is
 * started. Returns NULL, or the error as a sentence that names the option. Main thread. Lives as
 * long as `pool`. */
const char *metrics_server_open(metrics_server_t **server, const char *where,
                                const metrics_source_t *source, apr_pool_t *pool);

/* Starts the thread. Errors: those of apr_thread_create(). */
apr_status_t metrics_server_start(metrics_server_t *server);

/* Ends the thread, if it was started, and waits until it has ended. A scrape that is under way is
 * cut off. */
void metrics_server_stop(metrics_server_t *server);

#endif
