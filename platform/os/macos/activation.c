/* Sockets from launchd: those of the entry "Listeners" in a job's Sockets, launchd.plist(5), and of
 * entries that have a protocol's name. */

#include "udpecho/error_text.h"
#include "udpecho/handover.h"

#include <apr_portable.h>
#include <apr_strings.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "os/main_thread.h"

/* Copied declarations of launch.h, which cannot be included: it includes Mach, whose host_t and
 * host_processors() differ from ours. */
extern int launch_activate_socket(const char *name, int **descriptors, size_t *count);

/* Appends the descriptors, and keeps them from programs that this one might start. */
static const char *append(apr_array_header_t *activated, protocol_t protocol,
                          const int *descriptors, size_t count, apr_pool_t *pool)
{
    for (size_t i = 0; i < count; i++) {
        if (fcntl(descriptors[i], F_SETFD, FD_CLOEXEC) != 0) {
            return apr_psprintf(pool, "launchd passed descriptor %d, which is not open",
                                descriptors[i]);
        }
        socket_group_t group = {protocol, apr_array_make(pool, 1, sizeof(apr_os_sock_t))};

        APR_ARRAY_PUSH(group.sockets, apr_os_sock_t) = descriptors[i];
        APR_ARRAY_PUSH(activated, socket_group_t) = group;
    }
    return NULL;
}

static const char *take(apr_array_header_t *activated, protocol_t protocol, apr_pool_t *pool)
{
    const char *entry = protocol == PROTOCOL_ECHO ? "Listeners" : protocol_name(protocol);
    char reason[128];
    int *descriptors = NULL;
    size_t count = 0;
    int status = launch_activate_socket(entry, &descriptors, &count);
    const char *error;

    if (status == ESRCH || status == ENOENT) {
        return NULL; /* not started by launchd, or by a job without such sockets */
    }
    if (status != 0) {
        return apr_psprintf(pool, "launchd does not pass the sockets \"%s\": %s", entry,
                            error_text(status, reason, sizeof reason));
    }
    error = append(activated, protocol, descriptors, count, pool);
    free(descriptors); /* launch_activate_socket(3) leaves that to its caller */
    return error;
}

/* launchd keeps no others. */
const char *host_inherited_sockets(apr_array_header_t *activated, apr_array_header_t *kept,
                                   apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(activated->elt_size == sizeof(socket_group_t) &&
           kept->elt_size == sizeof(socket_group_t));

    const char *error = NULL;

    (void)kept;
    for (protocol_t protocol = 0; error == NULL && protocol < PROTOCOLS; protocol++) {
        error = take(activated, protocol, pool);
    }
    return error;
}
