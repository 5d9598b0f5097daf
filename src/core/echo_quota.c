#include "core/echo_quota.h"

#include <stdatomic.h>

/* What is left of --count. `unclaimed` keeps workers from sending too much between them, `unsent`
 * tells when the last echo is out: a claim whose reply failed is given back. */
struct echo_quota {
    int limited;
    _Atomic apr_uint64_t unclaimed;
    _Atomic apr_uint64_t unsent;
};

echo_quota_t *echo_quota_create(apr_uint64_t count, apr_pool_t *pool)
{
    echo_quota_t *quota = apr_pcalloc(pool, sizeof *quota);

    quota->limited = count > 0;
    atomic_init(&quota->unclaimed, count);
    atomic_init(&quota->unsent, count);
    return quota;
}

int echo_quota_claim(echo_quota_t *quota)
{
    if (!quota->limited) {
        return 1;
    }
    apr_uint64_t unclaimed = atomic_load(&quota->unclaimed);

    while (unclaimed > 0) {
        if (atomic_compare_exchange_weak(&quota->unclaimed, &unclaimed, unclaimed - 1)) {
            return 1;
        }
    }
    return 0;
}

int echo_quota_settle(echo_quota_t *quota, unsigned sent, unsigned failed)
{
    if (!quota->limited) {
        return 0;
    }
    atomic_fetch_add(&quota->unclaimed, failed);
    return sent > 0 && atomic_fetch_sub(&quota->unsent, sent) == sent;
}
