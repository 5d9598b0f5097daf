/* OpenBSD: pledge(2) and unveil(2). Written from their manual pages and the kernel's source; it was
 * never run there. */

#include "udpecho/confinement.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "os/main_thread.h"
#include "os/openbsd/promises.h"
#include "os/posix/interfaces.h"

/* Nothing of the file system but the files to read again. After a change of root a file may not be
 * there; reading it again then fails, as it must. */
static int unveil_files(const apr_array_header_t *files)
{
    /* Were no path named, all of them would stay visible. */
    if (unveil("/", "") != 0) {
        return -1;
    }
    for (int i = 0; i < files->nelts; i++) {
        if (unveil(APR_ARRAY_IDX(files, i, const char *), "r") != 0 && errno != ENOENT) {
            return -1;
        }
    }
    return unveil(NULL, NULL);
}

apr_status_t sandbox_enter(const platform_t *platform, const sandbox_needs_t *needs,
                           const char **found)
{
    assert(is_main_thread());
    assert(needs->files != NULL && needs->refusals != NULL);

    char promises[PROMISES_MAX];

    (void)platform;
    interfaces_remember();
    promises_write(promises, needs);
    *found = "none: the kernel refuses it";
    if (unveil_files(needs->files) != 0 || pledge(promises, NULL) != 0) {
        return errno;
    }
    *found = "pledge";
    return APR_SUCCESS;
}
