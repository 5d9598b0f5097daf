#ifndef UDPECHO_SERVER_H
#define UDPECHO_SERVER_H

/* The service: listeners, workers, and what the host asks of them. */

#include <apr_pools.h>

#include "common/exit_codes.h"
#include "server/log/log.h"
#include "server/settings.h"
#include "udpecho/host.h"

/* Serves as `settings` say until it is asked to stop or has done all it was asked for. Everything
 * is bound before the first datagram is answered; if something cannot be, one line in the log says
 * what, and nothing was started. Main thread. */
exit_code_t server_run(const settings_t *settings, host_t *host, log_t *log, apr_pool_t *pool);

#endif
