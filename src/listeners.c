#include "listeners.h"

#include <apr_strings.h>

#include "address.h"
#include "cidr.h"
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

/* ---- Opening ---- */

/* What is open already. A successor's --listen without a port of its own takes over whichever its
 * predecessor had. */
static listener_t *find_open(const listener_set_t *set, const opening_t *opening,
                             const apr_sockaddr_t *address)
{
    listener_t *listener = listener_set_find(set, address);

    if (listener == NULL) {
        listener = listener_set_find(opening->current, address);
    }
    if (listener == NULL && opening->taken_over != NULL) {
        listener = address->port != 0
                       ? listener_set_find(opening->taken_over, address)
                       : listener_set_find_any_port(opening->taken_over, address, set);
    }
    return listener;
}

static exit_code_t open_address(listener_t **listener, const opening_t *opening,
                                const listener_set_t *set, const apr_sockaddr_t *address,
                                int may_lack)
{
    listener_error_t error = {LISTENER_SYSTEM, "open more listeners than there may be"};
    apr_status_t status = APR_ENOMEM;

    *listener = find_open(set, opening, address);
    if (*listener != NULL) {
        return EXIT_OK;
    }
    if (set->all->nelts < LISTENERS_MAX) {
        status = listener_open(listener, address, opening->options, &error, opening->pool);
    }
    if (status == APR_SUCCESS) {
        return EXIT_OK;
    }
    *listener = NULL;
    if (may_lack && (error.failure == LISTENER_NO_FAMILY || error.failure == LISTENER_NOT_LOCAL)) {
        log_failure(begin_failure(opening->log, LOG_LEVEL_WARNING, "address left out", address),
                    status, &error);
        return EXIT_OK;
    }
    log_failure(begin_failure(opening->log, LOG_LEVEL_ERROR, "cannot listen", address), status,
                &error);
    return failures[error.failure].code;
}

/* Opens all that one --listen stands for. Where that is several addresses, as with * and with
 * names, a host that lacks one of the families serves the others. */
static exit_code_t open_all(listener_set_t *set, place_t *place, const apr_sockaddr_t *address,
                            const opening_t *opening)
{
    int is_only = address->next == NULL;
    exit_code_t code = EXIT_OK;

    for (; code == EXIT_OK && address != NULL; address = address->next) {
        listener_t *listener;
        int may_lack = !is_only && (place->listeners->nelts > 0 || address->next != NULL);

        code = open_address(&listener, opening, set, address, may_lack);
        if (listener != NULL) {
            listener_set_add(set, place, listener);
        }
    }
    return code;
}

static void log_replaced(log_t *log, const char *text)
{
    log_line_t *line =
        log_begin_waiting(log, LOG_LEVEL_WARNING, "every address of this host bound by itself");

    log_text(line, "listen", text);
    log_text(line, "hint", "addresses that come later are served after a restart");
    log_end(line);
}

static exit_code_t refuse(log_t *log, const char *text, const char *error, const char *hint)
{
    log_line_t *line = log_begin_waiting(log, LOG_LEVEL_ERROR, "cannot listen");

    log_text(line, "listen", text);
    log_text(line, "error", error);
    log_text(line, "hint", hint);
    log_end(line);
    return EXIT_NO_HOST;
}

/* Names of hosts and of interfaces take more calls to look up than the sandbox leaves. */
static int needs_look_up(const address_t *address, apr_pool_t *pool)
{
    cidr_t network;

    return address->scope != NULL ||
           (address->host != NULL && cidr_parse(&network, address->host, pool) != NULL);
}

static exit_code_t open_place(listener_set_t *set, place_t *place, const opening_t *opening,
                              apr_pool_t *pool)
{
    char reason[128];
    address_t address;
    apr_sockaddr_t *list;
    const char *error = address_parse(&address, place->text, DEFAULT_PORT, pool);

    if (error == NULL && opening->is_confined && needs_look_up(&address, pool)) {
        return refuse(opening->log, place->text, "names are looked up at the start only",
                      "name the address and no interface, or restart it");
    }
    apr_status_t status = error == NULL ? address_resolve(&list, &address, pool) : APR_EINVAL;

    if (status != APR_SUCCESS) {
        return address.scope != NULL
                   ? refuse(opening->log, place->text, "no such network interface",
                            "the part after % must be an interface of this host")
                   : refuse(opening->log, place->text, apr_strerror(status, reason, sizeof reason),
                            "the name must be known to this host's resolver");
    }
    if (wildcard_replace(&list, opening->options->platform, pool)) {
        log_replaced(opening->log, place->text);
    }
    return open_all(set, place, list, opening);
}

