#ifndef UDPECHO_METRICS_TEXT_H
#define UDPECHO_METRICS_TEXT_H

#include "server/observe/status.h"

/* A reading in Prometheus' text format: see prometheus.h. From `pool`; any thread. */
const char *metrics_text(const status_t *status, apr_pool_t *pool);

#endif
