#ifndef UDPECHO_CONTROL_SOCKET_H
#define UDPECHO_CONTROL_SOCKET_H

/*
 * The control socket, by which programs ask the running service and take it out of service: those
 * of the same user and root's where it has a path, all of this host where it has a port.
 * A client sends one line, the name of a request, and gets the answer, whose end is the
 * connection's. What is no request gets none.
 *
 *     status    one JSON object, of what status_values() tells
 *     ready     one line, what readiness_name() says
 *     drain     has the server not be ready from now on; then the same line
 *     undrain   ends that; then the same line
 */

#include <apr_network_io.h>

#include "server/observe/status.h"

typedef struct control_socket control_socket_t;

/* Makes a socket there, or takes it from `inherited`. Errors: those of stream_address_find() and
 * stream_listen(). The answers come from `source`. Lives as long as `pool`. */
apr_status_t control_socket_open(control_socket_t **control, const char *where,
                                 apr_array_header_t *inherited, status_source_t *source,
                                 const char **step, apr_pool_t *pool);

/* What is readable when somebody asks. */
apr_socket_t *control_socket_listening(const control_socket_t *control);

/* Answers the one who has waited longest. Waits for his line, a fifth of a second at most. Errors:
 * those of accept(2): APR_EAGAIN if there is nobody. One thread at a time. */
apr_status_t control_socket_answer(control_socket_t *control);

/* Asks the service whose control socket this is, and sets `answer`, from `pool`. Errors: those of
 * stream_address_find() and connect(2); APR_EOF if there is no answer. Any thread. */
apr_status_t control_socket_ask(const char **answer, const char *where, const char *request,
                                apr_pool_t *pool);

#endif
