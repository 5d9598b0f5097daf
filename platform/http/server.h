#ifndef UDPECHO_MICROHTTPD_SERVER_H
#define UDPECHO_MICROHTTPD_SERVER_H

/* A server of libmicrohttpd, and how a thread waits for it, which depends on the system. */

#include <apr_network_io.h>
#include <microhttpd.h>

#include "http/module.h"

#ifndef SHUT_RDWR /* Windows */
#define SHUT_RDWR SD_BOTH
#endif

typedef struct client {
    struct MHD_Connection *connection; /* NULL: a free place */
    apr_time_t until;
} client_t;

/* A socket that is in the caller's set. */
typedef struct watched {
    apr_pollfd_t in_set;
    int is_in;
} watched_t;

typedef struct server {
    http_t http; /* first, as that is what others know of it */
    struct MHD_Daemon *daemon;
    apr_os_sock_t listening;
    http_respond_t respond;
    void *context;
    apr_pool_t *answers; /* for one answer at a time */
    client_t clients[HTTP_CONNECTIONS_MAX];
    int has_closed;   /* a connection, in the last run */
    int has_accepted; /* one, in it */
    watched_t watched[HTTP_SOCKETS_MAX];
    apr_pool_t *pool;
} server_t;

apr_os_sock_t http_client_socket(const client_t *client);

/* Non-zero if it may have another client. */
int http_has_place(const server_t *server);

/* ---- wait_epoll.c or wait_select.c ---- */

/* The mode of MHD_start_daemon(). */
extern const unsigned http_waiting_mode;

/* http_t.watch(). */
apr_status_t http_watch(http_t *http, apr_pollset_t *set);

/* Has the library do what it can without waiting. */
void http_turn(server_t *server);

/* Non-zero if there is something to read from this socket, or somebody to accept. Does not wait. */
int http_is_readable(apr_os_sock_t socket);

#endif
