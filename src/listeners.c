#include "listeners.h"

#include <apr_strings.h>

#include "address.h"

/* What an operator can do about each kind of failure, and how the program ends. */
static const struct {
    exit_code_t code;
    const char *hint;
} failures[] = {
    [LISTENER_IN_USE] = {EXIT_UNAVAILABLE,
                         "another socket has this port, of another program or another --listen; "
                         "choose another port, or see --reuse-port"},
    [LISTENER_NOT_LOCAL] = {EXIT_UNAVAILABLE, "no interface of this host has this address"},
    [LISTENER_NOT_UNICAST] = {EXIT_UNAVAILABLE,
                              "replies cannot leave from a broadcast or multicast address; listen "
                              "on one of the host's own, or on *"},
    [LISTENER_NOT_PERMITTED] = {EXIT_NO_PERMISSION,
                                "ports below 1024 need a privilege; choose a higher port, or start "
                                "it as root or with CAP_NET_BIND_SERVICE"},
    [LISTENER_NO_FAMILY] = {EXIT_UNAVAILABLE, "this host does not have this family of addresses"},
    [LISTENER_NO_WILDCARD] = {EXIT_UNAVAILABLE,
                              "this system does not tell where a datagram arrived; listen on "
                              "addresses of this host"},
    [LISTENER_SYSTEM] = {EXIT_SYSTEM, NULL},
};

static void log_failure(log_t *log, log_level_t level, const char *message,
                        const apr_sockaddr_t *address, apr_status_t status,
                        const listener_error_t *error)
{
    endpoint_t endpoint = endpoint_of(address);
    log_line_t *line = log_begin_waiting(log, level, message);

    log_endpoint(line, "address", &endpoint);
    log_text(line, "step", error->step);
    log_status(line, "error", status);
    if (failures[error->failure].hint != NULL) {
        log_text(line, "hint", failures[error->failure].hint);
    }
    log_end(line);
}

static int is_open(const apr_array_header_t *listeners, const apr_sockaddr_t *address)
{
    endpoint_t endpoint = endpoint_of(address);

    for (int i = 0; i < listeners->nelts; i++) {
        const listener_t *listener = APR_ARRAY_IDX(listeners, i, listener_t *);

        if (endpoint_equal(&listener_describe(listener)->local, &endpoint)) {
            return 1;
        }
    }
    return 0;
}

/* Opens all that one --listen stands for. Where that is several addresses, as with * and with
 * names, a host that lacks one of the families serves the others. */
static exit_code_t open_all(apr_array_header_t *listeners, const apr_sockaddr_t *address,
                            const listener_options_t *options, log_t *log, apr_pool_t *pool)
{
    int is_only = address->next == NULL;
    int opened = 0;

    for (; address != NULL; address = address->next) {
        listener_error_t error;
        listener_t *listener;
        apr_status_t status;

        if (is_open(listeners, address)) {
            opened++;
            continue;
        }
        status = listener_open(&listener, address, options, &error, pool);
        if (status == APR_SUCCESS) {
            APR_ARRAY_PUSH(listeners, listener_t *) = listener;
            opened++;
        } else if (!is_only && (opened > 0 || address->next != NULL) &&
                   (error.failure == LISTENER_NO_FAMILY || error.failure == LISTENER_NOT_LOCAL)) {
            log_failure(log, LOG_LEVEL_WARNING, "address left out", address, status, &error);
        } else {
            log_failure(log, LOG_LEVEL_ERROR, "cannot listen", address, status, &error);
            return failures[error.failure].code;
        }
    }
    return EXIT_OK;
}

static exit_code_t open_one(apr_array_header_t *listeners, const char *text,
                            const listener_options_t *options, log_t *log, apr_pool_t *pool)
{
    address_t address;
    apr_sockaddr_t *list;
    const char *error = address_parse(&address, text, DEFAULT_PORT, pool);
    apr_status_t status = error == NULL ? address_resolve(&list, &address, pool) : APR_EINVAL;

    if (status != APR_SUCCESS) {
        log_line_t *line = log_begin_waiting(log, LOG_LEVEL_ERROR, "cannot listen");

        log_text(line, "listen", text);
        if (address.scope != NULL) {
            log_text(line, "error", "no such network interface");
            log_text(line, "hint", "the part after % must be an interface of this host");
        } else {
            log_status(line, "error", status);
            log_text(line, "hint", "the name must be known to this host's resolver");
        }
        log_end(line);
        return EXIT_NO_HOST;
    }
    return open_all(listeners, list, options, log, pool);
}

