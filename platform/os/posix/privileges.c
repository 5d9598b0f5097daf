/* POSIX systems whose privileges are those of the user, and nothing besides. */

#include "os/posix/user.h"

#include <assert.h>

#include "os/main_thread.h"

apr_status_t privileges_drop(const privileges_t *wanted, privileges_error_t *error,
                             apr_pool_t *pool)
{
    assert(is_main_thread());

    user_t user;
    apr_status_t status = user_find(&user, wanted, error, pool);

    return status == APR_SUCCESS ? user_switch(&user, error, pool) : status;
}
