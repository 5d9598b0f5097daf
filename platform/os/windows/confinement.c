/* Windows gives a process its account before it starts: installing the service chooses LocalService
 * and a short list of privileges. */

#include "udpecho/confinement.h"

#include <assert.h>

#include "os/main_thread.h"

apr_status_t privileges_drop(const privileges_t *wanted, privileges_error_t *error,
                             apr_pool_t *pool)
{
    assert(is_main_thread());
    (void)pool;
    if (wanted->user == NULL && wanted->group == NULL && wanted->root == NULL) {
        return APR_SUCCESS;
    }
    *error = (privileges_error_t){PRIVILEGES_NOT_HERE, "switch to another user"};
    return APR_ENOTIMPL;
}

apr_status_t limits_lower(const sandbox_needs_t *needs, const char **step)
{
    assert(is_main_thread());
    (void)needs, (void)step;
    return APR_SUCCESS;
}

apr_status_t sandbox_enter(const platform_t *platform, const sandbox_needs_t *needs,
                           const char **found)
{
    assert(is_main_thread());
    assert(needs->files != NULL && needs->refusals != NULL);
    (void)platform, (void)needs;
    *found = "none: Windows confines a service by its account";
    return APR_ENOTIMPL;
}
