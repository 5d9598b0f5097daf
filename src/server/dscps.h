#ifndef UDPECHO_DSCPS_H
#define UDPECHO_DSCPS_H

/* A set of differentiated services codepoints as people write it. */

#include <apr_pools.h>

/* Sets bit n of `dscps` for each DSCP n (RFC 2474 section 3) that the text names: numbers and
 * ranges, 8,EF,40-46, also by name, dscp_read(); "all"; "none". Returns 0 if it is none of these.
 * Any thread; memory from `pool`. */
int dscps_parse(apr_uint64_t *dscps, const char *text, apr_pool_t *pool);

#endif
