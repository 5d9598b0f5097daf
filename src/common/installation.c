#include "common/installation.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <assert.h>

#include "udpecho/error_text.h"
#include "udpecho/host.h"
#include "udpecho/service_manager.h"

static const char *describe(apr_status_t status, exit_code_t *code, apr_pool_t *pool)
{
    char reason[128];

    switch (status) {
    case APR_SUCCESS:
        *code = EXIT_OK;
        return NULL;
    case APR_ENOTIMPL:
        *code = EXIT_USAGE;
        return "services install themselves on Windows only; here a package does it";
    case APR_EEXIST:
        *code = EXIT_UNAVAILABLE;
        return "another file has installed the service; its --uninstall-service removes it";
    case APR_ENOENT:
        *code = EXIT_UNAVAILABLE;
        return "the service is not installed";
    case APR_EBADPATH:
        *code = EXIT_USAGE;
        return "Windows would replace %NAME% in the command line of a service: give it a path "
               "without, or the option in the configuration file";
    default:
        break;
    }
    if (APR_STATUS_IS_EACCES(status)) {
        *code = EXIT_NO_PERMISSION;
        return "the service manager requires the rights of an administrator";
    }
    *code = EXIT_SYSTEM;
    error_text(status, reason, sizeof reason);
    return APR_STATUS_IS_TIMEUP(status)
               ? "the service does not stop"
               : apr_psprintf(pool, "the service manager refuses: %s", reason);
}

const char *installation_add(const installation_t *installation, apr_array_header_t *notes,
                             exit_code_t *code, apr_pool_t *pool)
{
    assert(installation->argv != NULL);
    static const char *const ours[] = {"install-service", "open-firewall", "config", "service",
                                       NULL};
    apr_array_header_t *options =
        options_repeat(installation->table, installation->argc, installation->argv, ours, pool);
    apr_status_t status = APR_SUCCESS;

    /* A service does not start in this directory. */
    if (installation->config != NULL) {
        char *path;

        status = apr_filepath_merge(&path, NULL, installation->config, APR_FILEPATH_NATIVE, pool);
        if (status == APR_SUCCESS) {
            APR_ARRAY_PUSH(options, const char *) = apr_pstrcat(pool, "--config=", path, NULL);
        }
    }
    if (status == APR_SUCCESS) {
        /* The command line of a service may have no options, and then is to have none. */
        status =
            service_install(options->nelts > 0 || installation->is_line_of_service ? options : NULL,
                            installation->open_firewall, notes, pool);
    }
    return describe(status, code, pool);
}

const char *installation_remove(apr_array_header_t *notes, exit_code_t *code, apr_pool_t *pool)
{
    return describe(service_uninstall(notes, pool), code, pool);
}

int installation_is_relative(const char *path, apr_pool_t *pool)
{
    const char *root;

    return apr_filepath_root(&root, &path, 0, pool) != APR_SUCCESS;
}

const char *installation_config_file(const char **file, apr_pool_t *pool)
{
    const char *own = host_config_file(pool);
    apr_finfo_t info;

    *file = NULL;
    /* A link that leads nowhere is one, and is refused. */
    if (own == NULL ||
        APR_STATUS_IS_ENOENT(apr_stat(&info, own, APR_FINFO_TYPE | APR_FINFO_LINK, pool))) {
        return NULL;
    }
    *file = own;
    return host_config_file_check(pool);
}

const char *installation_refusal(apr_status_t status, apr_pool_t *pool)
{
    char reason[128];

    return apr_psprintf(pool,
                        "--service: only for Windows' service control manager, which did not start "
                        "this process: %s",
                        error_text(status, reason, sizeof reason));
}
