#ifndef UDPECHO_INSTALLATION_H
#define UDPECHO_INSTALLATION_H

/* --install-service and --uninstall-service. */

#include <apr_pools.h>
#include <apr_tables.h>

#include "common/exit_codes.h"
#include "server/settings.h"

/*
 * Each sets `code` to EXIT_OK and returns NULL; or to the code to end with, and returns what is
 * wrong as a sentence. What the operator should know besides is appended to `notes`, an array of
 * const char *. Main thread; memory from `pool`.
 *
 * The service gets the options of the command line that `settings` were read from.
 */
const char *installation_add(const settings_t *settings, apr_array_header_t *notes,
                             exit_code_t *code, apr_pool_t *pool);
const char *installation_remove(apr_array_header_t *notes, exit_code_t *code, apr_pool_t *pool);

#endif
