/* Telling what came of the listeners. */

#include <apr_strings.h>

#include "feature_table.h"
#include "listeners.h"

static const char *const sharing_names[] = {
    [SHARING_SOCKET_PER_WORKER] = "socket per worker",
    [SHARING_ONE_SOCKET] = "shared socket",
    [SHARING_COMPLETION_PORT] = "shared completion port",
};

const char *listener_sharing(const listener_info_t *info)
{
    return sharing_names[info->sharing];
}

const char *listener_sharing_reason(const listener_info_t *info, const settings_t *settings,
                                    const platform_t *platform, apr_pool_t *pool)
{
    const feature_state_t *spread = &platform->features[FEATURE_PORT_SHARING];

    switch (info->sharing) {
    case SHARING_SOCKET_PER_WORKER:
        return spread->by;
    case SHARING_COMPLETION_PORT:
        return platform->features[FEATURE_POLL_METHOD].by;
    case SHARING_ONE_SOCKET:
        break;
    }
    if (info->is_adopted) {
        return "another process opened it";
    }
    if (settings->reuse_port == PORT_REUSE_OFF) {
        return "--reuse-port=off";
    }
    if (spread->by == NULL) {
        return "this system does not spread flows over sockets";
    }
    return apr_pstrcat(pool, spread->by, ": ",
                       feature_missing(platform, FEATURE_PORT_SHARING, pool), NULL);
}

static void log_listening(const listener_info_t *info, const char *reason, log_t *log)
{
    log_line_t *line = log_begin_waiting(log, LOG_LEVEL_INFO, "listening");

    log_endpoint(line, "address", &info->local);
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
            log_listening(info, listener_sharing_reason(info, settings, platform, pool), log);
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
