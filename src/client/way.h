#ifndef UDPECHO_WAY_H
#define UDPECHO_WAY_H

/* One way to the peer: the flows that know the network, and the probe that decides what goes by
 * them, both as the settings ask. Main thread. */

#include "client_settings.h"
#include "destination.h"

typedef struct way {
    flows_t *flows;
    probe_t *probe;
} way_t;

/* Opens it; lives as long as `pool`. Its datagrams may be fragmented unless `dont_fragment`.
 * Returns NULL, or what went wrong as a sentence. */
const char *way_open(way_t *way, const client_settings_t *settings,
                     const destination_t *destination, int dont_fragment, apr_pool_t *pool);

#endif
