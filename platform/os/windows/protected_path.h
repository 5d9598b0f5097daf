#ifndef UDPECHO_WINDOWS_PROTECTED_PATH_H
#define UDPECHO_WINDOWS_PROTECTED_PATH_H

/* Files and directories that only administrators and the system can change. In ProgramData every
 * user may make some, and the one who makes a thing owns it ("Owner of a New Object" in Microsoft's
 * documentation). Memory from `pool`; any thread. */

#include <apr_pools.h>

/*
 * Returns NULL if `path` is neither a link nor any other reparse point, belongs to the system, to
 * administrators or to the owner of the directory `above`, who could replace it in any case, and
 * nobody else may change it; or else why not, as a sentence that begins with the path. Where this
 * cannot be found out, it is a reason too.
 */
const char *protected_path_check(const char *path, const char *above, apr_pool_t *pool);

/* The same of a file that holds a secret, which nobody else may read either: but the user of this
 * process, the account of the service and those of services alone (S-1-5-80). */
const char *secret_path_check(const char *path, const char *above, apr_pool_t *pool);

/* The same of a security descriptor, whose owner and DACL are known; `trusted` is a SID of one who
 * may own and change it too, or NULL. Words that can follow a colon. */
const char *protected_by(void *descriptor, void *trusted, apr_pool_t *pool);

/* The same of a secret; `reader` is a SID of one more who may read it, or NULL. */
const char *secret_by(void *descriptor, void *trusted, void *reader, apr_pool_t *pool);

#endif
