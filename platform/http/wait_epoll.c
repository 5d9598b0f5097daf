/* The library's epoll mode: one descriptor for all that it waits for. */

#include "http/server.h"

#include <poll.h>

const unsigned http_waiting_mode = MHD_USE_EPOLL;

apr_status_t http_watch(http_t *http, apr_pollset_t *set)
{
    server_t *server = (server_t *)http;
    watched_t *watched = &server->watched[0];
    apr_pollfd_t *wanted = &watched->in_set;

    if (watched->is_in) {
        return APR_SUCCESS;
    }
    *wanted =
        (apr_pollfd_t){.p = server->pool, .desc_type = APR_POLL_SOCKET, .reqevents = APR_POLLIN};
    apr_os_sock_t all = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    apr_status_t status = apr_os_sock_put(&wanted->desc.s, &all, server->pool);

    if (status == APR_SUCCESS) {
        status = apr_pollset_add(set, wanted);
    }
    watched->is_in = status == APR_SUCCESS;
    return status;
}

void http_turn(server_t *server)
{
    MHD_run(server->daemon);
}

int http_is_readable(apr_os_sock_t socket)
{
    struct pollfd waiting = {.fd = socket, .events = POLLIN};

    return poll(&waiting, 1, 0) > 0;
}
