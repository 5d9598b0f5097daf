#include "os/posix/user.h"

#include <apr_strings.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <unistd.h>

/* ---- Names ---- */

/* Reads a number that may be an id: the largest one means "none" to chown(2) and its like. */
static int read_id(const char *text, unsigned *id)
{
    char *end;
    apr_int64_t number = apr_strtoi64(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || number >= UINT_MAX) {
        return 0;
    }
    *id = (unsigned)number;
    return 1;
}

/* A name wins over a number, as in chown(1). */
static int find_user(user_t *user, const char *name)
{
    unsigned id = 0;
    int is_number = read_id(name, &id);
    const struct passwd *known = getpwnam(name);

    if (known == NULL && is_number) {
        known = getpwuid(id);
    }
    user->has_id = known != NULL || is_number;
    user->has_group = known != NULL;
    user->id = known != NULL ? known->pw_uid : id;
    user->group = known != NULL ? known->pw_gid : 0;
    return user->has_id;
}

static int find_group(user_t *user, const char *name)
{
    unsigned id = 0;
    int is_number = read_id(name, &id);
    const struct group *known = getgrnam(name);

    user->has_group = known != NULL || is_number;
    user->group = known != NULL ? known->gr_gid : id;
    return user->has_group;
}

static apr_status_t unknown(privileges_error_t *error, const char *what, const char *name,
                            apr_pool_t *pool)
{
    error->failure = PRIVILEGES_UNKNOWN;
    error->step = apr_pstrcat(pool, "find the ", what, " ", name, NULL);
    return APR_ENOENT;
}

apr_status_t user_find(user_t *user, const privileges_t *wanted, privileges_error_t *error,
                       apr_pool_t *pool)
{
    *user = (user_t){.wanted = wanted};
    if (wanted->user != NULL && !find_user(user, wanted->user)) {
        return unknown(error, "user", wanted->user, pool);
    }
    if (wanted->group != NULL && !find_group(user, wanted->group)) {
        return unknown(error, "group", wanted->group, pool);
    }
    if (user->has_id && !user->has_group) {
        return unknown(error, "group of user", wanted->user, pool);
    }
    return APR_SUCCESS;
}

/* ---- Becoming it ---- */

static apr_status_t refused(privileges_error_t *error, const char *step, const char *name,
                            apr_pool_t *pool)
{
    apr_status_t status = errno;

    error->failure = status == EPERM ? PRIVILEGES_NOT_PERMITTED
                     /* these need a path */
                     : status == ENOENT || status == ENOTDIR || status == EACCES
                         ? PRIVILEGES_NO_ROOT
                         : PRIVILEGES_SYSTEM;
    error->step = apr_pstrcat(pool, step, name, NULL);
    return status;
}

static int is_already(const user_t *user)
{
    return getgid() == user->group && getegid() == user->group &&
           (!user->has_id || (getuid() == user->id && geteuid() == user->id));
}

apr_status_t user_switch(const user_t *user, privileges_error_t *error, apr_pool_t *pool)
{
    const privileges_t *wanted = user->wanted;
    const char *group = wanted->group != NULL ? wanted->group : wanted->user;

    /* Whatever the new root holds, a working directory outside of it would lead out again. */
    if (wanted->root != NULL && (chroot(wanted->root) != 0 || chdir("/") != 0)) {
        return refused(error, "change root to ", wanted->root, pool);
    }
    if (!user->has_group) {
        return APR_SUCCESS;
    }
    if (setgroups(1, &user->group) != 0 && !(errno == EPERM && is_already(user))) {
        return refused(error, "drop groups other than that of ", group, pool);
    }
    if (setgid(user->group) != 0) {
        return refused(error, "switch to the group of ", group, pool);
    }
    /* With privileges it sets the saved id as well, so there is no way back (setuid(2)). */
    if (user->has_id && setuid(user->id) != 0) {
        return refused(error, "switch to the user ", wanted->user, pool);
    }
    return APR_SUCCESS;
}
