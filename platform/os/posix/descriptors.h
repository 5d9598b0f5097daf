#ifndef UDPECHO_DESCRIPTORS_H
#define UDPECHO_DESCRIPTORS_H

/* Passes descriptors from one process to another, together with bytes: SCM_RIGHTS of unix(7).
 * Internal to platform/os/posix; any thread. */

#include <apr_tables.h>

/* The most that Linux lets one message carry (SCM_MAX_FD). */
#define DESCRIPTORS_MAX 253

/* Sends `length` bytes, at least one, and `count` descriptors, if any. Errors: E2BIG for more than
 * DESCRIPTORS_MAX of them, otherwise those of sendmsg(2). */
apr_status_t descriptors_send(int to, const char *bytes, apr_size_t length, const int *descriptors,
                              unsigned count);

/* Receives a message of one byte and appends its descriptors to `sockets`, of apr_os_sock_t; they
 * are closed by execve(2). Errors: those of recvmsg(2); APR_EOF if the other side has ended; EMFILE
 * if this process may not have so many, and then some were appended. */
apr_status_t descriptors_receive(int from, char *byte, apr_array_header_t *sockets);

#endif
