#ifndef UDPECHO_SOCKET_H
#define UDPECHO_SOCKET_H

/* The sockets of a listener. Internal to platform/readiness; main thread only. `step` is where a
 * function that fails says what it was about to do; static text. */

#include "udpecho/transport.h"

/* An unbound, non-blocking UDP socket of the address's family, with the buffers and features that
 * `options` ask for. It lives as long as `pool`. Errors: those of socket(2) and setsockopt(2). */
apr_status_t socket_create(apr_socket_t **socket, const apr_sockaddr_t *address,
                           const listener_options_t *options, const char **step, apr_pool_t *pool);

/* Binds, and reads back where: the kernel's word is what the log shows and what replies use. On a
 * wildcard it also asks for arrival addresses. Errors: those of bind(2); APR_EMISMATCH if another
 * address was bound than the one asked for. */
apr_status_t socket_bind(apr_socket_t *socket, apr_sockaddr_t *address, endpoint_t *local,
                         const char **step);

/* Its file descriptor. */
int socket_descriptor(apr_socket_t *socket);

/* The size of a buffer, SO_RCVBUF or SO_SNDBUF, as the kernel reports it, bytes. */
apr_int32_t socket_buffer(apr_socket_t *socket, int option);

/* Non-zero if the address is a broadcast address of this host's networks. */
int address_is_broadcast(apr_sockaddr_t *address, apr_pool_t *pool);

#endif
