/* Linux: no core dumps, low limits, and a filter of system calls. */

#include "confined.h"
#include "filter.h"

#include <sys/prctl.h>
#include <time.h>

/* A sanitizer's runtime traces the process at its end, starts threads and reads the process's
 * files. gcc says by a macro that there is one, clang by a feature. */
#if !defined(__has_feature)
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||       \
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define HAS_SANITIZER 1
#else
#define HAS_SANITIZER 0
#endif

apr_status_t sandbox_enter(const platform_t *platform, const sandbox_needs_t *needs,
                           const char **found)
{
    if (HAS_SANITIZER) {
        *found = "none: built with a sanitizer";
        return APR_ENOTIMPL;
    }
    /* glibc reads the time zone from a file when it is first asked for a time, UTC too. */
    tzset();
    interfaces_remember();
    /* A core dump that is piped to a program ignores the limit (core(5)). */
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    limits_lower(needs);
    return filter_load(platform, needs, found);
}
