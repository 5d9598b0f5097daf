/*
 * The library's mode for select(2), for systems without epoll(7): it says which sockets it waits
 * for. A socket whose number does not fit into an fd_set it refuses to serve, on POSIX one above
 * FD_SETSIZE.
 */

#include "http/server.h"

#if APR_HAVE_SYS_SELECT_H
#include <sys/select.h>
#endif

const unsigned http_waiting_mode = 0;

/* Stops waiting for this socket. */
static void leave(watched_t *watched, apr_pollset_t *set)
{
    if (watched->is_in) {
        apr_pollset_remove(set, &watched->in_set);
        watched->is_in = 0;
    }
}

/* It waits for these events of it from now on. */
static apr_status_t enter(watched_t *watched, apr_pollset_t *set, apr_os_sock_t socket,
                          apr_int16_t events, apr_pool_t *pool)
{
    apr_pollfd_t *wanted = &watched->in_set;

    wanted->p = pool;
    wanted->desc_type = APR_POLL_SOCKET;
    wanted->reqevents = events;
    apr_status_t status = apr_os_sock_put(&wanted->desc.s, &socket, pool);

    if (status == APR_SUCCESS) {
        status = apr_pollset_add(set, wanted);
    }
    watched->is_in = status == APR_SUCCESS;
    return status;
}

/* What the library waits for. */
typedef struct waits {
    fd_set reads, writes, exceptions;
    MHD_socket highest;
} waits_t;

/* Otherwise libmicrohttpd would accept connections beyond the limit, to close them at once. */
static apr_status_t ask_waits(const server_t *server, waits_t *waits)
{
    waits->highest = 0;
    FD_ZERO(&waits->reads);
    FD_ZERO(&waits->writes);
    FD_ZERO(&waits->exceptions);
    if (MHD_get_fdset2(server->daemon, &waits->reads, &waits->writes, &waits->exceptions,
                       &waits->highest, FD_SETSIZE) != MHD_YES) {
        return APR_EGENERAL;
    }
    if (!http_has_place(server)) {
        FD_CLR(server->listening, &waits->reads);
    }
    return APR_SUCCESS;
}

static apr_int16_t events_of(const waits_t *waits, apr_os_sock_t socket)
{
    return (apr_int16_t)((FD_ISSET(socket, &waits->reads) ? APR_POLLIN : 0) |
                         (FD_ISSET(socket, &waits->writes) ? APR_POLLOUT : 0));
}

static apr_status_t enter_all(server_t *server, apr_pollset_t *set, const waits_t *waits)
{
    apr_int16_t events = events_of(waits, server->listening);
    apr_status_t status = APR_SUCCESS;

    if (events != 0) {
        status = enter(&server->watched[0], set, server->listening, events, server->pool);
    }
    for (unsigned i = 0; i < HTTP_CONNECTIONS_MAX && status == APR_SUCCESS; i++) {
        const client_t *client = &server->clients[i];

        events = client->connection != NULL ? events_of(waits, http_client_socket(client)) : 0;
        if (events != 0) {
            status = enter(&server->watched[i + 1], set, http_client_socket(client), events,
                           server->pool);
        }
    }
    return status;
}

apr_status_t http_watch(http_t *http, apr_pollset_t *set)
{
    server_t *server = (server_t *)http;
    waits_t waits;
    apr_status_t status = ask_waits(server, &waits);

    for (unsigned i = 0; i < HTTP_SOCKETS_MAX; i++) {
        leave(&server->watched[i], set);
    }
    return status == APR_SUCCESS ? enter_all(server, set, &waits) : status;
}

void http_turn(server_t *server)
{
    struct timeval at_once = {0, 0};
    waits_t waits;

    if (ask_waits(server, &waits) == APR_SUCCESS &&
        select((int)waits.highest + 1, &waits.reads, &waits.writes, &waits.exceptions, &at_once) >=
            0) {
        MHD_run_from_select(server->daemon, &waits.reads, &waits.writes, &waits.exceptions);
    }
}

int http_is_readable(apr_os_sock_t socket)
{
    fd_set reads;
    struct timeval at_once = {0, 0};

    FD_ZERO(&reads);
    FD_SET(socket, &reads);
    return select((int)socket + 1, &reads, NULL, NULL, &at_once) > 0;
}
