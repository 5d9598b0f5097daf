#include "client/output/lookup_limit.h"

#include <apr_hash.h>
#include <apr_strings.h>

#define INTERVAL_US (APR_INT64_C(3600) * APR_USEC_PER_SEC)

/* A target that failed. */
typedef struct failure {
    apr_time_t told; /* at last */
    int is_found;    /* since then */
} failure_t;

struct lookup_limit {
    apr_hash_t *failures; /* failure_t, by target */
    apr_pool_t *pool;
};

lookup_limit_t *lookup_limit_create(apr_pool_t *pool)
{
    lookup_limit_t *limit = apr_pcalloc(pool, sizeof *limit);

    limit->failures = apr_hash_make(pool);
    limit->pool = pool;
    return limit;
}

static int is_due(lookup_limit_t *limit, const event_t *event)
{
    const char *target = event->run->host;
    failure_t *failure = apr_hash_get(limit->failures, target, APR_HASH_KEY_STRING);

    if (failure == NULL) {
        failure = apr_pcalloc(limit->pool, sizeof *failure);
        apr_hash_set(limit->failures, apr_pstrdup(limit->pool, target), APR_HASH_KEY_STRING,
                     failure);
    } else if (!failure->is_found && event->now - failure->told < INTERVAL_US) {
        return 0;
    }
    *failure = (failure_t){.told = event->now};
    return 1;
}

int lookup_limit_tells(lookup_limit_t *limit, const event_t *event)
{
    failure_t *failure;

    if (event->kind == EVENT_LOOKUP) {
        return is_due(limit, event);
    }
    if (event->kind == EVENT_START || event->kind == EVENT_ADDRESS) {
        failure = apr_hash_get(limit->failures, event->run->host, APR_HASH_KEY_STRING);
        if (failure != NULL) {
            failure->is_found = 1;
        }
    }
    return 0;
}
