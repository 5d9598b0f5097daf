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

/* What a host that waits has to know of it. */
typedef struct takeover {
    /* What to wait for besides; -1: nothing. */
    int (*descriptor)(void);

    /* The longest to wait, milliseconds; -1: without a limit. */
    int (*timeout)(void);

    /* Sets `event` to what it means that the descriptor is readable. Returns 0 if it means nothing.
     */
    int (*take_event)(host_event_t *event);

    /* Lets a successor go whose time is up. Returns 0 if there is none. */
    int (*gives_up)(void);

    /* Tells the predecessor, if there is one, that this process serves. Errors: APR_TIMEUP if the
     * predecessor serves on, otherwise those of write(2). */
    apr_status_t (*tell_ready)(void);
} takeover_t;

/* Has host_wait() and host_ready() look after it: by host_take_over() and not by their own calls,
 * so that a program which never hands over links nothing of it. */
void host_watch(const takeover_t *takeover);

#endif
