/* Linux: a filter of system calls. */

#include "udpecho/confinement.h"

#include <assert.h>
#include <time.h>

#include "os/linux/filter.h"
#include "os/main_thread.h"
#include "os/posix/interfaces.h"
#include "os/posix/sanitizer.h"

apr_status_t sandbox_enter(const platform_t *platform, const sandbox_needs_t *needs,
                           const char **found)
{
    assert(is_main_thread());
    assert(needs->files != NULL && needs->refusals != NULL);
    if (HAS_SANITIZER) {
        *found = "none: built with a sanitizer";
        return APR_ENOTIMPL;
    }
    /* glibc reads the time zone from a file when it is first asked for a time, UTC too. */
    tzset();
    interfaces_remember();
    return filter_load(platform, needs, found);
}
