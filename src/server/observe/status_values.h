#ifndef UDPECHO_STATUS_VALUES_H
#define UDPECHO_STATUS_VALUES_H

#include "server/observe/name_values.h"
#include "server/observe/status.h"

/* Adds what a reading says: texts and present numbers first, then the counters under the names that
 * the log has for them, then the service times: "service_us_total", the time of all datagrams
 * together, and "service_within_10us", how many datagrams took no longer. Any thread; what is added
 * is from `pool` and the reading. */
void status_values(apr_array_header_t *values, const status_t *status, apr_pool_t *pool);

/* The name of a bucket of service times. */
const char *service_time_name(unsigned bucket, apr_pool_t *pool);

#endif
