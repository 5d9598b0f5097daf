#ifndef UDPECHO_HOST_H
#define UDPECHO_HOST_H

/*
 * The life of a daemon on this operating system: how it starts, what it is asked to do, and what it
 * tells the service manager.
 */

#include <apr_pools.h>
#include <apr_time.h>

#include "udpecho/log_sink.h"

/*
 * Where this process was started without standard input, output or error, opens something in their
 * place that can neither be read nor written, with the error of what is closed, so that no socket
 * gets the number of one of them and what is written there. Called early in main(), before anything
 * is opened. Errors: those of pipe(2); standard error may then be closed.
 */
apr_status_t host_fill_standard_files(void);

/* From here on, libraries that nobody names by a full path are loaded from the system's own
 * directory and from nowhere else, also where the program's own or the current directory has one of
 * that name: SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32) of Windows. Elsewhere the
 * loader does not look there. Before anything else in main(), since APR loads libraries. */
void host_trust_system_libraries(void);

/* From here on, to write to somebody who has hung up, or to a file at the limit of its size, is an
 * error, EPIPE or EFBIG, and does not end the process: SIGPIPE and SIGXFSZ of signal(7), which
 * Windows has not. Any thread. */
void host_ignore_hang_ups(void);

typedef enum host_event {
    HOST_LAME_DUCK,   /* asked to end; HOST_STOP follows, see host_set_lame_duck() */
    HOST_STOP,        /* drain and end; from here on, asking again ends the process at once */
    HOST_REPORT,      /* log the counters */
    HOST_RELOAD,      /* read the settings again */
    HOST_HAND_OVER,   /* a successor asks for the sockets: host_hand_over() */
    HOST_HANDED_OVER, /* it serves with them; drain and end */
    HOST_KEPT,        /* it went away without; serve on */
    HOST_GAVE_UP,     /* it took too long; serve on */
    HOST_LOOK,        /* tell the service manager what the service does: host_tell() */
    HOST_FINISHED     /* host_finish() was called */
} host_event_t;

/* What the program is as a service of the system. Static texts. */
typedef struct host_service {
    const char *name;        /* of the service, the source of its events, its rule of the firewall
                              * and, with ".conf", its configuration file; ASCII, at most 31 bytes */
    const char *title;       /* as service managers list it */
    const char *description; /* a sentence */
} host_service_t;

/* Says what the program is as a service, before anything below asks for it: early in main(). Only
 * Windows wants to know. `service` is static. Main thread. */
void host_name_service(const host_service_t *service);

/*
 * Runs body(context) and sets `code` to what it returns, for main() to return in turn. With
 * `as_service`, the process must have been started by a service manager that wants to hear from the
 * service: the service control manager of Windows. The body then runs in a thread of its
 * choice, which is what "main thread" means from here on. Call it once.
 *
 * A service that ends by itself with a code other than 0 is started again by the service manager,
 * unless is_final(code) is non-zero: until a person has mended something, it would end the same
 * way.
 *
 * Errors, before the body is run: APR_ENOTIMPL where the system has no such service manager, else
 * what StartServiceCtrlDispatcherW() says, ERROR_FAILED_SERVICE_CONTROLLER_CONNECT if something
 * else started the process.
 */
apr_status_t host_run(int as_service, int (*body)(void *context), int (*is_final)(int code),
                      void *context, int *code);

/*
 * The log that the system keeps for services: the event log of Windows, where debug lines, which
 * are too many for it, are left out; systemd's journal, where standard error is that
 * (sd-daemon(3)); or NULL where standard error is the place. Main thread, within the body of
 * host_run(). Static. The event log is written to by any thread.
 */
const log_sink_t *host_log(void);

/* The configuration file of a service whose command line names none, whether it exists or not:
 * %ProgramData%\udpecho\udpechod.conf on Windows, for the service "udpechod"; NULL where a
 * service's command line names its file, and before host_name_service(). From `pool`; any thread.
 */
const char *host_config_file(apr_pool_t *pool);

