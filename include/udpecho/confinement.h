#ifndef UDPECHO_CONFINEMENT_H
#define UDPECHO_CONFINEMENT_H

/*
 * How the process gives up what answering datagrams does not need, in two steps: privileges before
 * it starts a thread, since threads inherit theirs, and system calls once all threads are there,
 * since to start a thread takes more of them than to serve does.
 */

#include <apr_pools.h>
#include <apr_tables.h>
#include <stdatomic.h>

#include "udpecho/platform.h"

/* Whom to become. NULL: stay as it is. */
typedef struct privileges {
    const char *user; /* a name or a number; its group and no other, unless `group` is given */
    const char *group;
    const char *root; /* the directory that becomes / */
} privileges_t;

typedef enum privileges_failure {
    PRIVILEGES_UNKNOWN,       /* no such user or group */
    PRIVILEGES_NOT_PERMITTED, /* another user may do this */
    PRIVILEGES_NO_ROOT,       /* no such directory, or not to be entered */
    PRIVILEGES_NOT_HERE,      /* this system has no such thing */
    PRIVILEGES_SYSTEM
} privileges_failure_t;

typedef struct privileges_error {
    privileges_failure_t failure;
    const char *step; /* what failed, in words: "find the user nobdy" */
} privileges_error_t;

/*
 * Changes root, group and user, drops all supplementary groups where it changes either, and then
 * every capability and the right to get any back by execve(2), on systems that have these
 * (capabilities(7), PR_SET_NO_NEW_PRIVS). To become who it already is takes no privilege. What is
 * open stays open. The process may have one thread only, the main thread, which calls this.
 *
 * On failure `error` says why; the process must end then, as it may have given up a part. What
 * points into `pool` lives as long as that.
 */
apr_status_t privileges_drop(const privileges_t *wanted, privileges_error_t *error,
                             apr_pool_t *pool);

/* Calls that the sandbox has answered with an error. Any thread. */
typedef struct sandbox_refusals {
    atomic_uint count;
    atomic_int call; /* the number of the last one, as this processor's kernel counts them */
} sandbox_refusals_t;

/* What a process does in the sandbox besides serving, logging and ending. */
typedef struct sandbox_needs {
    const apr_array_header_t *files; /* to read again, of const char *; perhaps empty */
    int opens_listeners;             /* listener_open(), of addresses and not of names */
    int stores_listeners;            /* host_store() */
    unsigned connections;            /* to accept, at a time */
    int serves_http;                 /* by udpecho/http.h */
    int hands_over;                  /* host_hand_over() */
    int asks_clock_quality;          /* clock_quality() */
    sandbox_refusals_t *refusals;    /* to note in; lives as long as the process */
} sandbox_needs_t;

/*
 * Turns core dumps off, and lets the process have no new processes and, if it opens no listeners,
 * no more descriptors than `needs` says. Where one of these fails the others are done all the same;
 * `step` is the last that failed: static. Main thread, before sandbox_enter(). Errors: those of
 * setrlimit(2) and prctl(2). Does nothing on Windows, or beside a sanitizer.
 */
apr_status_t limits_lower(const sandbox_needs_t *needs, const char **step);

/*
 * Takes from all threads every system call but those that serving with what `platform` has, logging
 * and ending need, and what `needs` says. On Linux, where this is seccomp(2), any other call fails
 * with ENOSYS and is noted in `needs->refusals`, except those that nothing in this program makes,
 * whatever it reads, such as execve(2): they end the process by SIGSYS. On OpenBSD, where it is
 * pledge(2), a thread that does otherwise ends the process by SIGABRT. Main thread, when every
 * thread that there will be is running code of its own.
 *
 * `found` is set to what is in force, "seccomp" or "pledge", or to "none: " and why: static.
 * Errors: APR_ENOTIMPL where there is nothing of the kind, else what the kernel says.
 */
apr_status_t sandbox_enter(const platform_t *platform, const sandbox_needs_t *needs,
                           const char **found);

#endif
