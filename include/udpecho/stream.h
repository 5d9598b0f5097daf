#ifndef UDPECHO_STREAM_H
#define UDPECHO_STREAM_H

/* The address or path of a socket that accepts connections, which the previous process may have
 * used. */

#include <apr_network_io.h>

/* Binds a TCP socket that will listen to a port that no other socket uses: connections of the
 * previous process, which linger for a minute, do not prevent it (SO_REUSEADDR of socket(7), and
 * on Windows, where that would share the port, SO_EXCLUSIVEADDRUSE). Any thread. Errors: those
 * of bind(2). */
apr_status_t host_bind_stream(apr_socket_t *socket, apr_sockaddr_t *address);

/*
 * Removes the socket file at `path` if no process listens on it any more. Everything else stays:
 * a socket on which a process listens, files, symbolic links. On error `step` says what failed:
 * static. Any thread. Errors: APR_EEXIST for what stays, those of lstat(2), socket(2),
 * connect(2) and unlink(2); APR_ENOTIMPL on Windows.
 */
apr_status_t host_clear_path(const char *path, const char **step);

#endif
