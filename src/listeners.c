#include "listeners.h"

#include "address.h"
#include "udpecho/host.h"
#include "wildcard.h"

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
    [LISTENER_NOT_UDP] = {EXIT_CONFIG,
                          "a service manager must hand over bound UDP sockets: ListenDatagram in "
                          "systemd.socket(5), SockType dgram in launchd.plist(5)"},
    [LISTENER_BOTH_FAMILIES] = {EXIT_CONFIG, "IPv4 needs a socket of its own, and this one "
                                             "BindIPv6Only=ipv6-only, see systemd.socket(5)"},
    [LISTENER_SYSTEM] = {EXIT_SYSTEM, NULL},
};

/* Ends the line that was begun with what could not be opened. */
static void log_failure(log_line_t *line, apr_status_t status, const listener_error_t *error)
{
    log_text(line, "step", error->step);
    log_status(line, "error", status);
    if (failures[error->failure].hint != NULL) {
        log_text(line, "hint", failures[error->failure].hint);
    }
    log_end(line);
}

static log_line_t *begin_failure(log_t *log, log_level_t level, const char *message,
                                 const apr_sockaddr_t *address)
{
    endpoint_t endpoint = endpoint_of(address);
    log_line_t *line = log_begin_waiting(log, level, message);

    log_endpoint(line, "address", &endpoint);
    return line;
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
            log_failure(begin_failure(log, LOG_LEVEL_WARNING, "address left out", address), status,
                        &error);
        } else {
            log_failure(begin_failure(log, LOG_LEVEL_ERROR, "cannot listen", address), status,
                        &error);
            return failures[error.failure].code;
        }
    }
    return EXIT_OK;
}

static void log_replaced(log_t *log, const char *text)
{
    log_line_t *line =
        log_begin_waiting(log, LOG_LEVEL_WARNING, "every address of this host bound by itself");

    log_text(line, "listen", text);
    log_text(line, "hint", "addresses that come later are served after a restart");
    log_end(line);
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
    if (wildcard_replace(&list, options->platform, pool)) {
        log_replaced(log, text);
    }
    return open_all(listeners, list, options, log, pool);
}

/* Makes listeners of the service manager's sockets. */
static exit_code_t adopt_all(apr_array_header_t *listeners, const apr_array_header_t *sockets,
                             const listener_options_t *options, log_t *log, apr_pool_t *pool)
{
    for (int i = 0; i < sockets->nelts; i++) {
        apr_os_sock_t socket = APR_ARRAY_IDX(sockets, i, apr_os_sock_t);
        listener_error_t error;
        listener_t *listener;
        apr_status_t status = listener_adopt(&listener, socket, options, &error, pool);

        if (status != APR_SUCCESS) {
            log_line_t *line = log_begin_waiting(log, LOG_LEVEL_ERROR, "cannot listen");

            log_number(line, "descriptor", (apr_int64_t)socket);
            log_failure(line, status, &error);
            return failures[error.failure].code;
        }
        APR_ARRAY_PUSH(listeners, listener_t *) = listener;
    }
    log_line_t *line = log_begin_waiting(log, LOG_LEVEL_INFO,
                                         "sockets of the service manager, in place of --listen");

    log_number(line, "count", sockets->nelts);
    log_end(line);
    return EXIT_OK;
}

listener_options_t listener_options(const settings_t *settings, const platform_t *platform)
{
    return (listener_options_t){
        .platform = platform,
        .reuse = (port_reuse_t)settings->reuse_port,
        .workers = settings->workers > 0 ? (unsigned)settings->workers : host_processors(),
        .receive_buffer = (apr_int32_t)settings->receive_buffer,
        .send_buffer = (apr_int32_t)settings->send_buffer,
    };
}

exit_code_t listeners_open(apr_array_header_t *listeners, const settings_t *settings,
                           const platform_t *platform, log_t *log, apr_pool_t *pool)
{
    listener_options_t options = listener_options(settings, platform);
    apr_array_header_t *sockets = apr_array_make(pool, 4, sizeof(apr_os_sock_t));
    const char *error = host_inherited_sockets(sockets, pool);
    exit_code_t code = EXIT_OK;

    if (error != NULL) {
        log_line_t *line = log_begin_waiting(log, LOG_LEVEL_ERROR, "cannot listen");

        log_text(line, "error", error);
        log_end(line);
        return EXIT_CONFIG;
    }
    if (sockets->nelts > 0) {
        return adopt_all(listeners, sockets, &options, log, pool);
    }
    for (int i = 0; code == EXIT_OK && i < settings->listen->nelts; i++) {
        code = open_one(listeners, APR_ARRAY_IDX(settings->listen, i, const char *), &options, log,
                        pool);
    }
    return code;
}
