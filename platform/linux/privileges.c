/* Linux: the user's privileges, and the capabilities, which are a thread's (capabilities(7)). */

#include "confined.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Takes what execve(2) could give; needs CAP_SETPCAP, and without that there is nothing to gain
 * by it: no-new-privileges holds too. The kernel says EINVAL to the number after its last. */
static void empty_bounding_set(void)
{
    for (int capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; capability++) {
    }
}

/* The ambient set goes with the others: it never holds what is not permitted and inheritable.
 *
 * The C library has no names for these calls, and libcap would be a library for two. Where there is
 * nothing to drop the second one may be forbidden: systemd's @privileged has it. */
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
    identity_t identity;
    apr_status_t status = identity_find(&identity, wanted, error, pool);

    if (status == APR_SUCCESS) {
        empty_bounding_set(); /* while there is CAP_SETPCAP */
        status = identity_assume(&identity, error, pool);
    }
    return status == APR_SUCCESS ? drop_capabilities(error) : status;
}
