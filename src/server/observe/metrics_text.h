#ifndef UDPECHO_METRICS_TEXT_H
#define UDPECHO_METRICS_TEXT_H

#include "server/observe/status.h"

/* The media type of what metrics_text() returns. */
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* A reading in Prometheus' text format, version 0.0.4
 * (prometheus.io/docs/instrumenting/exposition_formats). From `pool`; any thread. */
const char *metrics_text(const status_t *status, apr_pool_t *pool);

#endif
