#ifndef UDPECHO_LISTENER_LOG_H
#define UDPECHO_LISTENER_LOG_H

/* Log lines about listeners: those that could not be opened, and how the others were opened. */

#include "common/exit_codes.h"
#include "server/listen/listener_set.h"
#include "server/settings.h"

/* Adds where a listener is bound, its interface included, as "address". Main thread. */
void listener_log_address(log_line_t *line, const listener_info_t *info);

/* Ends the line, which was begun with what could not be opened, with why, and with what an operator
 * can do about it. Returns the code to end with. Main thread. */
exit_code_t listener_log_failure(log_line_t *line, apr_status_t status,
                                 const listener_error_t *error);

/* The code to end with where a call about the address or the path of another socket has failed:
 * what the address is to blame for is told from what the system lacks. Any thread. */
exit_code_t listener_failure_code(apr_status_t status);

/* How the workers share a listener's port, and why they do it so, in words. From `pool`, or static.
 * Any thread. */
const char *listener_sharing(const listener_info_t *info);
const char *listener_sharing_reason(const listener_info_t *info, const platform_t *platform,
                                    apr_pool_t *pool);

/* Logs where each listener of `set` that is not in `known`, which may be NULL, or spoke another
 * protocol there, is bound, what it speaks, how its port is shared and why, and what buffers it
 * has. `pool` is for temporary memory. Main
 * thread. */
void listeners_log(const listener_set_t *set, const listener_set_t *known,
                   const settings_t *settings, const platform_t *platform, log_t *log,
                   apr_pool_t *pool);

#endif
