#ifndef UDPECHO_LOOKUP_LIMIT_H
#define UDPECHO_LOOKUP_LIMIT_H

/* Limits the reports of failed lookups: a name that is not found is looked up every few seconds,
 * for the whole run. */

#include "client/output/event.h"

typedef struct lookup_limit lookup_limit_t;

/* Remembers every target that failed once, as long as `pool` lives. One thread. */
lookup_limit_t *lookup_limit_create(apr_pool_t *pool);

/* Records the event. Non-zero for an EVENT_LOOKUP whose target was not reported in the last
 * hour, or has been asked at an address since. */
int lookup_limit_tells(lookup_limit_t *limit, const event_t *event);

#endif
