#include "server/reload.h"

#include <assert.h>
#include <string.h>

#include "common/memory.h"
#include "server/listen/listener_log.h"

/* A setup with nothing in it. */
static setup_t *allocate(const setup_frame_t *frame)
{
    apr_pool_t *pool = memory_pool(frame->pool);
    setup_t *setup = apr_pcalloc(pool, sizeof *setup);

    setup->pool = pool;
    listener_set_create(&setup->listeners, pool);
    return setup;
}

/* Makes listeners and policy of the settings. */
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

    options.offload = setup->settings.offload;
    code = listeners_open(&setup->listeners, &opening, setup->pool);

    if (code == EXIT_OK) {
        if (frame->basis.stamp != NULL && listener_set_speaks(&setup->listeners, PROTOCOL_STAMP)) {
            stamp_basis_take_sessions(frame->basis.stamp);
        }
        impair_lines_take(&setup->lines, current != NULL ? current->lines : NULL, &setup->settings,
                          frame->options.workers, frame->pool);
        setup->policy = policy_create(&setup->settings, &frame->basis, setup->listeners.all,
                                      setup->lines, frame->log, setup->pool);
    }
    return code;
}

/* Frees a setup that never came into effect, and closes what was opened for it alone. */
static void abandon(setup_t *setup, const setup_t *current)
{
    listener_set_close(&setup->listeners, current != NULL ? &current->listeners : NULL, NULL);
    impair_lines_free(setup->lines, current != NULL ? current->lines : NULL);
    apr_pool_destroy(setup->pool);
}

exit_code_t reload_first(setup_t **created, const setup_frame_t *frame)
{
    setup_t *setup = allocate(frame);

    setup->settings = *frame->settings;
    exit_code_t code = fill(setup, NULL, frame);

    if (code == EXIT_OK) {
        listener_set_speak(&setup->listeners, setup->settings.mirror_dscp);
        impair_listeners(setup->policy->impair, setup->listeners.all);
        *created = setup;
    } else {
        abandon(setup, NULL);
    }
    return code;
}

/* ---- Again ---- */

/* What is in effect after a reload: of `fresh`, what a running server can change. */
static settings_t merge(const settings_t *start, const settings_t *fresh, int has_fixed_listeners)
{
    settings_t merged = *start;

    options_reload(settings_table, &merged, fresh);
    merged.access = fresh->access;         /* which is made of reloadable options, */
    merged.exempt = fresh->exempt;         /* and so is this, */
    merged.stamp_keys = fresh->stamp_keys; /* and this of a file that one names */
    merged.impairments = fresh->impairments;
    if (has_fixed_listeners) {
        memcpy(merged.listen, start->listen, sizeof merged.listen);
    }
    return merged;
}

typedef struct reload {
    const setup_t *current;
    const setup_frame_t *frame;
    setup_t *setup;    /* NULL: there was no memory for it */
    const char *error; /* NULL: it can come into effect */
} reload_t;

/* Puts into words, while a reload can still be refused for want of memory, what it changes. */
static void describe(setup_t *setup, const setup_t *current)
{
    setup->changed =
        options_differing(settings_table, &current->settings, &setup->settings, setup->pool);
    setup->needs_restart =
        options_differing(settings_table, &setup->settings, &setup->fresh, setup->pool);
}

static void read_again(void *context)
{
    reload_t *reload = context;
    const setup_t *current = reload->current;
    const settings_t *start = reload->frame->settings;
    setup_t *setup = allocate(reload->frame);
    exit_code_t code;

    reload->setup = setup;
    reload->error = settings_read(&setup->fresh, start->argc, start->argv, &code, setup->pool);
    if (reload->error == NULL) {
        setup->settings = merge(start, &setup->fresh, listener_set_is_fixed(&current->listeners));
        describe(setup, current);
        code = fill(setup, current, reload->frame);
        reload->error = code == EXIT_OK ? NULL : "see the line before";
    }
}

setup_t *reload_next(const setup_t *current, const setup_frame_t *frame)
{
    reload_t reload = {.current = current, .frame = frame};

    if (memory_try(read_again, &reload) != APR_SUCCESS) {
        reload.error = "no memory";
    }
    if (reload.error == NULL) {
        return reload.setup;
    }
    log_line_t *line =
        log_begin_waiting(frame->log, LOG_LEVEL_ERROR, "reload failed, nothing changed");

    log_text(line, "error", reload.error);
    log_end(line);
    if (reload.setup != NULL) {
        abandon(reload.setup, current);
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

typedef struct reloaded {
    const setup_t *current;
    const setup_t *next;
    const setup_frame_t *frame;
} reloaded_t;

static void log_listeners(void *context)
{
    const reloaded_t *reloaded = context;
    const setup_t *next = reloaded->next;

    listeners_log(&next->listeners, &reloaded->current->listeners, &next->settings,
                  &reloaded->frame->platform, reloaded->frame->log, next->pool);
}

void reload_log(const setup_t *current, const setup_t *next, const setup_frame_t *frame)
{
    assert(next->changed != NULL && next->needs_restart != NULL); /* it is not the first */
    reloaded_t both = {current, next, frame};
    log_t *log = frame->log;
    log_level_t before = current->settings.log_level;
    log_level_t after = next->settings.log_level;

    /* The lines are begun under the level that lets them through, and written when the new one is
     * in effect. */
    log_set_level(log, after > before ? after : before);
    log_line_t *reloaded = log_begin_waiting(log, LOG_LEVEL_INFO, "reloaded");
    log_line_t *restart = begin_options(log, LOG_LEVEL_WARNING, "changed settings need a restart",
                                        next->needs_restart);

    log_text(reloaded, "log_level", log_level_words[after]);
    if (*next->changed != '\0') {
        log_text(reloaded, "changed", next->changed);
    }
    log_set_level(log, after);
    log_end(reloaded);
    log_end(restart);
    if (memory_try(log_listeners, &both) != APR_SUCCESS) {
        log_end(log_begin_waiting(log, LOG_LEVEL_WARNING, "no memory to log new listeners"));
    }
}

void reload_retire(setup_t *setup, const setup_t *next, log_t *log)
{
    listener_set_close(&setup->listeners, &next->listeners, log);
    impair_lines_free(setup->lines, next->lines);
    apr_pool_destroy(setup->pool);
}
