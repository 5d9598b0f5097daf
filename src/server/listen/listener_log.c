/* Telling what came of the listeners. */

#include <apr_strings.h>

#include "server/listen/listeners.h"
#include "server/observe/feature_table.h"

static const char *const sharing_names[] = {
    [SHARING_SOCKET_PER_WORKER] = "socket per worker",
    [SHARING_ONE_SOCKET] = "shared socket",
    [SHARING_COMPLETION_PORT] = "shared completion port",
};

const char *listener_sharing(const listener_info_t *info)
{
    return sharing_names[info->sharing];
}

/* What the system calls the way by which the workers share a port. */
static const char *sharing_by(const listener_info_t *info, const platform_t *platform)
{
    return platform
        ->features[info->sharing == SHARING_COMPLETION_PORT ? FEATURE_POLL_METHOD
                                                            : FEATURE_PORT_SHARING]
        .by;
}

const char *listener_sharing_reason(const listener_info_t *info, const platform_t *platform,
                                    apr_pool_t *pool)
{
    switch (info->reason) {
    case SHARING_BY_SYSTEM:
        return sharing_by(info, platform);
    case SHARING_ONE_WORKER:
        return "one worker";
    case SHARING_OFF:
        return "--reuse-port=off";
    case SHARING_ADOPTED:
        return "another process opened it";
    case SHARING_NOT_BY_SYSTEM:
        break;
    }
    const char *by = platform->features[FEATURE_PORT_SHARING].by;

    return by == NULL ? "this system does not spread flows over sockets"
                      : apr_pstrcat(pool, by, ": ",
                                    feature_missing(platform, FEATURE_PORT_SHARING, pool), NULL);
}

static void log_listening(const listener_info_t *info, const char *reason, log_t *log)
{
    log_line_t *line = log_begin_waiting(log, LOG_LEVEL_INFO, "listening");

    listener_log_address(line, info);
    log_text(line, "sharing", listener_sharing(info));
    log_text(line, "because", reason);
    log_number(line, "receive_buffer", info->receive_buffer);
    log_number(line, "send_buffer", info->send_buffer);
    log_end(line);
}

static void log_small_buffer(const listener_set_t *set, const char *option, apr_int64_t asked,
                             apr_size_t offset, log_t *log)
{
    for (int i = 0; i < set->all->nelts; i++) {
        const listener_info_t *info = listener_describe(APR_ARRAY_IDX(set->all, i, listener_t *));
        apr_int32_t given = *(const apr_int32_t *)((const char *)info + offset);

        if (given < asked) {
            log_line_t *line =
                log_begin_waiting(log, LOG_LEVEL_INFO, "the kernel gave a smaller buffer");

            log_text(line, "option", option);
            log_number(line, "asked", asked);
            log_number(line, "given", given);
            log_end(line);
            return;
        }
    }
}

void listeners_log(const listener_set_t *set, const listener_set_t *known,
                   const settings_t *settings, const platform_t *platform, log_t *log,
                   apr_pool_t *pool)
{
    for (int i = 0; i < set->all->nelts; i++) {
        const listener_t *listener = APR_ARRAY_IDX(set->all, i, listener_t *);
        const listener_info_t *info = listener_describe(listener);

        if (known == NULL || !listener_set_has(known, listener)) {
            log_listening(info, listener_sharing_reason(info, platform, pool), log);
        }
    }
    if (known != NULL) {
        return; /* the rest is the same as at the start */
    }
    if (settings->reuse_port == PORT_REUSE_PROCESSES &&
        !platform_has(platform, FEATURE_PORT_SHARING)) {
        log_end(log_begin_waiting(log, LOG_LEVEL_WARNING,
                                  "no other process can share these ports on this system"));
    }
    log_small_buffer(set, "receive-buffer", settings->receive_buffer,
                     offsetof(listener_info_t, receive_buffer), log);
    log_small_buffer(set, "send-buffer", settings->send_buffer,
                     offsetof(listener_info_t, send_buffer), log);
}
