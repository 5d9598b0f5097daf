#ifndef UDPECHO_TAKEOVER_H
#define UDPECHO_TAKEOVER_H

/*
 * How a process hands its sockets to its successor: by a socket in the file system, unix(7), with
 * SCM_RIGHTS. That socket goes first, so that the successor's successor finds it where it always
 * was, and nothing in the file system changes. Then each listener's sockets go in one message.
 * The successor says that it serves by a byte; if it ends before that, nothing has happened. If it
 * takes longer than ten seconds, the predecessor says by a byte that nothing shall have happened.
 * Internal to platform/posix; main thread only.
 */

#include "udpecho/host.h"

/* What host_wait() has to wait for besides; -1: nothing. */
int takeover_descriptor(void);

/* How long at most, milliseconds; -1: for ever. */
int takeover_timeout(void);

/* What it means that this is readable. */
host_event_t takeover_event(void);

/* Lets a successor go whose time is up. Returns 0 if there is none. */
int takeover_gives_up(void);

/* Tells the predecessor, if there is one, that this process serves. Errors: APR_TIMEUP if the
 * predecessor serves on. */
apr_status_t takeover_ready(void);

#endif
