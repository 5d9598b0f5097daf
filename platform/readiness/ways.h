#ifndef UDPECHO_WAYS_H
#define UDPECHO_WAYS_H

/* All sockets that one worker receives from. Internal to platform/readiness; its thread only. */

#include "waiter.h"
#include "way.h"

typedef struct ways {
    way_t at[LISTENERS_MAX];
} ways_t;

/*
 * Makes them those of the sockets that `listeners` have for this worker, and the waiter wait for
 * them: the others go, those that are there stay as they are. Errors: as transport_listen().
 */
apr_status_t ways_set(ways_t *ways, waiter_t *waiter, listener_t *const *listeners, unsigned count,
                      unsigned worker);

#endif
