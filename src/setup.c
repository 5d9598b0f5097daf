#include "setup.h"

#include "server_limits.h"
#include "source_ports.h"

static apr_status_t create_policy(setup_t *setup, const setup_frame_t *frame)
{
    const settings_t *settings = &setup->settings;
    echo_policy_t rules = {
        .quota = frame->quota,
        .duration_us = settings->duration,
        .access = settings->access,
    };

    source_ports_create(&rules.ports, settings->deny_source_ports, setup->pool);
    server_limits_set(&rules, settings, frame->key, setup->pool);
    return policy_create(&setup->policy, &rules, setup->listeners.all, frame->log, setup->pool);
}

/* A setup with nothing in it. */
static setup_t *allocate(const setup_frame_t *frame)
{
    apr_pool_t *pool;

    if (apr_pool_create(&pool, frame->pool) != APR_SUCCESS) {
        return NULL;
    }
    setup_t *setup = apr_pcalloc(pool, sizeof *setup);

    setup->pool = pool;
    return setup;
}

/* Makes listeners and policy of the settings. On error nothing of it is left open. */
static exit_code_t fill(setup_t *setup, const setup_t *current, const setup_frame_t *frame)
{
    listener_options_t options = frame->options;
    opening_t opening = {
        .settings = &setup->settings,
        .options = &options,
        .current = current != NULL ? &current->listeners : NULL,
        .is_confined = frame->is_confined,
        .streams = frame->streams,
        .log = frame->log,
        .pool = frame->pool,
    };
    exit_code_t code;

    options.offload = (int)setup->settings.offload;
    code = listeners_open(&setup->listeners, &opening, setup->pool);
    apr_status_t status = code == EXIT_OK ? create_policy(setup, frame) : APR_SUCCESS;

    if (status != APR_SUCCESS) {
        log_line_t *line = log_begin_waiting(frame->log, LOG_LEVEL_ERROR, "cannot make the policy");

        log_status(line, "error", status);
        log_end(line);
        listener_set_close(&setup->listeners, opening.current, NULL);
        code = EXIT_SYSTEM;
    }
    return code;
}

exit_code_t setup_create(setup_t **created, const setup_frame_t *frame)
{
    setup_t *setup = allocate(frame);

    *created = setup;
    if (setup == NULL) {
        return EXIT_SYSTEM;
    }
    setup->settings = *frame->settings;
    return fill(setup, NULL, frame);
}

/* ---- Again ---- */

/* What is in force after a reload: of `fresh`, what a running server can change. */
static settings_t merge(const settings_t *start, const settings_t *fresh, int has_fixed_listeners)
{
    settings_t merged = *start;

    if (!has_fixed_listeners) {
        merged.listen = fresh->listen;
    }
    merged.allow = fresh->allow;
    merged.deny = fresh->deny;
    merged.access = fresh->access;
    merged.deny_source_ports = fresh->deny_source_ports;
    merged.rate_limit = fresh->rate_limit;
    merged.rate_limit_exempt = fresh->rate_limit_exempt;
    merged.exempt = fresh->exempt;
    merged.rate_limit_dry_run = fresh->rate_limit_dry_run;
    merged.max_rate = fresh->max_rate;
    merged.max_bandwidth = fresh->max_bandwidth;
    merged.offload = fresh->offload;
    merged.log_level = fresh->log_level;
    return merged;
}

static const char *read_again(setup_t *setup, const setup_t *current, const setup_frame_t *frame)
{
    const settings_t *start = frame->settings;
    exit_code_t code;
    const char *error = settings_read(&setup->fresh, start->argc, start->argv, &code, setup->pool);

    if (error == NULL) {
        setup->settings = merge(start, &setup->fresh, listener_set_is_fixed(&current->listeners));
        code = fill(setup, current, frame);
    }
    return code == EXIT_OK ? NULL : error != NULL ? error : "the line before this says why";
}

setup_t *setup_reload(const setup_t *current, const setup_frame_t *frame)
{
    setup_t *setup = allocate(frame);
    const char *error = setup != NULL ? read_again(setup, current, frame) : "no memory";

    if (error == NULL) {
        return setup;
    }
    log_line_t *line =
        log_begin_waiting(frame->log, LOG_LEVEL_ERROR, "cannot reload, nothing changed");

    log_text(line, "error", error);
    log_end(line);
    if (setup != NULL) {
        apr_pool_destroy(setup->pool);
    }
    return NULL;
}

/* A line that names options; nothing if there are none. */
static log_line_t *begin_options(log_t *log, log_level_t level, const char *message,
                                 const char *options)
{
    log_line_t *line = *options != '\0' ? log_begin_waiting(log, level, message) : NULL;

    log_text(line, "options", options);
    return line;
}

void setup_log_reload(const setup_t *current, const setup_t *next, const setup_frame_t *frame)
{
    log_t *log = frame->log;
    log_level_t before = (log_level_t)current->settings.log_level;
    log_level_t after = (log_level_t)next->settings.log_level;
    apr_pool_t *pool = next->pool;

    /* The lines are begun under the level that lets them through, and written when the new one is
     * in force. */
    log_set_level(log, after > before ? after : before);
    log_line_t *reloaded = log_begin_waiting(log, LOG_LEVEL_INFO, "reloaded");
    log_line_t *restart =
        begin_options(log, LOG_LEVEL_WARNING, "changed settings need a restart",
                      options_differing(settings_table, &next->settings, &next->fresh, pool));

    const char *changed =
        options_differing(settings_table, &current->settings, &next->settings, pool);

    log_text(reloaded, "log_level", log_level_name(after));
    if (*changed != '\0') {
        log_text(reloaded, "changed", changed);
    }
    log_set_level(log, after);
    log_end(reloaded);
    log_end(restart);
    listeners_log(&next->listeners, &current->listeners, &next->settings, &frame->platform, log,
                  pool);
}

void setup_retire(setup_t *setup, const setup_t *next, log_t *log)
{
    listener_set_forget(&setup->listeners, &next->listeners);
    listener_set_close(&setup->listeners, &next->listeners, log);
    apr_pool_destroy(setup->pool);
}
