/* OpenBSD: pledge(2) and unveil(2). Written from their manual pages; it was never compiled there.
 */

#include "udpecho/confinement.h"

#include <errno.h>
#include <unistd.h>

#include "os/posix/interfaces.h"

/* "stdio" would do for messages to the peer of a connected socket; to name an address in
 * sendmsg(2), or to open a socket, takes "inet". "route" is for getifaddrs(3). */
#define SERVE "stdio inet route"

/* "unix" is for accepting what connects to a path. */
static const char *promises(const sandbox_needs_t *needs)
{
    if (needs->files->nelts > 0) {
        return needs->connections > 0 ? SERVE " rpath unix" : SERVE " rpath";
    }
    return needs->connections > 0 ? SERVE " unix" : SERVE;
}

apr_status_t sandbox_enter(const platform_t *platform, const sandbox_needs_t *needs,
                           const char **found)
{
    (void)platform;
    interfaces_remember();
    *found = "none: the kernel refuses it";
    /* After a change of root a file may not be there; reading it again then fails, as it must. */
    for (int i = 0; i < needs->files->nelts; i++) {
        if (unveil(APR_ARRAY_IDX(needs->files, i, const char *), "r") != 0 && errno != ENOENT) {
            return errno;
        }
    }
    if (unveil(NULL, NULL) != 0 || pledge(promises(needs), NULL) != 0) {
        return errno;
    }
    *found = "pledge";
    return APR_SUCCESS;
}