exit_code_t listeners_open(apr_array_header_t *listeners, const settings_t *settings,
                           const platform_t *platform, unsigned workers, log_t *log,
                           apr_pool_t *pool)
{
    listener_options_t options = {
        .platform = platform,
        .reuse = (port_reuse_t)settings->reuse_port,
        .workers = workers,
        .receive_buffer = (apr_int32_t)settings->receive_buffer,
        .send_buffer = (apr_int32_t)settings->send_buffer,
    };
    exit_code_t code = EXIT_OK;

    for (int i = 0; code == EXIT_OK && i < settings->listen->nelts; i++) {
        code = open_one(listeners, APR_ARRAY_IDX(settings->listen, i, const char *), &options, log,
                        pool);
    }
    return code;
}

/* ---- Telling what came of it ---- */

static const char *const sharing_names[] = {
    [SHARING_SOCKET_PER_WORKER] = "socket per worker",
    [SHARING_ONE_SOCKET] = "shared socket",
    [SHARING_COMPLETION_PORT] = "shared completion port",
};

/* Why it is that, in words. */
static const char *sharing_reason(const listener_info_t *info, const settings_t *settings,
                                  const platform_t *platform, apr_pool_t *pool)
{
    const feature_state_t *spread = &platform->features[FEATURE_PORT_SHARING];
    char reason[128];

    switch (info->sharing) {
    case SHARING_SOCKET_PER_WORKER:
        return spread->by;
    case SHARING_COMPLETION_PORT:
        return platform->features[FEATURE_POLL_METHOD].by;
    case SHARING_ONE_SOCKET:
        break;
    }
    if (settings->reuse_port == PORT_REUSE_OFF) {
        return "--reuse-port=off";
    }
    if (spread->by == NULL) {
        return "this system does not spread flows over sockets";
    }
    apr_strerror(spread->status, reason, sizeof reason);
    return apr_psprintf(pool, "%s: %s", spread->by, reason);
}

static void log_listening(const listener_info_t *info, const char *reason, log_t *log)
{
    log_line_t *line = log_begin_waiting(log, LOG_LEVEL_INFO, "listening");

    log_endpoint(line, "address", &info->local);
    log_text(line, "sharing", sharing_names[info->sharing]);
    log_text(line, "because", reason);
    log_number(line, "receive_buffer", info->receive_buffer);
    log_number(line, "send_buffer", info->send_buffer);
    log_end(line);
}

static void log_small_buffer(const apr_array_header_t *listeners, const char *option,
                             apr_int64_t asked, apr_size_t offset, log_t *log)
{
    for (int i = 0; i < listeners->nelts; i++) {
        const listener_info_t *info = listener_describe(APR_ARRAY_IDX(listeners, i, listener_t *));
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

void listeners_log(const apr_array_header_t *listeners, const settings_t *settings,
                   const platform_t *platform, log_t *log, apr_pool_t *pool)
{
    for (int i = 0; i < listeners->nelts; i++) {
        const listener_info_t *info = listener_describe(APR_ARRAY_IDX(listeners, i, listener_t *));

        log_listening(info, sharing_reason(info, settings, platform, pool), log);
    }
    if (settings->reuse_port == PORT_REUSE_PROCESSES &&
        !platform_has(platform, FEATURE_PORT_SHARING)) {
        log_end(log_begin_waiting(log, LOG_LEVEL_WARNING,
                                  "no other process can share these ports on this system"));
    }
    log_small_buffer(listeners, "receive-buffer", settings->receive_buffer,
                     offsetof(listener_info_t, receive_buffer), log);
    log_small_buffer(listeners, "send-buffer", settings->send_buffer,
                     offsetof(listener_info_t, send_buffer), log);
}
