#ifndef UDPECHO_HTTP_LISTEN_H
#define UDPECHO_HTTP_LISTEN_H

/* A server of HTTP at an address that the user wrote, and the end of the thread that runs it. */

#include <apr_network_io.h>
#include <apr_poll.h>
#include <apr_tables.h>

#include "udpecho/http.h"

/*
 * Listens at `where`, which stream_address_check() lets through, as stream_listen() does, which may
 * take the socket from `inherited`, and has http_open() serve those who connect: respond() is
 * called within memory_try(). `listening` is the socket. On error `step` is what failed; from
 * `pool` or static. Main thread. Errors: those of stream_address_find(), stream_listen() and
 * http_open().
 */
apr_status_t http_listen(http_t **http, apr_socket_t **listening, const char *where,
                         apr_array_header_t *inherited, http_respond_t respond, void *context,
                         const char **step, apr_pool_t *pool);

/* What is answered where respond() is left, since there is no memory. */
extern const http_answer_t http_no_memory;

/* Ends the wait for these sockets, which can be woken (APR_POLLSET_WAKEABLE), or the next one.
 * Tries again for two seconds where that fails. Any thread. */
void http_wake(apr_pollset_t *sockets);

#endif
