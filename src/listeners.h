#ifndef UDPECHO_LISTENERS_H
#define UDPECHO_LISTENERS_H

/* From what --listen says, or a service manager hands over, to bound listeners. */

#include <apr_pools.h>
#include <apr_tables.h>

#include "exit_codes.h"
#include "log.h"
#include "settings.h"
#include "udpecho/transport.h"

/* Takes over the sockets of the service manager or, where it handed over none, looks up and binds
 * every address of `settings`, with what `platform` has. Appends the listeners to `listeners`, an
 * array of listener_t *. On error one line in the log says what is wrong, and the exit code is
 * returned. Main thread. */
exit_code_t listeners_open(apr_array_header_t *listeners, const settings_t *settings,
                           const platform_t *platform, log_t *log, apr_pool_t *pool);

/* How a listener is opened by these settings. Any thread. */
listener_options_t listener_options(const settings_t *settings, const platform_t *platform);

/* How the workers share a listener's port, and why they do it so, in words. From `pool`, or static.
 * Any thread. */
const char *listener_sharing(const listener_info_t *info);
const char *listener_sharing_reason(const listener_info_t *info, const settings_t *settings,
                                    const platform_t *platform, apr_pool_t *pool);

/* Logs where each listener is bound, how its port is shared and why, and what buffers it has.
 * `pool` is for what it needs meanwhile. Main thread. */
void listeners_log(const apr_array_header_t *listeners, const settings_t *settings,
                   const platform_t *platform, log_t *log, apr_pool_t *pool);

#endif
