#include "server/confine.h"

#include "server/impair_service.h"
#include "udpecho/confinement.h"
#include "udpecho/handover.h"
#include "udpecho/http.h"
#include "udpecho/transport.h"

/* What an operator can do about each kind of failure, and how the program ends. */
static const struct {
    exit_code_t code;
    const char *hint;
} failures[] = {
    [PRIVILEGES_UNKNOWN] = {EXIT_NO_USER, "--user and --group take a name that this host knows, or "
                                          "a number; a number without a user requires --group"},
    [PRIVILEGES_NOT_PERMITTED] = {EXIT_NO_PERMISSION,
                                  "--user, --group and --chroot need the privileges of root; start "
                                  "it as root, or as that user and without them"},
    [PRIVILEGES_NO_ROOT] =
        {EXIT_CONFIG,
         "--chroot takes an existing directory, best an empty one of root: mkdir -p /var/empty"},
    [PRIVILEGES_NOT_HERE] = {EXIT_USAGE,
                             "--user, --group and --chroot are for POSIX systems; on Windows the "
                             "service runs as LocalService, an account with few rights"},
    [PRIVILEGES_SYSTEM] = {EXIT_SYSTEM, NULL},
};

/* The signal handlers of a sandbox may note in it until the process ends. */
static sandbox_refusals_t refusals;

exit_code_t confine_privileges(const settings_t *settings, log_t *log, apr_pool_t *pool)
{
    privileges_t wanted = {settings->user, settings->group, settings->chroot};
    privileges_error_t error;
    apr_status_t status = privileges_drop(&wanted, &error, pool);

    if (status == APR_SUCCESS) {
        return EXIT_OK;
    }
    log_line_t *line = log_begin_waiting(log, LOG_LEVEL_ERROR, "cannot drop privileges");

    log_text(line, "step", error.step);
    if (error.failure != PRIVILEGES_UNKNOWN) {
        log_status(line, "error", status);
    }
    if (failures[error.failure].hint != NULL) {
        log_text(line, "hint", failures[error.failure].hint);
    }
    log_end(line);
    return failures[error.failure].code;
}

static void log_sandbox(log_t *log, log_level_t level, const char *message, const char *found,
                        apr_status_t status)
{
    log_line_t *line = log_begin_waiting(log, level, message);

    log_text(line, "sandbox", found);
    if (status != APR_SUCCESS && !APR_STATUS_IS_ENOTIMPL(status)) {
        log_status(line, "error", status);
    }
    log_end(line);
}

static void add_lists(apr_array_header_t *files, const apr_array_header_t *values)
{
    for (int i = 0; values != NULL && i < values->nelts; i++) {
        const char *value = APR_ARRAY_IDX(values, i, const char *);

        if (*value == '@') {
            APR_ARRAY_PUSH(files, const char *) = value + 1;
        }
    }
}

/* What a reload reads. */
static const apr_array_header_t *files_to_read(const settings_t *settings, apr_pool_t *pool)
{
    apr_array_header_t *files = apr_array_make(pool, 4, sizeof(const char *));

    if (settings->file != NULL) {
        APR_ARRAY_PUSH(files, const char *) = settings->file;
    }
    if (settings->stamp_key_file != NULL) {
        APR_ARRAY_PUSH(files, const char *) = settings->stamp_key_file;
    }
    impair_add_schedules(files, settings->impair, pool);
    add_lists(files, settings->allow);
    add_lists(files, settings->deny);
    add_lists(files, settings->rate_limit_exempt);
    return files;
}

/* How many are accepted at a time. */
static unsigned connections(const settings_t *settings)
{
    return (settings->control != NULL ? 1U : 0U) +
           (settings->metrics_listen != NULL ? HTTP_CONNECTIONS_MAX : 0U) +
           (settings->health_listen != NULL ? HTTP_CONNECTIONS_MAX : 0U);
}

static sandbox_needs_t needs_of(const settings_t *settings, int speaks_stamp, apr_pool_t *pool)
{
    /* Without a file, a reload reads the same --listen again. */
    return (sandbox_needs_t){
        .files = files_to_read(settings, pool),
        .opens_listeners = settings->file != NULL,
        .stores_listeners = settings->file != NULL && host_has_store(),
        .connections = connections(settings),
        .serves_http = settings->metrics_listen != NULL || settings->health_listen != NULL,
        .hands_over = settings->takeover != NULL,
        .asks_clock_quality = speaks_stamp,
        .refusals = &refusals,
    };
}

static apr_status_t enter(const settings_t *settings, const platform_t *platform,
                          const sandbox_needs_t *needs, const char **found)
{
    *found = "off";
    return settings->sandbox == SANDBOX_OFF ? APR_SUCCESS : sandbox_enter(platform, needs, found);
}

apr_status_t confine_found(const settings_t *settings, const platform_t *platform,
                           const char **found, apr_pool_t *pool)
{
    sandbox_needs_t needs = needs_of(settings, settings->listen[PROTOCOL_STAMP] != NULL, pool);

    return enter(settings, platform, &needs, found);
}

/* Where the sandbox was demanded, all of it was. */
static exit_code_t lower_limits(const settings_t *settings, const sandbox_needs_t *needs,
                                log_t *log)
{
    int is_demanded = settings->sandbox == SANDBOX_ON;
    const char *step;
    apr_status_t status = limits_lower(needs, &step);

    if (status == APR_SUCCESS) {
        return EXIT_OK;
    }
    log_line_t *line = log_begin_waiting(log, is_demanded ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
                                         is_demanded ? "no sandbox, required by --sandbox=on"
                                                     : "cannot lower a resource limit");

    log_text(line, "step", step);
    log_status(line, "error", status);
    log_end(line);
    return is_demanded ? EXIT_SYSTEM : EXIT_OK;
}

exit_code_t confine_calls(const settings_t *settings, const platform_t *platform, int speaks_stamp,
                          log_t *log, int *is_confined, apr_pool_t *pool)
{
    sandbox_needs_t needs = needs_of(settings, speaks_stamp, pool);
    const char *found;
    exit_code_t code =
        settings->sandbox == SANDBOX_OFF ? EXIT_OK : lower_limits(settings, &needs, log);

    if (code != EXIT_OK) {
        return code;
    }
    apr_status_t status = enter(settings, platform, &needs, &found);

    *is_confined = status == APR_SUCCESS && settings->sandbox != SANDBOX_OFF;
    if (status != APR_SUCCESS && settings->sandbox == SANDBOX_ON) {
        log_sandbox(log, LOG_LEVEL_ERROR, "no sandbox, required by --sandbox=on", found, status);
        return EXIT_SYSTEM;
    }
    /* The system does have a sandbox, so auto must not mean to go without. */
    if (APR_STATUS_IS_ENOMEM(status)) {
        log_sandbox(log, LOG_LEVEL_ERROR, "cannot enter the sandbox", found, status);
        return EXIT_SYSTEM;
    }
    log_sandbox(log, LOG_LEVEL_INFO, "confined", found, status);
    return EXIT_OK;
}

void confine_log_refusals(log_t *log)
{
    unsigned count = atomic_exchange(&refusals.count, 0);

    if (count == 0) {
        return;
    }
    log_line_t *line =
        log_begin_waiting(log, LOG_LEVEL_WARNING, "the sandbox refused a system call");

    log_number(line, "call", atomic_load(&refusals.call));
    log_number(line, "count", count);
    log_text(line, "hint", "please report it; --sandbox=off allows it");
    log_end(line);
}
