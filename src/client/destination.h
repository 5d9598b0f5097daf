#ifndef UDPECHO_DESTINATION_H
#define UDPECHO_DESTINATION_H

/* Whom to ask, and from where. */

#include "client/client_settings.h"

typedef struct destination {
    apr_sockaddr_t *peer;
    apr_sockaddr_t *source;      /* NULL: the system's choice */
    int is_broadcast;            /* the peer stands for several hosts: broadcast or multicast */
    const apr_sockaddr_t *other; /* the next address of the same name; NULL: there is none */
} destination_t;

/* By what addresses are judged; plain data. */
typedef struct destination_rules {
    const client_settings_t *settings;
    apr_sockaddr_t *sources;             /* to send from, linked; NULL: the system's choice */
    const apr_array_header_t *addresses; /* of this host, of host_address_t; NULL: not known */
} destination_rules_t;

/* Looks up --source and the addresses of this host. Returns NULL, or what is wrong with the former
 * as a sentence. Main thread; memory from `pool`. */
const char *destination_rules_make(destination_rules_t *rules, const client_settings_t *settings,
                                   apr_pool_t *pool);

/* Sets `chosen` to an array of destination_t: those addresses in the list `found` that can be asked
 * as the user wants it, in the order of the list, each once. There is one at least, or else the
 * error is returned as a sentence; it says what is wrong with the first address. `host` is what the
 * user calls them. Any thread; memory from `pool`. */
const char *destination_choose(apr_array_header_t **chosen, apr_sockaddr_t *found, const char *host,
                               const destination_rules_t *rules, apr_pool_t *pool);

/* Looks up the host of the settings and chooses its first address. May ask the name service and
 * wait for it. Returns NULL, or what is wrong as a sentence. Main thread; memory from `pool`. */
const char *destination_find(destination_t *destination, const client_settings_t *settings,
                             apr_pool_t *pool);

/* What to try where the peer does not answer, as a sentence; NULL if nothing is known. */
const char *destination_advice(const destination_t *destination, const client_settings_t *settings,
                               apr_pool_t *pool);

#endif
