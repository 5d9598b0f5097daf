#include "server/listen/inherited.h"

#include <apr_portable.h>
#include <apr_strings.h>

#include "common/memory.h"
#include "server/listen/listener_log.h"
#include "server/listen/listener_service.h"
#include "udpecho/handover.h"

static exit_code_t refuse(log_t *log, const char *error)
{
    log_line_t *line = log_begin_waiting(log, LOG_LEVEL_ERROR, "cannot listen");

    log_text(line, "error", error);
    log_end(line);
    return EXIT_CONFIG;
}

/* Appends the sockets of the process that serves to `groups`. */
static exit_code_t take_over(apr_array_header_t *groups, const opening_t *opening, apr_pool_t *pool)
{
    const char *path = opening->settings->takeover;
    const char *step;
    apr_status_t status = host_take_over(groups, opening->streams, path, &step, pool);

    if (status == APR_SUCCESS) {
        return EXIT_OK;
    }
    log_line_t *line = log_begin_waiting(opening->log, LOG_LEVEL_ERROR, "cannot take over");

    log_text(line, "path", path);
    log_text(line, "step", step);
    log_status(line, "error", status);
    log_end(line);
    return APR_STATUS_IS_ENOTIMPL(status) ? EXIT_USAGE : listener_failure_code(status);
}

/* Makes a listener of a group of sockets. With `may_lack`, they are closed where nothing can reach
 * them any more. */
static exit_code_t adopt(listener_set_t *set, const socket_group_t *group,
                         const listener_options_t *options, int may_lack, const opening_t *opening)
{
    apr_int64_t descriptor = (apr_int64_t)APR_ARRAY_IDX(group->sockets, 0, apr_os_sock_t);
    listener_error_t error;
    listener_t *listener;
    apr_pool_t *pool = memory_pool(opening->pool);
    listener_options_t with = *options;

    with.service = listener_service_in(pool, group->protocol);
    with.details = listener_details_for(group->protocol, opening->settings->mirror_dscp);
    apr_status_t status = listener_adopt(&listener, group->sockets, &with, &error, pool);

    if (status != APR_SUCCESS) {
        int is_left_out = may_lack && error.failure == LISTENER_INTERFACE_GONE;
        log_line_t *line =
            log_begin_waiting(opening->log, is_left_out ? LOG_LEVEL_WARNING : LOG_LEVEL_ERROR,
                              is_left_out ? "socket left out" : "cannot listen");

        log_number(line, "descriptor", descriptor);
        exit_code_t code = listener_log_failure(line, status, &error);

        apr_pool_destroy(pool);
        return is_left_out ? EXIT_OK : code;
    }
    APR_ARRAY_PUSH(set->all, listener_t *) = listener;
    return EXIT_OK;
}

static void log_adopted(const listener_set_t *set, const char *message, log_t *log)
{
    if (set->all->nelts > 0) {
        log_line_t *line = log_begin_waiting(log, LOG_LEVEL_INFO, message);

        log_number(line, "count", set->all->nelts);
        log_end(line);
    }
}

/* Each socket of the service manager becomes a listener. No other listeners are opened beside
 * these. */
static exit_code_t adopt_activated(listener_set_t *set, const apr_array_header_t *activated,
                                   const opening_t *opening, apr_pool_t *pool)
{
    listener_options_t options = *opening->options;
    exit_code_t code = EXIT_OK;

    if (activated->nelts > LISTENERS_MAX) {
        const char *error =
            apr_psprintf(pool, "%d sockets of the service manager: expected %d at most",
                         activated->nelts, LISTENERS_MAX);

        return refuse(opening->log, error);
    }
    options.reuse = PORT_REUSE_OFF;
    for (int i = 0; code == EXIT_OK && i < activated->nelts; i++) {
        code = adopt(set, &APR_ARRAY_IDX(activated, i, socket_group_t), &options, 0, opening);
    }
    if (code == EXIT_OK) {
        log_adopted(set, "using sockets of the service manager instead of --listen", opening->log);
    }
    return code;
}

static exit_code_t adopt_kept(listener_set_t *set, const apr_array_header_t *groups,
                              const opening_t *opening)
{
    exit_code_t code = EXIT_OK;

    for (int i = 0; code == EXIT_OK && i < groups->nelts; i++) {
        code = adopt(set, &APR_ARRAY_IDX(groups, i, socket_group_t), opening->options, 1, opening);
    }
    if (code == EXIT_OK) {
        log_adopted(set, "using listeners of the previous process", opening->log);
    }
    return code;
}

exit_code_t inherited_open(listener_set_t *activated, listener_set_t *kept,
                           const opening_t *opening, apr_pool_t *pool)
{
    apr_array_header_t *sockets = apr_array_make(pool, 4, sizeof(socket_group_t));
    apr_array_header_t *groups = apr_array_make(pool, 4, sizeof(socket_group_t));
    const char *error = host_inherited_sockets(sockets, groups, pool);
    exit_code_t code = error != NULL ? refuse(opening->log, error) : EXIT_OK;

    listener_set_create(kept, pool);
    if (code == EXIT_OK && sockets->nelts == 0 && opening->settings->takeover != NULL) {
        code = take_over(groups, opening, pool);
    }
    if (code == EXIT_OK) {
        code = adopt_kept(kept, groups, opening);
    }
    return code == EXIT_OK ? adopt_activated(activated, sockets, opening, pool) : code;
}
