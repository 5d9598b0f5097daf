#ifndef UDPECHO_STAMP_KEYS_H
#define UDPECHO_STAMP_KEYS_H

/* Which key a session is authenticated with: several sessions may have several. */

#include <apr_tables.h>

#include "common/authentication.h"
#include "common/cidr.h"

/* How many there can be. They are looked at one after the other, for each packet. */
#define STAMP_KEYS_MAX 1024

typedef struct stamp_key {
    authentication_key_t *key;
    int ssid;        /* of the sessions that it is for; -1: of any */
    cidr_t network;  /* their senders'; used only if has_network */
    int has_network; /* 0: of any */
} stamp_key_t;

typedef struct stamp_keys stamp_keys_t;

/* Makes it of an array of up to STAMP_KEYS_MAX stamp_key_t in any order. A key for an SSID is
 * preferred to one for any, and then that of the smaller network; of the same, the one that comes
 * first. Nothing of the array is kept but the keys themselves. Lives as long as `pool` and never
 * changes. */
stamp_keys_t *stamp_keys_create(const apr_array_header_t *keys, apr_pool_t *pool);

/* The key of a session of this sender, or NULL. Any thread. */
const authentication_key_t *stamp_keys_find(const stamp_keys_t *keys, const endpoint_t *from,
                                            unsigned ssid);

#endif
