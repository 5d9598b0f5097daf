#ifndef UDPECHO_CLIENT_CONFLICTS_H
#define UDPECHO_CLIENT_CONFLICTS_H

/* Which of udpecho's options do not go together. */

#include "client/client_settings.h"

/* Looks at the options as they were given, before defaults are filled in. Returns NULL, or what
 * does not go together as a sentence, from `pool`. Any thread. */
const char *client_conflicts_find(const client_settings_t *given, apr_pool_t *pool);

#endif
