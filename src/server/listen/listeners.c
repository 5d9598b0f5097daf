#include "server/listen/listeners.h"

#include <apr_strings.h>
#include <assert.h>

#include "common/address.h"
#include "common/endpoint_text.h"
#include "common/ip_address.h"
#include "server/listen/inherited.h"
#include "server/listen/listener_log.h"
#include "server/listen/listener_opening.h"
#include "server/listen/wildcard.h"
#include "udpecho/clock.h"
#include "udpecho/error_text.h"
#include "udpecho/machine.h"

/* How long to wait for IPv6 addresses that are new: duplicate address detection begins within a
 * second and takes one more (RFC 4862 section 5.4.2). */
#define READY_PATIENCE_US (3 * APR_USEC_PER_SEC)

static log_line_t *begin_failure(log_t *log, log_level_t level, const char *message,
                                 const location_t *location)
{
    endpoint_t endpoint = endpoint_of(location->address);
    log_line_t *line = log_begin_waiting(log, level, message);
    char text[ENDPOINT_TEXT_MAX];

    endpoint_format_on(text, &endpoint, location->device != NULL ? location->device : "");
    log_text(line, "address", text);
    return line;
}

/* ---- Opening ---- */

/* Whether an open listener conflicts: one has the wildcard of a family and the other an address
 * of it, on the same port. */
static int overlaps_open(const opening_t *opening, const apr_sockaddr_t *address)
{
    const listener_set_t *current = opening->current;
    endpoint_t wanted = endpoint_of(address);

    for (int i = 0; current != NULL && i < current->all->nelts; i++) {
        const listener_t *listener = APR_ARRAY_IDX(current->all, i, const listener_t *);
        const endpoint_t *open = &listener_describe(listener)->local;

        if (open->sa.any.sa_family == wanted.sa.any.sa_family &&
            endpoint_port(open) == endpoint_port(&wanted)) {
            return 1;
        }
    }
    return 0;
}

static apr_status_t open_address(listener_t **listener, const opening_t *opening,
                                 listener_set_t *set, const location_t *location,
                                 protocol_t protocol, listener_error_t *error)
{
    *listener = listener_find_open(set, opening, set, location, protocol);
    if (*listener != NULL && listener_set_has(set, *listener)) {
        if (listener_set_protocol(set, *listener) == protocol) {
            return APR_SUCCESS;
        }
        *error = (listener_error_t){LISTENER_PROTOCOL, "give the address to two protocols"};
        return APR_EEXIST;
    }
    if (set->all->nelts == LISTENERS_MAX) {
        *error = (listener_error_t){LISTENER_SYSTEM, "open more listeners than there may be"};
        return APR_ENOMEM;
    }
    if (*listener != NULL) {
        return APR_SUCCESS;
    }
    apr_status_t status = listener_open_new(listener, opening, set, location, protocol, error);

    if (status != APR_SUCCESS && error->failure == LISTENER_IN_USE &&
        overlaps_open(opening, location->address)) {
        error->failure = LISTENER_OVERLAPS;
    }
    return status;
}

static int is_lacking(listener_failure_t failure)
{
    return failure == LISTENER_NO_FAMILY || failure == LISTENER_NOT_LOCAL ||
           failure == LISTENER_NOT_READY;
}

/* Opens all that one option stands for. Where that is several addresses, as with * and with
 * names, a host that lacks one of the families serves the others. Whatever keeps a reload from
 * opening what was left out before keeps it from nothing else. */
static exit_code_t open_place(listener_set_t *set, place_t *place, const opening_t *opening)
{
    int is_kept = place->listeners->nelts > 0;
    exit_code_t code = EXIT_OK;

    for (const apr_sockaddr_t *address = place->addresses; code == EXIT_OK && address != NULL;
         address = address->next) {
        location_t location = {address, place->device};
        int has_others = place->listeners->nelts > 0 || address->next != NULL;
        listener_error_t error;
        listener_t *listener;
        apr_status_t status =
            open_address(&listener, opening, set, &location, place->protocol, &error);

        if (status == APR_SUCCESS) {
            listener_set_add(set, place, listener);
        } else if (is_kept || (has_others && is_lacking(error.failure))) {
            APR_ARRAY_PUSH(place->left_out, const apr_sockaddr_t *) = address;
            listener_log_failure(
                begin_failure(opening->log, LOG_LEVEL_WARNING, "address left out", &location),
                status, &error);
        } else {
            code = listener_log_failure(
                begin_failure(opening->log, LOG_LEVEL_ERROR, "cannot listen", &location), status,
                &error);
        }
    }
    return code;
}

