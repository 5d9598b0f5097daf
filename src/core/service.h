#ifndef UDPECHO_SERVICE_H
#define UDPECHO_SERVICE_H

/* What a listener speaks that speaks more than plain echo. All workers share it. */

#include <apr_pools.h>

#include "udpecho/datagram.h"

typedef struct service {
    protocol_t protocol; /* never PROTOCOL_ECHO, whose listeners have no service */
} service_t;

/* A service of this protocol. Lives as long as `pool`. */
service_t *service_create(protocol_t protocol, apr_pool_t *pool);

#endif
