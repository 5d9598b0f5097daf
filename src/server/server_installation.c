#include "server/server_installation.h"

#include <apr_strings.h>

#include "common/installation.h"

static const char *relative_in(const apr_array_header_t *values, apr_pool_t *pool)
{
    for (int i = 0; values != NULL && i < values->nelts; i++) {
        const char *value = APR_ARRAY_IDX(values, i, const char *);

        if (*value == '@' && installation_is_relative(value + 1, pool)) {
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
        installation_is_relative(settings->stamp_key_file, pool)) {
        found = settings->stamp_key_file;
    }
    return found;
}

const char *server_installation_add(const settings_t *settings, apr_array_header_t *notes,
                                    exit_code_t *code, apr_pool_t *pool)
{
    const installation_t installation = {.table = settings_table,
                                         .argc = settings->argc,
                                         .argv = settings->argv,
                                         .config = settings->config,
                                         .is_line_of_service = settings->service != 0,
                                         .open_firewall = settings->open_firewall != 0};
    const char *relative = relative_file(settings, pool);

    /* A service does not start in this directory. */
    if (relative != NULL) {
        *code = settings->file != NULL ? EXIT_CONFIG : EXIT_USAGE;
        return apr_psprintf(pool, "%s: a service needs the full path of a file", relative);
    }
    return installation_add(&installation, notes, code, pool);
}
