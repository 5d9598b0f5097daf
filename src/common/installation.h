#ifndef UDPECHO_INSTALLATION_H
#define UDPECHO_INSTALLATION_H

/* --install-service and --uninstall-service of both programs. */

#include <apr_pools.h>
#include <apr_tables.h>

#include "common/exit_codes.h"
#include "common/options.h"

typedef struct installation {
    const option_t *table;
    int argc; /* of the command line, which was read by that table and found right */
    const char *const *argv;
    const char *config;     /* of --config; NULL: it was not given */
    int is_line_of_service; /* it was the command line of a service, with --service */
    int open_firewall;
} installation_t;

/*
 * Each sets `code` to EXIT_OK and returns NULL; or to the code to end with, and returns what is
 * wrong as a sentence. What the operator should know besides is appended to `notes`, an array of
 * const char *. Main thread; memory from `pool`.
 *
 * The service gets the options of the command line, with the full path of its configuration file;
 * without any it keeps those that it has.
 */
const char *installation_add(const installation_t *installation, apr_array_header_t *notes,
                             exit_code_t *code, apr_pool_t *pool);
const char *installation_remove(apr_array_header_t *notes, exit_code_t *code, apr_pool_t *pool);

/* Non-zero if a service, which does not start in this directory, would not find that path. */
int installation_is_relative(const char *path, apr_pool_t *pool);

/* Why host_run() did not run a service, as a sentence. From `pool`; any thread. */
const char *installation_refusal(apr_status_t status, apr_pool_t *pool);

/* Sets `file` to the configuration file of the service, host_config_file(), if it exists, otherwise
 * to NULL. Returns NULL, or why it must not be read, as a sentence. From `pool`; any thread. */
const char *installation_config_file(const char **file, apr_pool_t *pool);

#endif
