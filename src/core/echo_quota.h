#ifndef UDPECHO_ECHO_QUOTA_H
#define UDPECHO_ECHO_QUOTA_H

#include <apr_pools.h>

/* How many echoes the whole service may still give: what --count asks for, shared by every
 * worker. Workers claim an echo before they send it, so that the number is never passed. */
typedef struct echo_quota echo_quota_t;

/* A quota of `count` echoes, or without end if `count` is 0. Lives as long as `pool`. */
echo_quota_t *echo_quota_create(apr_uint64_t count, apr_pool_t *pool);

/* Claims one echo; zero if none is left. Any thread. */
int echo_quota_claim(echo_quota_t *quota);

/* Settles claims: `sent` were used, `failed` are given back. Non-zero if this spends the last of
 * it. Any thread. */
int echo_quota_settle(echo_quota_t *quota, unsigned sent, unsigned failed);

#endif
