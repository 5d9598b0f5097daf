#ifndef UDPECHO_TARGET_LIST_H
#define UDPECHO_TARGET_LIST_H

/* The targets that a user names, each once. Memory comes from the list's pool; one thread at a
 * time. */

#include <apr_hash.h>
#include <apr_tables.h>

#include "common/address.h"

/* One target as the user named it. */
typedef struct target_name {
    const char *text;  /* as written */
    const char *key;   /* the same for all texts that name the same target, "LOCALHOST" and
                        * "localhost:7" */
    address_t address; /* its device is that of --interface if it names none */
} target_name_t;

typedef struct target_list {
    apr_array_header_t *names; /* of target_name_t, in the order in which they were added */
    apr_hash_t *keys;
    apr_port_t port;
    const char *device;
    apr_pool_t *pool;
} target_list_t;

/* An empty list. A target that names no port has `port`; if that is 0, it must name one. `device`
 * is the interface of --interface, NULL if it was not given. Lives as long as `pool`. */
target_list_t *target_list_create(apr_port_t port, const char *device, apr_pool_t *pool);

/*
 * Adds HOST[:PORT] as address_parse_host() takes it; `text` is copied. A target that is in the list
 * already is not added again. Nothing is looked up. Returns NULL, or the error as a sentence that
 * names the text and what would be right.
 */
const char *target_list_add(target_list_t *list, const char *text);

/* A list of the same targets, in `pool`. */
target_list_t *target_list_copy(const target_list_t *list, apr_pool_t *pool);

#endif
