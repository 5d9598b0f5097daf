#ifndef UDPECHO_STREAM_SOCKET_H
#define UDPECHO_STREAM_SOCKET_H

/* Sockets that programs connect to, to ask how this one does: those of TCP, and those with a path
 * in the file system (unix(7)). Any thread; memory from `pool`. */

#include <apr_network_io.h>
#include <apr_tables.h>

/*
 * Listens there, with the socket of `inherited`, an array of apr_os_sock_t, that already does,
 * which is then removed from the array, otherwise with a new one; it does not block. Only root
 * and the user of this process can connect to a path; a socket file that an earlier process left
 * there is replaced. The file remains at the end. On error `step` says what failed: "bind";
 * static. Errors: those of socket(2), bind(2), connect(2) and listen(2); APR_EEXIST if a process
 * already listens on this path.
 */
apr_status_t stream_listen(apr_socket_t **listening, apr_sockaddr_t *address,
                           apr_array_header_t *inherited, const char **step, apr_pool_t *pool);

/* Closes these, an array of apr_os_sock_t. */
void stream_close(const apr_array_header_t *sockets, apr_pool_t *pool);

/* Connects; sending and receiving then wait for at most `timeout`. Errors: those of connect(2). */
apr_status_t stream_connect(apr_socket_t **connected, apr_sockaddr_t *address,
                            apr_interval_time_t timeout, apr_pool_t *pool);

#endif
