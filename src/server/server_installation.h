#ifndef UDPECHO_SERVER_INSTALLATION_H
#define UDPECHO_SERVER_INSTALLATION_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "common/exit_codes.h"
#include "server/settings.h"

/* installation_add() with the options of the command line that `settings` were read from. Files
 * that they name must be named by their full path. */
const char *server_installation_add(const settings_t *settings, apr_array_header_t *notes,
                                    exit_code_t *code, apr_pool_t *pool);

#endif
