#ifndef UDPECHO_TAKEOVER_H
#define UDPECHO_TAKEOVER_H

/*
 * How a process hands its sockets to its successor: by a socket in the file system, unix(7), with
 * SCM_RIGHTS. That socket goes first, so that the successor's successor finds it where it always
 * was, and nothing in the file system changes. Then each listener's sockets go in one message, or
 * in several if they are more than one can carry.
 * The successor says that it serves by a byte; if it ends before that, nothing has happened. If it
 * takes longer than ten seconds, the predecessor says by a byte that nothing shall have happened.
 * Internal to platform/os/posix; main thread only.
 */

#include "udpecho/host.h"

/* The descriptor that host_wait() has to wait for besides; -1: none. */
int takeover_descriptor(void);

/* The longest that host_wait() may wait, milliseconds; -1: without a limit. */
int takeover_timeout(void);

/* Sets `event` to what it means that the descriptor is readable. Returns 0 if it means nothing. */
int takeover_event(host_event_t *event);

/* Lets a successor go whose time is up. Returns 0 if there is none. */
int takeover_gives_up(void);

/* Tells the predecessor, if there is one, that this process serves. From here on signals that ask
 * for the end are let in. Errors: APR_TIMEUP if the predecessor serves on, else those of write(2).
 */
apr_status_t takeover_ready(void);

#endif
