#ifndef UDPECHO_WILDCARD_H
#define UDPECHO_WILDCARD_H

/* The wildcard on systems that do not tell where a datagram arrived. */

#include <apr_network_io.h>

#include "udpecho/platform.h"

/*
 * Puts every address that this host has now in the place of each wildcard in `list` that the
 * platform cannot serve. Returns non-zero if that changed the list. A wildcard of a family without
 * an address stays, for listener_open() to refuse. Main thread; memory from `pool`.
 */
int wildcard_replace(apr_sockaddr_t **list, const platform_t *platform, apr_pool_t *pool);

#endif
