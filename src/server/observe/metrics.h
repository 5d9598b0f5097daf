#ifndef UDPECHO_METRICS_H
#define UDPECHO_METRICS_H

/* Serves /metrics, for Prometheus, /healthz, for supervisors that restart what is not well, and
 * /readyz, for load balancers. */

#include <apr_network_io.h>

#include "server/observe/status.h"
#include "udpecho/http.h"

typedef enum metrics_pages {
    METRICS_PAGES_ALL,
    METRICS_PAGES_HEALTH /* /healthz and /readyz, which tell no counter */
} metrics_pages_t;

/*
 * Serves `pages` of what comes from `source` there: see http_listen(). Main thread.
 */
apr_status_t metrics_open(http_t **http, apr_socket_t **listening, const char *where,
                          metrics_pages_t pages, apr_array_header_t *inherited,
                          status_source_t *source, const char **step, apr_pool_t *pool);

#endif