/* Returns NULL if only administrators and the system can write that file, which has to exist, and
 * put another in its place; or else why it must not be read, as a sentence that begins with the
 * path of the file or directory. From `pool`; any thread. */
const char *host_config_file_check(apr_pool_t *pool);

/*
 * Returns NULL if a file that holds a secret, which exists, is kept as one: on POSIX it belongs to
 * root or to the user of this process, its group cannot write it, and others can neither write nor
 * read it; on Windows it is as host_config_file_check() wants that file, and nobody else can read
 * it but the user of this process and services. Or else why it is not safe, as a sentence that
 * begins with the path; `refusal` is set if that cannot be found out. From `pool`; any thread.
 * Errors: those of stat(2).
 */
const char *host_secret_file_check(const char *path, apr_status_t *refusal, apr_pool_t *pool);

/* Where the service of a system's packages has its control socket; NULL where there is none, on
 * Windows. Static; any thread. */
const char *host_control_path(void);

typedef struct host host_t;

/*
 * Begins to take requests. Call it from the main thread before any other thread is started, and
 * start those before the first host_wait(): on POSIX it installs handlers for SIGTERM, SIGINT,
 * SIGUSR1 and SIGHUP, which then reach no worker, and ignores SIGPIPE (signal(7)). One host per
 * process. Errors: those of pipe(2), sigaction(2) or the system's equivalent.
 *
 * SIGINT is not handled where the process was started with it ignored, as shells start what is to
 * run in the background. SIGHUP is HOST_RELOAD for a process that `reloads`; for any other it is
 * HOST_STOP, unless it was ignored at the start too: nohup(1).
 */
apr_status_t host_start(host_t **host, int reloads, apr_pool_t *pool);

/*
 * Has a request to end be HOST_LAME_DUCK, which HOST_STOP follows after `duration`, microseconds,
 * at most an hour, or as soon as it is asked again; or HOST_STOP at once again, for 0, as it is at
 * first. Once HOST_LAME_DUCK has come, a change makes no difference. Main thread.
 *
 * On Windows, the end of the system, the session or the console is HOST_STOP at once: Windows waits
 * 5 seconds for it and then ends the process (HandlerRoutine, WaitToKillServiceTimeout).
 */
void host_set_lame_duck(host_t *host, apr_interval_time_t duration);

/* Waits for `duration`, microseconds, before something outside is looked at again, and lets the
 * service manager know that this process lives. Returns 0 if a signal asks for the end, and then
 * sooner; a process that does not serve yet ends by that signal. Main thread. */
int host_pause(apr_interval_time_t duration);

/* Lets the service manager know, whenever it is time to, that this process lives: from within work
 * that is long, gets on and has an end. Costs a look at the clock. Main thread. */
void host_work_on(void);

/*
 * These tell the service manager, if it wants to hear it: that the service serves; that it reads
 * its settings again, and has done so; that it ends, and that this may take `duration`, in
 * microseconds, and some seconds (EXTEND_TIMEOUT_USEC, dwWaitHint). On POSIX this is sd_notify(3),
 * to NOTIFY_SOCKET; Windows wants to hear the first and the last. Main thread.
 *
 * The first tells the process whose sockets were taken over before. Errors: APR_TIMEUP if that
 * waited no longer, those of write(2) if it cannot be told. It then serves on, nobody else is told,
 * and this process has to end.
 */
apr_status_t host_ready(host_t *host);
void host_reloading(host_t *host);
void host_reloaded(host_t *host);
void host_stopping(host_t *host, apr_interval_time_t duration);

/* Tells it in words what the service does, at most 100 bytes, on HOST_LOOK. If `is_alive` is 0 too
 * often, it takes the service for hung and ends it (systemd.service(5), WatchdogSec). Main thread.
 */
void host_tell(host_t *host, const char *status, int is_alive);

/* Waits for the next event. Main thread only. */
host_event_t host_wait(host_t *host);

/* Asks for the end as the user does who sends a signal: host_wait() returns HOST_STOP. Any thread.
 */
void host_stop(host_t *host);

/* Makes host_wait() return HOST_FINISHED. Any thread. */
void host_finish(host_t *host);

#endif
