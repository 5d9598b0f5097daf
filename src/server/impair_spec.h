#ifndef UDPECHO_IMPAIR_SPEC_H
#define UDPECHO_IMPAIR_SPEC_H

/* What one --impair says. Any thread. */

#include <apr_pools.h>

#include "core/impair_profile.h"

/*
 * Reads KEY=VALUE pairs that commas separate: which replies (from, port), what is done to them
 * (drop, duplicate, reorder, corrupt, delay, jitter, distribution, rate, queue, or none alone) and
 * by which random numbers (seed). Returns NULL, or what would have been right, in words that can
 * follow "expected", from `pool`.
 */
const char *impair_spec_parse(impair_profile_t *profile, const char *text, apr_pool_t *pool);

#endif
