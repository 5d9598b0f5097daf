#ifndef UDPECHO_SERVICE_VALUES_H
#define UDPECHO_SERVICE_VALUES_H

#include "server/observe/name_values.h"
#include "server/observe/status.h"

/*
 * Adds the values of listeners that speak more than plain echo; nothing if there are none. For
 * STAMP: "stamp_listening" and, one for each of these, "stamp_requests", "stamp_replies" and
 * "stamp_dropped", then "stamp_sessions" and "stamp_sessions_evicted". For UDPEchoPlus:
 * "UDPEchoConfig", the addresses, and for each of these the parameters of
 * Device.IP.Diagnostics.UDPEchoConfig by their names (Broadband Forum, TR-181). Any thread;
 * memory from `pool`.
 */
void service_values(apr_array_header_t *values, const status_t *status, apr_pool_t *pool);

#endif
