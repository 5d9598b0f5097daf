/* Linux: the user's privileges, and the capabilities, which are a thread's (capabilities(7)). */

#include "os/posix/user.h"

#include <assert.h>
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/main_thread.h"

static int may_drop(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3] = {{0}};

    return syscall(SYS_capget, &header, held) == 0 &&
           (held[0].effective & (1U << CAP_SETPCAP)) != 0;
}

/* Takes what execve(2) could give; needs CAP_SETPCAP, and without that there is nothing to gain
 * by it: no-new-privileges holds too. The kernel says EINVAL to the number after its last. Drops
 * all that can be dropped, whichever cannot. */
static apr_status_t empty_bounding_set(void)
{
    apr_status_t status = APR_SUCCESS;
    int is_set;

    for (int capability = 0; (is_set = prctl(PR_CAPBSET_READ, capability, 0, 0, 0)) >= 0;
         capability++) {
        if (is_set && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) {
            status = errno;
        }
    }
    return status;
}

/* The ambient set follows the others: it never holds what is not permitted and inheritable.
 *
 * The C library has no names for these calls, and libcap would be a library for two. If there is
 * nothing to drop, the second call may be forbidden: it is in systemd's @privileged. */
static int empty_sets(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3];

    if (syscall(SYS_capget, &header, held) == 0 && memcmp(held, none, sizeof none) == 0) {
        return 0;
    }
    return (int)syscall(SYS_capset, &header, none);
}

static apr_status_t drop_capabilities(privileges_error_t *error)
{
    if (empty_sets() != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        *error = (privileges_error_t){PRIVILEGES_SYSTEM, "drop capabilities"};
        return errno;
    }
    return APR_SUCCESS;
}

apr_status_t privileges_drop(const privileges_t *wanted, privileges_error_t *error,
                             apr_pool_t *pool)
{
    assert(is_main_thread());

    user_t user;
    apr_status_t status = user_find(&user, wanted, error, pool);

    if (status == APR_SUCCESS && may_drop()) {
        *error = (privileges_error_t){PRIVILEGES_SYSTEM, "empty the capability bounding set"};
        status = empty_bounding_set();
    }
    if (status == APR_SUCCESS) {
        status = user_switch(&user, error, pool);
    }
    return status == APR_SUCCESS ? drop_capabilities(error) : status;
}
