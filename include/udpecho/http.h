#ifndef UDPECHO_HTTP_H
#define UDPECHO_HTTP_H

/*
 * A small HTTP server for GET and HEAD (RFC 9110), run by one thread of the caller's, of which all
 * these functions are to be called but http_open(). It keeps itself small whoever connects: so many
 * connections at a time, so much memory for each, so long until it is over.
 */

#include <apr_pools.h>
#include <apr_portable.h>
#include <apr_time.h>

/* Connections at a time; others wait in the kernel. */
#define HTTP_CONNECTIONS_MAX 8

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

typedef struct http http_t;

/* Serves those who connect to this socket, which listens already and stays the caller's. Lives as
 * long as `pool`. Main thread. Errors: APR_ENOTIMPL where there is no such server in this build;
 * else those of epoll_create1(2), or APR_EGENERAL. */
apr_status_t http_open(http_t **http, apr_os_sock_t listening, http_respond_t respond,
                       void *context, apr_pool_t *pool);

/* What is readable when there is something for http_run() to do. */
apr_os_sock_t http_descriptor(const http_t *http);

/* When to call http_run() even if there is not: microseconds from now; -1: never. */
apr_interval_time_t http_timeout(const http_t *http);

/* Does what can be done without waiting. */
void http_run(http_t *http);

#endif
