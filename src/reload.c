#include "reload.h"

/* Begins the line that names the settings which only a restart can change; NULL if there are
 * none. */
static log_line_t *begin_restart_line(const settings_t *settings, const settings_t *fresh,
                                      log_t *log, apr_pool_t *pool)
{
    const char *names = options_differing(settings_table, settings, fresh, pool);

    if (*names == '\0') {
        return NULL;
    }
    log_line_t *line = log_begin_waiting(log, LOG_LEVEL_WARNING, "changed settings need a restart");

    log_text(line, "options", names);
    return line;
}

static void apply(settings_t *settings, const settings_t *fresh, log_t *log, apr_pool_t *pool)
{
    log_level_t before = (log_level_t)settings->log_level;
    log_level_t after = (log_level_t)fresh->log_level;

    /* The lines are begun under the level that lets them through, and written when the new one is
     * in force. */
    log_set_level(log, after > before ? after : before);
    settings->log_level = fresh->log_level;
    log_line_t *reloaded = log_begin_waiting(log, LOG_LEVEL_INFO, "reloaded");
    log_line_t *restart = begin_restart_line(settings, fresh, log, pool);

    log_text(reloaded, "log_level", log_level_name(after));
    log_set_level(log, after);
    log_end(reloaded);
    log_end(restart);
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
