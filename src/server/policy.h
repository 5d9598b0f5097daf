#ifndef UDPECHO_POLICY_H
#define UDPECHO_POLICY_H

/* What the workers' cores judge by: the settings, and this host's addresses as they are when it is
 * made. Main thread. */

#include <apr_pools.h>
#include <apr_siphash.h>
#include <apr_tables.h>

#include "core/echo.h"
#include "server/impair_service.h"
#include "server/log/log.h"
#include "server/settings.h"
#include "server/stamp_service.h"

/* What is the same for all policies of a process. It outlives them. */
typedef struct policy_basis {
    echo_quota_t *quota;
    unsigned char key[APR_SIPHASH_KSIZE]; /* of their tables, random and secret */
    stamp_basis_t *stamp;                 /* NULL: nothing is known of sessions and the clock */
} policy_basis_t;

/*
 * Makes the policy of the settings for `listeners`, an array of listener_t *: it knows their
 * addresses and this host's. Where the host's cannot be listed, a line in the log says so, and only
 * what the listeners are bound to is known. The access lists stay those of the settings, and
 * delayed replies wait in `lines`, as impair_policy_of() has them; all else lives as long as
 * `pool`.
 */
const echo_policy_t *policy_create(const settings_t *settings, const policy_basis_t *basis,
                                   const apr_array_header_t *listeners, const impair_lines_t *lines,
                                   log_t *log, apr_pool_t *pool);

#endif
