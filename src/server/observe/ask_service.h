#ifndef UDPECHO_ASK_SERVICE_H
#define UDPECHO_ASK_SERVICE_H

/* What --status, --ready, --drain and --undrain have the running service do. */

#include <apr_pools.h>

#include "common/exit_codes.h"
#include "server/settings.h"

/*
 * Sends a request to the control socket that `settings` name, or else to that of a service as
 * packages install it, and sets `answer`, from `pool`. Returns NULL; or sets `code` to the code to
 * end with, and returns what is wrong as a sentence that begins with `option`. Any thread.
 */
const char *ask_service(const char **answer, const settings_t *settings, const char *option,
                        const char *request, exit_code_t *code, apr_pool_t *pool);

/* Returns a sentence that what answers there is no udpechod, from `pool`. Any thread. */
const char *ask_service_not_udpechod(const settings_t *settings, const char *option,
                                     apr_pool_t *pool);

/*
 * Does what --ready, --drain or --undrain asks for, prints the readiness of the service to `out`,
 * and sets `code`: of --ready to EXIT_OK or EXIT_NOT_READY, of the others to EXIT_OK. Returns NULL;
 * or sets `code` to the code to end with, and returns what is wrong as a sentence. Main thread.
 */
const char *ask_readiness(const settings_t *settings, apr_file_t *out, exit_code_t *code,
                          apr_pool_t *pool);

#endif