/* ---- Looking up ---- */

static void log_replaced(log_t *log, const char *text)
{
    log_line_t *line =
        log_begin_waiting(log, LOG_LEVEL_WARNING, "addresses of this host bound separately");

    log_text(line, "listen", text);
    log_text(line, "hint", "new addresses require a restart");
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

/* What to do about an address that a reload does not look up; NULL: it does. A name service may
 * keep the main thread waiting for longer than the service manager waits for a sign of life, and to
 * find the interface of a link-local address takes more calls than the sandbox leaves. */
static const char *hint_at_reload(const address_t *address, const opening_t *opening)
{
    if (opening->current == NULL) {
        return NULL;
    }
    if (address_is_foreign_name(address)) {
        return "write the address in figures, or restart the server";
    }
    return address->scope != NULL && opening->is_confined
               ? "restart the server, whose sandbox keeps interfaces from being looked up"
               : NULL;
}

static exit_code_t look_up(place_t *place, const opening_t *opening, apr_pool_t *pool)
{
    char reason[128];
    address_t address;
    const char *error =
        address_parse(&address, place->text, settings_default_port(place->protocol), pool);
    const char *hint = error == NULL ? hint_at_reload(&address, opening) : NULL;

    if (hint != NULL) {
        return refuse(opening->log, place->text, "names are looked up at the start only", hint);
    }
    place->device = address.device;
    apr_status_t status =
        error == NULL ? address_resolve_own(&place->addresses, &address, pool) : APR_EINVAL;

    if (status != APR_SUCCESS) {
        return address.scope != NULL
                   ? refuse(opening->log, place->text, "no such network interface",
                            "the part after % must be an interface of this host")
                   : refuse(opening->log, place->text, error_text(status, reason, sizeof reason),
                            "the name must be known to this host's resolver");
    }
    if (wildcard_replace(&place->addresses, opening->options->platform, pool)) {
        log_replaced(opening->log, place->text);
    }
    return EXIT_OK;
}

/* The addresses that were left out, to be tried again. */
static apr_sockaddr_t *copy_left_out(const place_t *place, apr_pool_t *pool)
{
    apr_sockaddr_t *first = NULL;

    for (int i = place->left_out->nelts - 1; i >= 0; i--) {
        endpoint_t endpoint = endpoint_of(APR_ARRAY_IDX(place->left_out, i, apr_sockaddr_t *));
        apr_sockaddr_t *address = ip_address_to_apr(&endpoint, pool);

        address->next = first;
        first = address;
    }
    return first;
}

/* Takes over what `current` has at a place: its listeners, and the addresses that it lacks. */
static void keep_place(listener_set_t *set, place_t *place, const place_t *kept,
                       const opening_t *opening, apr_pool_t *pool)
{
    place->device = apr_pstrdup(pool, kept->device);
    place->addresses = copy_left_out(kept, pool);
    for (int i = 0; i < kept->listeners->nelts; i++) {
        listener_t *listener = APR_ARRAY_IDX(kept->listeners, i, listener_t *);

        if (!listener_has_interface(listener)) {
            listener = listener_reopen(listener, place, opening, set, pool);
        }
        listener_set_add(set, place, listener);
    }
}

/* Adds the place of an option: that of `current` or, if it has none, one with the addresses. */
static exit_code_t add_place(listener_set_t *set, protocol_t protocol, const char *text,
                             const opening_t *opening, apr_pool_t *pool)
{
    const place_t *kept = listener_set_place(opening->current, protocol, text,
                                             listener_set_count(set, protocol, text));
    place_t *place = apr_array_push(set->places);

    *place = (place_t){
        .protocol = protocol,
        .text = text,
        .listeners = apr_array_make(pool, 2, sizeof(listener_t *)),
        .left_out = apr_array_make(pool, 2, sizeof(apr_sockaddr_t *)),
    };
    if (kept == NULL) {
        return look_up(place, opening, pool);
    }
    keep_place(set, place, kept, opening, pool);
    return EXIT_OK;
}

/* ---- All together ---- */

/* Closes what was inherited and is not wanted, here and in the service manager. */
static void give_up(const listener_set_t *inherited, const listener_set_t *wanted, log_t *log)
{
    listener_set_forget(inherited, wanted);
    listener_set_close(inherited, wanted, log);
}

/* Keeps the inherited listeners that the places name. The others are closed before anything is
 * bound, because their addresses may overlap with a new one. */
static void keep_wanted(listener_set_t *inherited, const listener_set_t *set,
                        const opening_t *opening, apr_pool_t *pool)
{
    listener_set_t wanted;

    listener_set_create(&wanted, pool);
    for (int i = 0; i < set->places->nelts; i++) {
        const place_t *place = &APR_ARRAY_IDX(set->places, i, place_t);

        for (const apr_sockaddr_t *address = place->addresses; address != NULL;
             address = address->next) {
            listener_t *listener = listener_find_open(
                &wanted, opening, set, &(location_t){address, place->device}, place->protocol);

            if (listener != NULL && !listener_set_has(&wanted, listener)) {
                APR_ARRAY_PUSH(wanted.all, listener_t *) = listener;
            }
        }
    }
    give_up(inherited, &wanted, opening->log);
    *inherited = wanted;
}

static exit_code_t add_places(listener_set_t *set, protocol_t protocol, const opening_t *opening,
                              apr_pool_t *pool)
{
    const apr_array_header_t *listen = opening->settings->listen[protocol];
    exit_code_t code = EXIT_OK;

    for (int i = 0; code == EXIT_OK && listen != NULL && i < listen->nelts; i++) {
        code = add_place(set, protocol, APR_ARRAY_IDX(listen, i, const char *), opening, pool);
    }
    return code;
}

static exit_code_t open_places(listener_set_t *set, const opening_t *opening, apr_pool_t *pool)
{
    exit_code_t code = EXIT_OK;

    for (protocol_t protocol = 0; code == EXIT_OK && protocol < PROTOCOLS; protocol++) {
        code = add_places(set, protocol, opening, pool);
    }
    if (code == EXIT_OK && opening->inherited != NULL) {
        keep_wanted(opening->inherited, set, opening, pool);
    }
    for (int i = 0; code == EXIT_OK && i < set->places->nelts; i++) {
        code = open_place(set, &APR_ARRAY_IDX(set->places, i, place_t), opening);
    }
    return code;
}

listener_options_t listener_options(const settings_t *settings, const platform_t *platform)
{
    return (listener_options_t){
        .platform = platform,
        .reuse = settings->reuse_port,
        .workers = settings->workers > 0 ? (unsigned)settings->workers : host_processors(),
        .receive_buffer = (apr_int32_t)settings->receive_buffer,
        .send_buffer = (apr_int32_t)settings->send_buffer,
        .offload = settings->offload,
    };
}

/* Sockets that the service manager opened are all that is served; what it only kept is for the
 * options that ask for it. */
static exit_code_t open_at_start(listener_set_t *set, const opening_t *opening, apr_pool_t *pool)
{
    opening_t with = *opening;
    listener_set_t inherited;
    exit_code_t code = inherited_open(set, &inherited, opening, pool);

    with.inherited = &inherited;
    if (code == EXIT_OK && set->all->nelts == 0) {
        code = open_places(set, &with, pool);
    } else if (code == EXIT_OK) {
        give_up(&inherited, NULL, opening->log);
    }
    if (code != EXIT_OK) {
        listener_set_close(&inherited, set, NULL);
    }
    return code;
}

/* Sockets that the service manager opened can only be opened anew by it. */
static void keep_fixed(listener_set_t *set, const opening_t *opening)
{
    apr_array_cat(set->places, opening->current->places);
    apr_array_cat(set->all, opening->current->all);
    for (int i = 0; i < set->all->nelts; i++) {
        const listener_t *listener = APR_ARRAY_IDX(set->all, i, listener_t *);

        if (!listener_has_interface(listener)) {
            listener_log_lost(opening, listener, "the service manager opened its socket",
                              "restart the unit of the socket once the interface is back");
        }
    }
}

exit_code_t listeners_open(listener_set_t *set, const opening_t *opening, apr_pool_t *pool)
{
    opening_t with = *opening;

    assert(set->places->nelts == 0 && set->all->nelts == 0);
    with.patience_ends = clock_now() + READY_PATIENCE_US;
    if (opening->current == NULL) {
        return open_at_start(set, &with, pool);
    }
    if (listener_set_is_fixed(opening->current)) {
        keep_fixed(set, opening);
        return EXIT_OK;
    }
    return open_places(set, &with, pool);
}
