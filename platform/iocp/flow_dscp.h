#ifndef UDPECHO_FLOW_DSCP_H
#define UDPECHO_FLOW_DSCP_H

/* The DSCP (RFC 2474) of the datagrams that sockets send, which is not a socket option on
 * Windows: it accepts IP_TOS without an error but sends 0 ("IPPROTO_IP socket options").
 * Internal to platform/iocp. */

#include <winsock2.h>
#include <ws2tcpip.h>

#include <apr_errno.h>
#include <apr_pools.h>

#include "udpecho/endpoint.h"

typedef struct flow_dscp flow_dscp_t;

/* `dscp` is 0 to 63. Outlives, in `pool`, what it marks. One thread. */
flow_dscp_t *flow_dscp_create(int dscp, apr_pool_t *pool);

/* Has all that this bound socket sends to `peer` carry the code point, until `pool` is destroyed,
 * which must be before the socket is closed. Errors: those of LoadLibraryExW(), QOSCreateHandle(),
 * QOSAddSocketToFlow() and QOSSetFlow(), which wants a member of the Administrators or of the
 * Network Configuration Operators; `step` then says what failed. */
apr_status_t flow_dscp_mark(flow_dscp_t *dscp, SOCKET socket, const endpoint_t *peer,
                            const char **step, apr_pool_t *pool);

#endif
