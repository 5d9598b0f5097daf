#include "reload.h"

static void tell_waiting(const settings_t *settings, const settings_t *fresh, log_t *log,
                         apr_pool_t *pool)
{
    const char *names = options_differing(settings_table, settings, fresh, pool);

    if (*names != '\0') {
        log_line_t *line =
            log_begin_waiting(log, LOG_LEVEL_WARNING, "changed settings need a restart");

        log_text(line, "options", names);
        log_end(line);
    }
}

static void apply(settings_t *settings, const settings_t *fresh, log_t *log, apr_pool_t *pool)
{
    log_level_t before = (log_level_t)settings->log_level;
    log_level_t after = (log_level_t)fresh->log_level;

    /* A level that leaves these very lines out comes into force after them. */
    log_set_level(log, after > before ? after : before);
    settings->log_level = fresh->log_level;
    log_line_t *line = log_begin_waiting(log, LOG_LEVEL_INFO, "reloaded");

    log_text(line, "log_level", log_level_name(after));
    log_end(line);
    tell_waiting(settings, fresh, log, pool);
    log_set_level(log, after);
}

void reload(settings_t *settings, log_t *log, apr_pool_t *pool)
{
    settings_t fresh;
    exit_code_t code;
    apr_pool_t *scratch;

    if (apr_pool_create(&scratch, pool) != APR_SUCCESS) {
        return;
    }
    const char *error = settings_read(&fresh, settings->argc, settings->argv, &code, scratch);

    if (error == NULL) {
        apply(settings, &fresh, log, scratch);
    } else {
        log_line_t *line =
            log_begin_waiting(log, LOG_LEVEL_ERROR, "cannot reload, nothing changed");

        log_text(line, "error", error);
        log_end(line);
    }
    apr_pool_destroy(scratch);
}
