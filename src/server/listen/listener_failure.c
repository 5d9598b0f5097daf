#include "server/listen/listener_log.h"

#include <apr_errno.h>

/* What an operator can do about each kind of failure, and how the program ends. */
static const struct {
    exit_code_t code;
    const char *hint;
} failures[] = {
    [LISTENER_IN_USE] = {EXIT_UNAVAILABLE,
                         "another socket has this port, of another program or another --listen; "
                         "choose another port, or see --reuse-port"},
    [LISTENER_OVERLAPS] = {EXIT_UNAVAILABLE,
                           "this server has an address with this port open, and a reload opens "
                           "before it closes; restart the server instead"},
    [LISTENER_NOT_LOCAL] = {EXIT_UNAVAILABLE, "no interface of this host has this address"},
    [LISTENER_INTERFACE] = {EXIT_NO_HOST,
                            "the part after % must be an interface of this host; only Linux and "
                            "macOS bind sockets to one"},
    [LISTENER_INTERFACE_NOT_PERMITTED] = {EXIT_NO_PERMISSION,
                                          "Linux before 5.7 binds sockets to an interface with "
                                          "CAP_NET_RAW only; start it anew as root or with that"},
    [LISTENER_INTERFACE_GONE] = {EXIT_NO_HOST,
                                 "the network interface that the socket is bound to is gone; have "
                                 "the socket opened anew"},
    [LISTENER_NOT_READY] = {EXIT_UNAVAILABLE,
                            "an interface has this address, but duplicate address detection has "
                            "not ended, or found another host that has it"},
    [LISTENER_NOT_UNICAST] = {EXIT_UNAVAILABLE,
                              "replies cannot leave from a broadcast or multicast address; listen "
                              "on one of the host's own, or on *"},
    [LISTENER_NOT_PERMITTED] = {EXIT_NO_PERMISSION,
                                "ports below 1024 need a privilege, which is given up before "
                                "serving; choose a higher port, or start it anew as root or with "
                                "CAP_NET_BIND_SERVICE"},
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

exit_code_t listener_failure_log(log_line_t *line, apr_status_t status,
                                 const listener_error_t *error)
{
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
