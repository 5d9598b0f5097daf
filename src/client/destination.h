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

/* Looks up what the settings name. May ask the name service and wait for it. Returns NULL, or what
 * is wrong as a sentence. Any thread; memory from `pool`. */
const char *destination_find(destination_t *destination, const client_settings_t *settings,
                             apr_pool_t *pool);

/* What to try where the peer does not answer, as a sentence; NULL if nothing is known. */
const char *destination_advice(const destination_t *destination, const client_settings_t *settings,
                               apr_pool_t *pool);

#endif
