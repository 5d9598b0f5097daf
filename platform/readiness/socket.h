#ifndef UDPECHO_SOCKET_H
#define UDPECHO_SOCKET_H

/* The sockets of a listener. Internal to platform/readiness; one thread at a time for each
 * socket. `step` is where a function that fails says what it was about to do; static text. */

#include "udpecho/transport.h"

/* An unbound, non-blocking UDP socket of the address's family, with the buffers and features that
 * `options` ask for. It lives as long as `pool`. Errors: those of socket(2) and setsockopt(2). */
apr_status_t socket_create(apr_socket_t **socket, const apr_sockaddr_t *address,
                           const listener_options_t *options, const char **step, apr_pool_t *pool);

/* Binds. An IPv6 address may also be one that the routing table says is local, as an IPv4 address
 * may. The socket keeps a pointer to it. Errors: those of bind(2). */
apr_status_t socket_bind_to(apr_socket_t *socket, apr_sockaddr_t *address);

/* Binds, and reads back where: the kernel's word is what the log shows and what replies use. On a
 * wildcard it also asks for arrival addresses. Errors: those of bind(2); APR_EMISMATCH if another
 * address was bound than the one asked for, which was no wildcard. */
apr_status_t socket_bind(apr_socket_t *socket, apr_sockaddr_t *address, endpoint_t *local,
                         const char **step);

/*
 * Makes *socket of a descriptor that another process bound, for as long as `pool` lives; it is
 * closed with it. `local` is its address. A UDP socket is prepared like others, which affects
 * all processes that have it: it does not block any more, may return several datagrams at once,
 * and reports no further data except what is requested here. Errors: see listener_adopt(). If
 * *socket is still NULL after an error, the descriptor is not closed.
 */
apr_status_t socket_adopt(apr_socket_t **socket, int descriptor, endpoint_t *local,
                          const listener_options_t *options, listener_error_t *error,
                          apr_pool_t *pool);

/* What the two above have in common: no blocking, the buffers and features of `options`. */
apr_status_t socket_prepare(apr_socket_t *socket, int family, const listener_options_t *options,
                            const char **step);

/* Asks for arrival addresses if `local` is a wildcard, whose replies would else leave from
 * wherever. */
apr_status_t socket_report_arrival(apr_socket_t *socket, const endpoint_t *local,
                                   const char **step);

/* Writes the name of the network interface that a socket bound to `local` is bound to as well, ""
 * for none. The interface of a link-local address is part of that address. Errors: ENODEV if it is
 * bound to an interface that is gone, of a link-local address on Linux only. */
apr_status_t socket_bound_interface(int descriptor, const endpoint_t *local,
                                    char name[INTERFACE_NAME_MAX]);

/* Whether the kernel binds this address, which is no wildcard, where every address of its family is
 * asked for; 0 also where that cannot be found out. */
int address_is_only(const endpoint_t *address);

/* Its file descriptor. */
int socket_descriptor(apr_socket_t *socket);

/* The size of a buffer, SO_RCVBUF or SO_SNDBUF, as the kernel reports it, bytes. */
apr_int32_t socket_buffer(apr_socket_t *socket, int option);

/* Finds out whether the address is a broadcast address of this host's networks. Errors: those of
 * socket(2). */
apr_status_t address_ask_broadcast(int *is_broadcast, apr_sockaddr_t *address, apr_pool_t *pool);

#endif
