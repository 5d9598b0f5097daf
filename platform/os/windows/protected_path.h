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

/* The same of a security descriptor, whose owner and DACL are known; `trusted` is a SID of one who
 * may own and change it too, or NULL. Words that can follow a colon. */
const char *protected_by(void *descriptor, void *trusted, apr_pool_t *pool);

#endif
