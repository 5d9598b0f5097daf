#include "server/installation.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <assert.h>

#include "udpecho/error_text.h"
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
        return "the service manager wants the rights of an administrator";
    }
    *code = EXIT_SYSTEM;
    error_text(status, reason, sizeof reason);
    return APR_STATUS_IS_TIMEUP(status)
               ? "the service does not end"
               : apr_psprintf(pool, "the service manager refuses: %s", reason);
}

static int is_relative(const char *path, apr_pool_t *pool)
{
    const char *root;

    return apr_filepath_root(&root, &path, 0, pool) != APR_SUCCESS;
}

static const char *relative_in(const apr_array_header_t *values, apr_pool_t *pool)
{
    for (int i = 0; values != NULL && i < values->nelts; i++) {
        const char *value = APR_ARRAY_IDX(values, i, const char *);

        if (*value == '@' && is_relative(value + 1, pool)) {
            return value;
        }
    }
    return NULL;
}

/* Returns NULL, or a file of networks or keys that only a process in this directory would find. */
static const char *relative_file(const settings_t *settings, apr_pool_t *pool)
{
    const apr_array_header_t *lists[] = {settings->allow, settings->deny,
                                         settings->rate_limit_exempt};
    const char *found = NULL;

    for (unsigned i = 0; found == NULL && i < sizeof lists / sizeof lists[0]; i++) {
        found = relative_in(lists[i], pool);
    }
    if (found == NULL && settings->stamp_key_file != NULL &&
        is_relative(settings->stamp_key_file, pool)) {
        found = settings->stamp_key_file;
    }
    return found;
}

const char *installation_add(const settings_t *settings, apr_array_header_t *notes,
                             exit_code_t *code, apr_pool_t *pool)
{
    assert(settings->argv != NULL);
    static const char *const ours[] = {"install-service", "open-firewall", "config", "service",
                                       NULL};
    apr_array_header_t *options =
        options_repeat(settings_table, settings->argc, settings->argv, ours, pool);
    apr_status_t status = APR_SUCCESS;
    const char *relative = relative_file(settings, pool);

    /* A service does not start in this directory. */
    if (relative != NULL) {
        *code = settings->file != NULL ? EXIT_CONFIG : EXIT_USAGE;
        return apr_psprintf(pool, "%s: a service needs the full path of a file", relative);
    }
    if (settings->config != NULL) {
        char *path;

        status = apr_filepath_merge(&path, NULL, settings->config, APR_FILEPATH_NATIVE, pool);
        if (status == APR_SUCCESS) {
            APR_ARRAY_PUSH(options, const char *) = apr_pstrcat(pool, "--config=", path, NULL);
        }
    }
    if (status == APR_SUCCESS) {
        /* The command line of a service may have no options, and then is to have none. */
        status = service_install(options->nelts > 0 || settings->service ? options : NULL,
                                 settings->open_firewall != 0, notes, pool);
    }
    return describe(status, code, pool);
}

const char *installation_remove(apr_array_header_t *notes, exit_code_t *code, apr_pool_t *pool)
{
    return describe(service_uninstall(notes, pool), code, pool);
}
