#ifndef UDPECHO_CONFINED_H
#define UDPECHO_CONFINED_H

/* What the bodies of udpecho/confinement.h have in common on POSIX. */

#include <sys/types.h>

#include "udpecho/confinement.h"

typedef struct identity {
    int has_user;
    int has_group;
    uid_t user;
    gid_t group;
    const privileges_t *wanted;
} identity_t;

/* Looks up whom to become, which must precede a change of root: names are in files. Errors:
 * APR_ENOENT. */
apr_status_t identity_find(identity_t *identity, const privileges_t *wanted,
                           privileges_error_t *error, apr_pool_t *pool);

/* Changes root, groups and user, in this order: each takes the privilege that a later one gives
 * up. */
apr_status_t identity_assume(const identity_t *identity, privileges_error_t *error,
                             apr_pool_t *pool);

/* Reads the names of all interfaces, from which host_interface_name() answers from then on. Before
 * any other thread calls that. */
void interfaces_remember(void);

#endif
