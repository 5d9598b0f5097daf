#ifndef UDPECHO_HTTP_H
#define UDPECHO_HTTP_H

/*
 * A small HTTP server for GET and HEAD (RFC 9110), run by one thread of the caller's. It keeps
 * itself small for all clients: so many connections at a time, so much memory for each, so long
 * until it is over.
 */

#include <apr_poll.h>
#include <apr_pools.h>
#include <apr_portable.h>
#include <apr_time.h>

/* Connections at a time; others wait in the kernel. */
#define HTTP_CONNECTIONS_MAX 8

/* Sockets that a set waits for at a time: these, and the one that accepts them. */
#define HTTP_SOCKETS_MAX (HTTP_CONNECTIONS_MAX + 1)

/* How long a connection may last, whatever is sent. */
#define HTTP_CONNECTION_US (5 * APR_USEC_PER_SEC)

/* What is answered: the status of RFC 9110 section 15, a media type, and text that lives as long as
 * the pool that was passed. */
typedef struct http_answer {
    unsigned status;
    const char *type;
    const char *body;
} http_answer_t;

/* Answers a request for this path, without what follows "?". */
typedef http_answer_t (*http_respond_t)(void *context, const char *path, apr_pool_t *pool);

/* A server, and what the thread that runs it calls. */
typedef struct http http_t;
struct http {
    /* Makes `set`, the same each time, wait for what run() has to do something about, and no longer
     * for what it waited for since the last call. To be called before each wait. Errors: those of
     * apr_pollset_add(); APR_EGENERAL. */
    apr_status_t (*watch)(http_t *http, apr_pollset_t *set);

    /* When to call run() even if there is not: microseconds from now; -1: never. */
    apr_interval_time_t (*timeout)(const http_t *http);

    /* Does what can be done without waiting. Errors, where somebody waits who could not be
     * accepted: why the last call failed, or APR_EAGAIN. */
    apr_status_t (*run)(http_t *http);
};

/* Serves those who connect to this socket, which listens already and stays the caller's. Lives as
 * long as `pool`. On error `step` is what failed; from `pool` or static. Main thread, before the
 * process is confined. Errors: APR_ENOTIMPL where there is no such server in this build;
 * APR_EDSOOPEN and APR_ESYMNOTFOUND where it is a module that cannot be loaded; otherwise those of
 * readlink(2), of epoll_create1(2), or APR_EGENERAL. */
apr_status_t http_open(http_t **http, apr_os_sock_t listening, http_respond_t respond,
                       void *context, const char **step, apr_pool_t *pool);

#endif