static exit_code_t open_one(listener_set_t *set, const char *text, const opening_t *opening,
                            apr_pool_t *pool)
{
    const place_t *kept = listener_set_place(opening->current, text, listener_set_count(set, text));
    place_t *place = apr_array_push(set->places);

    *place = (place_t){text, apr_array_make(pool, 2, sizeof(listener_t *))};
    if (kept == NULL) {
        return open_place(set, place, opening, pool);
    }
    for (int i = 0; i < kept->listeners->nelts; i++) {
        listener_set_add(set, place, APR_ARRAY_IDX(kept->listeners, i, listener_t *));
    }
    return EXIT_OK;
}

static exit_code_t open_places(listener_set_t *set, const opening_t *opening, apr_pool_t *pool)
{
    const apr_array_header_t *listen = opening->settings->listen;
    exit_code_t code = EXIT_OK;

    for (int i = 0; code == EXIT_OK && i < listen->nelts; i++) {
        code = open_one(set, APR_ARRAY_IDX(listen, i, const char *), opening, pool);
    }
    if (code != EXIT_OK) {
        listener_set_close(set, opening->current, NULL);
    }
    return code;
}

static exit_code_t refuse_sockets(log_t *log, const char *error)
{
    log_line_t *line = log_begin_waiting(log, LOG_LEVEL_ERROR, "cannot listen");

    log_text(line, "error", error);
    log_end(line);
    return EXIT_CONFIG;
}

/* Makes a listener of each array of sockets that was handed over. */
static exit_code_t adopt_all(listener_set_t *set, const apr_array_header_t *groups,
                             const char *message, const opening_t *opening)
{
    for (int i = 0; i < groups->nelts; i++) {
        const apr_array_header_t *sockets = APR_ARRAY_IDX(groups, i, const apr_array_header_t *);
        listener_error_t error;
        listener_t *listener;
        apr_status_t status =
            listener_adopt(&listener, sockets, opening->options, &error, opening->pool);

        if (status != APR_SUCCESS) {
            log_line_t *line = log_begin_waiting(opening->log, LOG_LEVEL_ERROR, "cannot listen");

            log_number(line, "descriptor", (apr_int64_t)APR_ARRAY_IDX(sockets, 0, apr_os_sock_t));
            log_failure(line, status, &error);
            return failures[error.failure].code;
        }
        APR_ARRAY_PUSH(set->all, listener_t *) = listener;
    }
    log_line_t *line = log_begin_waiting(opening->log, LOG_LEVEL_INFO, message);

    log_number(line, "count", groups->nelts);
    log_end(line);
    return EXIT_OK;
}

/* Each socket of the service manager is a listener. */
static exit_code_t open_activated(listener_set_t *set, const apr_array_header_t *sockets,
                                  const opening_t *opening, apr_pool_t *pool)
{
    apr_array_header_t *groups = apr_array_make(pool, sockets->nelts, sizeof(apr_array_header_t *));

    for (int i = 0; i < sockets->nelts; i++) {
        apr_array_header_t *group = apr_array_make(pool, 1, sizeof(apr_os_sock_t));

        APR_ARRAY_PUSH(group, apr_os_sock_t) = APR_ARRAY_IDX(sockets, i, apr_os_sock_t);
        APR_ARRAY_PUSH(groups, apr_array_header_t *) = group;
    }
    return adopt_all(set, groups, "sockets of the service manager, in place of --listen", opening);
}

/* Of the predecessor's listeners those that are asked for are kept; it closes the others itself. */
static exit_code_t open_taken_over(listener_set_t *set, const opening_t *opening, apr_pool_t *pool)
{
    apr_array_header_t *groups = apr_array_make(pool, 4, sizeof(apr_array_header_t *));
    const char *error = host_take_over(groups, opening->settings->takeover, pool);
    opening_t with = *opening;
    listener_set_t taken;
    exit_code_t code = EXIT_OK;

    if (error != NULL) {
        return refuse_sockets(opening->log, error);
    }
    listener_set_create(&taken, pool);
    if (groups->nelts > 0) {
        code = adopt_all(&taken, groups, "listeners of the process that serves", opening);
        with.taken_over = &taken;
    }
    if (code == EXIT_OK) {
        code = open_places(set, &with, pool);
    }
    listener_set_close(&taken, set, NULL);
    return code;
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

exit_code_t listeners_open(listener_set_t *set, const opening_t *opening, apr_pool_t *pool)
{
    apr_array_header_t *sockets = apr_array_make(pool, 4, sizeof(apr_os_sock_t));

    listener_set_create(set, pool);
    if (opening->current != NULL && listener_set_is_fixed(opening->current)) {
        apr_array_cat(set->places, opening->current->places);
        apr_array_cat(set->all, opening->current->all);
        return EXIT_OK;
    }
    if (opening->current != NULL) {
        return open_places(set, opening, pool);
    }
    const char *error = host_inherited_sockets(sockets, pool);

    if (error != NULL) {
        return refuse_sockets(opening->log, error);
    }
    if (sockets->nelts > 0) {
        return open_activated(set, sockets, opening, pool);
    }
    return opening->settings->takeover != NULL ? open_taken_over(set, opening, pool)
                                               : open_places(set, opening, pool);
}
