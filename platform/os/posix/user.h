#ifndef UDPECHO_USER_H
#define UDPECHO_USER_H

/* Whom a daemon becomes once it has what only root may have. */

#include <sys/types.h>

#include "udpecho/confinement.h"

typedef struct user {
    int has_id;
    int has_group;
    uid_t id;
    gid_t group;
    const privileges_t *wanted;
} user_t;

/* Looks up the user and group, before a change of root: names are in files. Errors: APR_ENOENT. */
apr_status_t user_find(user_t *user, const privileges_t *wanted, privileges_error_t *error,
                       apr_pool_t *pool);

/* Changes root, groups and user, in this order: each needs the privilege that a later one drops. */
apr_status_t user_switch(const user_t *user, privileges_error_t *error, apr_pool_t *pool);

#endif
