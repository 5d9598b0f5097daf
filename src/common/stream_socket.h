#ifndef UDPECHO_STREAM_SOCKET_H
#define UDPECHO_STREAM_SOCKET_H

/* Sockets that programs connect to, to ask how this one does: those of TCP, and those with a path
 * in the file system (unix(7)). Any thread; memory from `pool`. */

#include <apr_network_io.h>
#include <apr_tables.h>

/*
 * Listens there, by the socket of `inherited`, an array of apr_os_sock_t, that does so already, and
 * which is then taken out of it, else by a new one; it does not block. Of a path only the user of
 * this process may connect, and root; what another process left there that ended, is replaced. The
 * path stays in the end. On error `step` is what failed: "bind"; static. Errors: those of
 * socket(2), bind(2), connect(2) and listen(2); APR_EEXIST if somebody listens at this path
 * already.
 */
apr_status_t stream_listen(apr_socket_t **listening, apr_sockaddr_t *address,
                           apr_array_header_t *inherited, const char **step, apr_pool_t *pool);

/* Closes these, an array of apr_os_sock_t. */
void stream_close(const apr_array_header_t *sockets, apr_pool_t *pool);

/* Connects; sending and receiving then wait for at most `timeout`. Errors: those of connect(2). */
apr_status_t stream_connect(apr_socket_t **connected, apr_sockaddr_t *address,
                            apr_interval_time_t timeout, apr_pool_t *pool);

#endif
