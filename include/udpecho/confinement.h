#ifndef UDPECHO_CONFINEMENT_H
#define UDPECHO_CONFINEMENT_H

/*
 * How the process gives up what serving does not need, in two steps: privileges before it starts
 * a thread, because threads inherit them, and system calls when all threads are running, because
 * starting a thread takes more calls than serving.
 */

#include <apr_pools.h>
#include <apr_tables.h>
#include <stdatomic.h>

#include "udpecho/platform.h"

/* The user to switch to. NULL: no change. */
typedef struct privileges {
    const char *user; /* a name or a number; its group and no other, unless `group` is given */
    const char *group;
    const char *root; /* the directory that becomes / */
} privileges_t;

typedef enum privileges_failure {
    PRIVILEGES_UNKNOWN,       /* no such user or group */
    PRIVILEGES_NOT_PERMITTED, /* another user may do this */
    PRIVILEGES_NO_ROOT,       /* the directory does not exist or cannot be entered */
    PRIVILEGES_NOT_HERE,      /* this system has no such function */
    PRIVILEGES_SYSTEM
} privileges_failure_t;

typedef struct privileges_error {
    privileges_failure_t failure;
    const char *step; /* what failed, in words: "find the user nobdy" */
} privileges_error_t;

/*
 * Changes root, group and user, drops all supplementary groups if it changes either, and then
 * all capabilities and the right to regain any by execve(2), on systems that have these
 * (capabilities(7), PR_SET_NO_NEW_PRIVS). A change to the present user needs no privilege. Open
 * descriptors stay open. The process may have one thread only, the main thread, which calls
 * this.
 *
 * On failure `error` says why; the process must then exit, because some privileges may already
 * be gone. Pointers into `pool` stay valid as long as the pool.
 */
apr_status_t privileges_drop(const privileges_t *wanted, privileges_error_t *error,
                             apr_pool_t *pool);

/* Calls that the sandbox has answered with an error. Any thread. */
typedef struct sandbox_refusals {
    atomic_uint count;
    atomic_int call; /* the number of the last one, as this processor's kernel counts them */
} sandbox_refusals_t;

/* What a process in the sandbox does besides serving, logging and stopping. */
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
 * Disables core dumps, and forbids new processes and, if the process opens no listeners, more
 * descriptors than `needs` says. If one of these fails, the others are still done; `step` names
 * the last that failed: static. Main thread, before sandbox_enter(). Errors: those of
 * setrlimit(2) and prctl(2). Does nothing on Windows or in a build with a sanitizer.
 */
apr_status_t limits_lower(const sandbox_needs_t *needs, const char **step);

/*
 * Forbids all threads all system calls except those for serving with the features of `platform`,
 * logging, stopping and `needs`. On Linux, by seccomp(2), other calls fail with ENOSYS and are
 * noted in `needs->refusals`, except calls that this program never makes on any input, such as
 * execve(2): these end the process by SIGSYS. On OpenBSD, by pledge(2), a forbidden call ends
 * the process by SIGABRT. Main thread, when every thread is running.
 *
 * `found` is set to what is active, "seccomp" or "pledge", or to "none: " and the reason:
 * static. Errors: APR_ENOTIMPL if the system has no sandbox, otherwise the error of the kernel.
 */
apr_status_t sandbox_enter(const platform_t *platform, const sandbox_needs_t *needs,
                           const char **found);

#endif
