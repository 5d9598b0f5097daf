#ifndef UDPECHO_FAILURE_H
#define UDPECHO_FAILURE_H

/* What went wrong, in words: "cannot bind: Permission denied". From `pool`; any thread. */

#include <apr_errno.h>
#include <apr_pools.h>

const char *cannot(const char *what, apr_status_t status, apr_pool_t *pool);

#endif
