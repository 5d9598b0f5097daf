/*
 * POSIX systems without a sandbox that lets this server live.
 *
 * FreeBSD has capability mode, capsicum(4), and in it a datagram cannot leave for an address that
 * sendmsg(2) names: the kernel's sendit() answers ECAPMODE. A server that answers strangers from
 * one socket cannot do without that.
 */

#include "udpecho/confinement.h"

#include <assert.h>

#include "os/main_thread.h"

apr_status_t sandbox_enter(const platform_t *platform, const sandbox_needs_t *needs,
                           const char **found)
{
    assert(is_main_thread());
    assert(needs->files != NULL && needs->refusals != NULL);
    (void)platform, (void)needs;
    *found = "none: this system has none in which replies can leave";
    return APR_ENOTIMPL;
}
