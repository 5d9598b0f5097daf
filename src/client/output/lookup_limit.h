#ifndef UDPECHO_LOOKUP_LIMIT_H
#define UDPECHO_LOOKUP_LIMIT_H

/* Which failed lookups people are told of: a name that is not found is looked up every few seconds,
 * for as long as the run takes. */

#include "client/output/event.h"

typedef struct lookup_limit lookup_limit_t;

/* Remembers every target that failed once, as long as `pool` lives. One thread. */
lookup_limit_t *lookup_limit_create(apr_pool_t *pool);

/* Takes note of the event. Non-zero for an EVENT_LOOKUP whose target was not told of in the last
 * hour, or has been asked at an address since. */
int lookup_limit_tells(lookup_limit_t *limit, const event_t *event);

#endif
