#ifndef UDPECHO_FAILURE_H
#define UDPECHO_FAILURE_H

/* What went wrong, in words. */

#include <apr_errno.h>
#include <apr_pools.h>

#include "client/output/output.h"

/* "cannot bind: Permission denied". From `pool`; any thread. */
const char *cannot(const char *what, apr_status_t status, apr_pool_t *pool);

/* Writes the sentence as a line of this program. One thread at a time; `scratch` is for
 * temporary memory. */
void failure_write(output_t *output, const char *error, apr_pool_t *scratch);

#endif
