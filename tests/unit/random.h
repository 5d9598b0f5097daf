#ifndef UDPECHO_RANDOM_H
#define UDPECHO_RANDOM_H

#include <apr.h>

/* A number that looks random, the same in each run: Knuth's linear congruential generator, whose
 * higher bits are the better ones. */
static inline apr_uint32_t next_random(apr_uint64_t *state)
{
    *state = *state * APR_UINT64_C(6364136223846793005) + APR_UINT64_C(1442695040888963407);
    return (apr_uint32_t)(*state >> 32);
}

#endif
