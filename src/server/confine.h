#ifndef UDPECHO_CONFINE_H
#define UDPECHO_CONFINE_H

/* The settings about privileges and the sandbox, carried out and told in the log. */

#include "server/log/log.h"
#include "server/settings.h"
#include "udpecho/platform.h"

/* Does privileges_drop(). If it cannot, one line in the log says why, and the code to end with is
 * returned. Main thread, before there is another. */
exit_code_t confine_privileges(const settings_t *settings, log_t *log, apr_pool_t *pool);

/* Does sandbox_enter() unless --sandbox is off, and sets `found` to what is in effect then. Main
 * thread. */
apr_status_t confine_found(const settings_t *settings, const platform_t *platform,
                           const char **found, apr_pool_t *pool);

/* Does the same for a server that may speak STAMP or never will, logs what was found, and sets
 * `is_confined` if there is a sandbox now. Only where it was demanded is it an error that there is
 * none. Main thread, when all other threads wait. */
exit_code_t confine_calls(const settings_t *settings, const platform_t *platform, int speaks_stamp,
                          log_t *log, int *is_confined, apr_pool_t *pool);

/* Logs one line if the sandbox has refused calls since it was last asked: how many, and the number
 * of the last. Main thread. */
void confine_log_refusals(log_t *log);

#endif
