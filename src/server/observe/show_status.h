#ifndef UDPECHO_SHOW_STATUS_H
#define UDPECHO_SHOW_STATUS_H

#include <apr_file_io.h>

#include "common/exit_codes.h"
#include "server/settings.h"

/* Asks the running service of --control twice, a second apart, and prints what it says and how much
 * was done in that second, as text or as JSON; once more if another process answers meanwhile. Sets
 * `code` to how to end; returns NULL, or what is wrong as a sentence. Main thread. */
const char *show_status(const settings_t *settings, apr_file_t *out, exit_code_t *code,
                        apr_pool_t *pool);

#endif
