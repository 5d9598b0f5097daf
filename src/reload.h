#ifndef UDPECHO_RELOAD_H
#define UDPECHO_RELOAD_H

/* Reading the settings again while the server runs. */

#include <apr_pools.h>

#include "log.h"
#include "settings.h"

/*
 * Reads again where `settings`, those in force, were read, and applies what can change at run
 * time: the level of the log. A line says so, and another which settings changed but hold only
 * from the next start on. If something is wrong, one line says what, and nothing changes. Main
 * thread; `pool` is only used within.
 */
void reload(settings_t *settings, log_t *log, apr_pool_t *pool);

#endif
