#ifndef UDPECHO_STREAM_H
#define UDPECHO_STREAM_H

/* Where a socket that takes connections is to be: an address or a path that the process before this
 * one may have had. */

#include <apr_network_io.h>

/* Binds a TCP socket that is to listen, to a port that is nobody else's: connections of the process
 * before, which linger for a minute, do not keep it (SO_REUSEADDR of socket(7), and on Windows,
 * where that would let others have the port too, SO_EXCLUSIVEADDRUSE). Any thread. Errors: those of
 * bind(2). */
apr_status_t host_bind_stream(apr_socket_t *socket, apr_sockaddr_t *address);

/*
 * Makes way for a socket at `path`: removes the one that a process left there which listens no
 * more. Whatever else is there stays, what another process listens at, files, symbolic links. On
 * error `step` is what failed: static. Any thread. Errors: APR_EEXIST for what stays, those of
 * lstat(2), socket(2), connect(2) and unlink(2); APR_ENOTIMPL on Windows.
 */
apr_status_t host_clear_path(const char *path, const char **step);

#endif
