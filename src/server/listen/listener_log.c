#include "server/listen/listener_log.h"

#include <apr_strings.h>
#include <assert.h>

#include "common/endpoint_text.h"
#include "common/excluded_port.h"
#include "server/observe/feature_table.h"

void listener_log_address(log_line_t *line, const listener_info_t *info)
{
    char text[ENDPOINT_TEXT_MAX];

    endpoint_format_on(text, &info->local, info->device);
    log_text(line, "address", text);
}

/* ---- What could not be opened ---- */

/* What an operator can do about each kind of failure, and how the program ends. */
static const struct {
    exit_code_t code;
    const char *hint;
} failures[] = {
    [LISTENER_IN_USE] = {EXIT_UNAVAILABLE,
                         "another socket has this port, of another program or another --listen, "
                         "--stamp or --echo-plus; choose another port, or see --reuse-port"},
    [LISTENER_EXCLUDED] = {EXIT_UNAVAILABLE, EXCLUDED_PORT_HINT},
    [LISTENER_OVERLAPS] = {EXIT_UNAVAILABLE,
                           "this server has an address with this port open, and a reload opens "
                           "before it closes; restart the server instead"},
    [LISTENER_PROTOCOL] = {EXIT_UNAVAILABLE,
                           "--listen, --stamp and --echo-plus need an address or a port each; "
                           "choose another port for one of them"},
    [LISTENER_NOT_LOCAL] = {EXIT_UNAVAILABLE, "no interface of this host has this address"},
    [LISTENER_INTERFACE] = {EXIT_NO_HOST,
                            "the part after % must be an interface of this host; only Linux and "
                            "macOS bind sockets to one"},
    [LISTENER_INTERFACE_NOT_PERMITTED] = {EXIT_NO_PERMISSION,
                                          "Linux before 5.7 binds sockets to an interface with "
                                          "CAP_NET_RAW only; start it again as root or with it"},
    [LISTENER_INTERFACE_GONE] =
        {EXIT_NO_HOST,
         "the network interface that the socket is bound to is gone; open the socket again"},
    [LISTENER_NOT_READY] = {EXIT_UNAVAILABLE,
                            "an interface has this address, but duplicate address detection has "
                            "not ended, or found another host that has it"},
    [LISTENER_NOT_UNICAST] = {EXIT_UNAVAILABLE,
                              "replies cannot leave from a broadcast or multicast address; listen "
                              "on one of the host's own, or on *"},
    [LISTENER_NOT_PERMITTED] =
        {EXIT_NO_PERMISSION,
         "ports below 1024 need a privilege, which is given up before "
         "serving; choose a higher port, or start it again as root or with CAP_NET_BIND_SERVICE"},
    [LISTENER_NO_FAMILY] = {EXIT_UNAVAILABLE, "this host does not have this family of addresses"},
    [LISTENER_NO_WILDCARD] = {EXIT_UNAVAILABLE,
                              "this system does not tell where a datagram arrived; listen on "
                              "addresses of this host"},
    [LISTENER_NOT_UDP] = {EXIT_CONFIG,
                          "a service manager must pass bound UDP sockets: ListenDatagram in "
                          "systemd.socket(5), SockType dgram in launchd.plist(5)"},
    [LISTENER_BOTH_FAMILIES] = {EXIT_CONFIG, "IPv4 needs a socket of its own, and this one "
                                             "BindIPv6Only=ipv6-only, see systemd.socket(5)"},
    [LISTENER_SYSTEM] = {EXIT_SYSTEM, NULL},
};

exit_code_t listener_log_failure(log_line_t *line, apr_status_t status,
                                 const listener_error_t *error)
{
    assert(error->failure <= LISTENER_SYSTEM && status != APR_SUCCESS);
    log_text(line, "step", error->step);
    log_status(line, "error", status);
    if (failures[error->failure].hint != NULL) {
        log_text(line, "hint", failures[error->failure].hint);
    }
    log_end(line);
    return failures[error->failure].code;
}

exit_code_t listener_failure_code(apr_status_t status)
{
    int is_of_path = APR_STATUS_IS_ENOENT(status) || APR_STATUS_IS_ENOTDIR(status) ||
                     APR_STATUS_IS_EEXIST(status) || APR_STATUS_IS_ECONNREFUSED(status);
    int is_of_peer = APR_STATUS_IS_TIMEUP(status) || APR_STATUS_IS_ETIMEDOUT(status) ||
                     APR_STATUS_IS_EOF(status) || APR_STATUS_IS_ECONNRESET(status) ||
                     APR_STATUS_IS_EPIPE(status) ||
                     APR_STATUS_IS_EAGAIN(status); /* too many wait at its socket (unix(7)) */

    return is_of_path || is_of_peer ? EXIT_UNAVAILABLE : failures[listener_failure_of(status)].code;
}

/* ---- What was opened ---- */

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

static void log_listening(const listener_info_t *info, protocol_t protocol, const char *reason,
                          log_t *log)
{
    log_line_t *line = log_begin_waiting(log, LOG_LEVEL_INFO, "listening");

    listener_log_address(line, info);
    log_text(line, "protocol", protocol_name(protocol));
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
                log_begin_waiting(log, LOG_LEVEL_INFO, "kernel granted a smaller buffer");

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

        if (!listener_set_agrees(set, known, listener)) {
            log_listening(info, listener_set_protocol(set, listener),
                          listener_sharing_reason(info, platform, pool), log);
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
