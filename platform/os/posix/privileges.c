/* POSIX systems whose privileges are those of the user, and nothing besides. */

#include "os/posix/confined.h"

apr_status_t privileges_drop(const privileges_t *wanted, privileges_error_t *error,
                             apr_pool_t *pool)
{
    identity_t identity;
    apr_status_t status = identity_find(&identity, wanted, error, pool);

    return status == APR_SUCCESS ? identity_assume(&identity, error, pool) : status;
}
