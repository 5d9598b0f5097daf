/* Sockets from launchd: those of the entry "Listeners" in a job's Sockets, launchd.plist(5). */

#include "udpecho/error_text.h"
#include "udpecho/handover.h"

#include <apr_portable.h>
#include <apr_strings.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "os/main_thread.h"

/* As in launch.h, which cannot be included: it brings along all of Mach, whose host_t and
 * host_processors() are others than ours. */
extern int launch_activate_socket(const char *name, int **descriptors, size_t *count);

/* Appends the descriptors, and keeps them from programs that this one might start. */
static const char *take_over(apr_array_header_t *sockets, const int *descriptors, size_t count,
                             apr_pool_t *pool)
{
    for (size_t i = 0; i < count; i++) {
        if (fcntl(descriptors[i], F_SETFD, FD_CLOEXEC) != 0) {
            return apr_psprintf(pool, "launchd handed over descriptor %d, which is not open",
                                descriptors[i]);
        }
        APR_ARRAY_PUSH(sockets, apr_os_sock_t) = descriptors[i];
    }
    return NULL;
}

/* launchd keeps no others. */
const char *host_inherited_sockets(apr_array_header_t *sockets, apr_array_header_t *groups,
                                   apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(sockets->elt_size == sizeof(apr_os_sock_t) &&
           groups->elt_size == sizeof(apr_array_header_t *));

    char reason[128];
    int *descriptors = NULL;
    size_t count = 0;
    int status = launch_activate_socket("Listeners", &descriptors, &count);
    const char *error;

    (void)groups;
    if (status == ESRCH || status == ENOENT) {
        return NULL; /* not started by launchd, or by a job without such sockets */
    }
    if (status != 0) {
        return apr_psprintf(pool, "launchd does not hand over the sockets \"Listeners\": %s",
                            error_text(status, reason, sizeof reason));
    }
    error = take_over(sockets, descriptors, count, pool);
    free(descriptors); /* launch_activate_socket(3) leaves that to its caller */
    return error;
}
