#ifndef UDPECHO_POLICY_H
#define UDPECHO_POLICY_H

/* What the workers' cores judge by, with this host's addresses as they are when it is made. Main
 * thread. */

#include <apr_pools.h>
#include <apr_tables.h>

#include "server/log/log.h"
#include "udpecho/echo.h"

typedef struct policy {
    echo_policy_t rules;
    apr_pool_t *pool; /* of all that this policy alone holds; destroy it to free it */
} policy_t;

/*
 * Makes a copy of `rules` that knows the addresses of `listeners`, an array of listener_t *, and of
 * this host. Where the host's cannot be listed, a line in the log says so, and only what the
 * listeners are bound to is known. It lives in a pool of its own below `pool`.
 */
policy_t *policy_create(const echo_policy_t *rules, const apr_array_header_t *listeners, log_t *log,
                        apr_pool_t *pool);

#endif
