#ifndef UDPECHO_SHOW_STATUS_H
#define UDPECHO_SHOW_STATUS_H

#include <apr_file_io.h>

#include "common/exit_codes.h"
#include "server/settings.h"

/* Asks the running service of --control twice, a second apart, and prints its values and their
 * increase in that second, as text or as JSON; asks once more if another process answers the
 * second time. Sets `code` to the exit code; returns NULL, or the error as a sentence. Main
 * thread. */
const char *show_status(const settings_t *settings, apr_file_t *out, exit_code_t *code,
                        apr_pool_t *pool);

#endif
