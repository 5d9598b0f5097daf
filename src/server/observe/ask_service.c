#include "server/observe/ask_service.h"

#include <apr_strings.h>
#include <string.h>

#include "common/file_print.h"
#include "server/listen/listener_log.h"
#include "server/observe/control_socket.h"
#include "server/observe/readiness.h"
#include "udpecho/error_text.h"
#include "udpecho/host.h"

/* NULL: the system has no such place, and the settings name none. */
static const char *where(const settings_t *settings)
{
    return settings->control != NULL ? settings->control : host_control_path();
}

const char *ask_service(const char **answer, const settings_t *settings, const char *option,
                        const char *request, exit_code_t *code, apr_pool_t *pool)
{
    const char *path = where(settings);
    char reason[128];

    if (path == NULL) {
        *code = EXIT_USAGE;
        return apr_pstrcat(pool, option, ": expected --control=ADDRESS:PORT, as the service has it",
                           NULL);
    }
    host_ignore_hang_ups(); /* a service that ends has its reasons */
    apr_status_t status = control_socket_ask(answer, path, request, pool);

    if (status == APR_SUCCESS) {
        return NULL;
    }
    *code = listener_failure_code(status);
    error_text(status, reason, sizeof reason);
    return apr_psprintf(pool,
                        "%s: cannot connect to %s: %s; is udpechod running with --control? Only "
                        "its own user and root can use a path",
                        option, path, reason);
}

const char *ask_service_not_udpechod(const settings_t *settings, const char *option,
                                     apr_pool_t *pool)
{
    return apr_psprintf(pool, "%s: the process at %s is not udpechod", option, where(settings));
}

/* Returns 0 if it is none that a service says. */
static int read_readiness(readiness_t *readiness, const char *answer, apr_pool_t *pool)
{
    for (int i = READINESS_READY; i <= READINESS_DRAINED; i++) {
        *readiness = (readiness_t)i;
        if (strcmp(answer, apr_pstrcat(pool, readiness_name(*readiness), "\n", NULL)) == 0) {
            return 1;
        }
    }
    return 0;
}

const char *ask_readiness(const settings_t *settings, apr_file_t *out, exit_code_t *code,
                          apr_pool_t *pool)
{
    const char *option = settings->drain ? "--drain" : settings->undrain ? "--undrain" : "--ready";
    const char *answer = "";
    readiness_t readiness;
    const char *error = ask_service(&answer, settings, option, option + strlen("--"), code, pool);

    if (error != NULL) {
        return error;
    }
    if (!read_readiness(&readiness, answer, pool)) {
        *code = EXIT_UNAVAILABLE;
        return ask_service_not_udpechod(settings, option, pool);
    }
    if (readiness == READINESS_READY) {
        file_print(out, "ready\n");
    } else {
        file_print(out, "not ready: %s\n", readiness_name(readiness));
    }
    *code = settings->ready && readiness != READINESS_READY ? EXIT_NOT_READY : EXIT_OK;
    return NULL;
}
