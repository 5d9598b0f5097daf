/* Loads the module, when there is a use for it. */

#include "http/module.h"

#include <apr_dso.h>
#include <apr_file_info.h>
#include <apr_strings.h>
#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "os/main_thread.h"

/* By its way from the program's file (proc(5)), so that both can be moved together. */
static apr_status_t find_module(char **path, apr_pool_t *pool)
{
    char program[APR_PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);

    if (length < 0) {
        return errno;
    }
    program[length] = '\0';
    return apr_filepath_merge(path, program, "../" UDPECHO_HTTP_MODULE, 0, pool);
}

static apr_status_t load(const http_module_t **module, const char *path, const char **step,
                         apr_pool_t *pool)
{
    apr_dso_handle_t *dso;
    apr_dso_handle_sym_t symbol = NULL;
    char reason[512];
    apr_status_t status = apr_dso_load(&dso, path, pool);

    if (status == APR_SUCCESS) {
        status = apr_dso_sym(&symbol, dso, "http_module");
    }
    if (status != APR_SUCCESS) {
        *step = apr_psprintf(pool, "load %s: %s", path, apr_dso_error(dso, reason, sizeof reason));
    }
    *module = symbol;
    return status;
}

apr_status_t http_open(http_t **http, apr_os_sock_t listening, http_respond_t respond,
                       void *context, const char **step, apr_pool_t *pool)
{
    assert(is_main_thread());
    assert(respond != NULL);

    const http_module_t *module;
    char *path = NULL;
    apr_status_t status = find_module(&path, pool);

    *step = "find the module by /proc/self/exe";
    if (status == APR_SUCCESS) {
        status = load(&module, path, step, pool);
    }
    if (status != APR_SUCCESS) {
        return status;
    }
    *step = "start HTTP";
    return module->open(http, listening, respond, context, pool);
}
