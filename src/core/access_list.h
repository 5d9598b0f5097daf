#ifndef UDPECHO_ACCESS_LIST_H
#define UDPECHO_ACCESS_LIST_H

/*
 * Who may be answered. The most specific network that holds a source decides, and `otherwise` is
 * the answer for a source that is in none. IPv4 and IPv6 have nothing to do with each other: ::/0
 * holds no IPv4 source. An IPv4-mapped source is the IPv4 source in it, and the scope of a
 * link-local one does not matter.
 */

#include <apr_pools.h>
#include <apr_tables.h>

#include "common/cidr.h"

typedef struct access_rule {
    cidr_t network;
    int allowed;
    const char *origin; /* where it was read, for an error */
} access_rule_t;

typedef struct access_list access_list_t;

/*
 * Makes a list of rules, an array of access_rule_t in any order, which may be empty. Nothing of it
 * is kept; its pool is used in between and may go afterwards. Millions of rules take seconds, in
 * which it calls work_on() again and again, if that is not NULL. Returns NULL, or a sentence that
 * names two rules which contradict each other. The list lives as long as `pool` and never changes.
 */
const char *access_list_create(access_list_t **list, const apr_array_header_t *rules, int otherwise,
                               void (*work_on)(void), apr_pool_t *pool);

/* Non-zero if this source may be answered. A binary search: with ten thousand rules it takes
 * fifteen comparisons at most. Any thread. */
int access_list_allows(const access_list_t *list, const endpoint_t *source);

#endif
