#ifndef UDPECHO_HOST_H
#define UDPECHO_HOST_H

/*
 * How this operating system runs a daemon: what it asks of the process, and what the process may
 * know of the machine.
 */

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "udpecho/datagram.h"
#include "udpecho/log_sink.h"

/*
 * Where this process was started without standard input, output or error, opens something in their
 * place that can neither be read nor written, with the error of what is closed, so that no socket
 * gets the number of one of them and what is written there. The first thing in main(). Errors:
 * those of pipe(2); standard error may then be closed.
 */
apr_status_t host_fill_standard_files(void);

/* From here on, to write to somebody who has hung up, or to a file at the limit of its size, is an
 * error, EPIPE or EFBIG, and does not end the process: SIGPIPE and SIGXFSZ of signal(7), which
 * Windows has not. Any thread. */
void host_ignore_hang_ups(void);

/* Binds a TCP socket that is to listen, to a port that is nobody else's: connections of the process
 * before, which linger for a minute, do not keep it (SO_REUSEADDR of socket(7), and on Windows,
 * where that would let others have the port too, SO_EXCLUSIVEADDRUSE). Any thread. Errors: those of
 * bind(2). */
apr_status_t host_bind_stream(apr_socket_t *socket, apr_sockaddr_t *address);

typedef enum host_event {
    HOST_STOP,        /* drain and end; from here on, asking again ends the process at once */
    HOST_REPORT,      /* log the counters */
    HOST_RELOAD,      /* read the settings again */
    HOST_HAND_OVER,   /* a successor asks for the sockets: host_hand_over() */
    HOST_HANDED_OVER, /* it serves with them; drain and end */
    HOST_KEPT,        /* it went away without; serve on */
    HOST_GAVE_UP,     /* it took too long; serve on */
    HOST_LOOK,        /* tell the service manager how the service fares: host_tell() */
    HOST_FINISHED     /* host_finish() was called */
} host_event_t;

/*
 * Runs body(context) and sets `code` to what it returns, for main() to return in turn. With
 * `as_service`, the process must have been started by a service manager that wants to hear how the
 * service fares: the service control manager of Windows. The body then runs in a thread of its
 * choice, which is what "main thread" means from here on. Call it once.
 *
 * Errors, before the body is run: APR_ENOTIMPL where the system has no such service manager, else
 * what StartServiceCtrlDispatcherW() says, ERROR_FAILED_SERVICE_CONTROLLER_CONNECT if something
 * else started the process.
 */
apr_status_t host_run(int as_service, int (*body)(void *context), void *context, int *code);

/*
 * The log that the system keeps for services: the event log of Windows, where debug lines, which
 * are too many for it, are left out; systemd's journal, where standard error is that
 * (sd-daemon(3)); or NULL where standard error is the place. Main thread, within the body of
 * host_run(). Static.
 */
const log_sink_t *host_log(void);

/* The configuration file of a service whose command line names none, whether it exists or not:
 * %ProgramData%\udpecho\udpechod.conf on Windows; NULL where a service's command line names its
 * file. From `pool`; any thread. */
const char *host_config_file(apr_pool_t *pool);

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
 * Appends to `sockets`, an array of apr_os_sock_t, those that the service manager opened for this
 * process; whoever started the process decided what they are. And appends to `groups`, an array of
 * apr_array_header_t *, an array of apr_os_sock_t for each listener whose sockets it kept from an
 * earlier process, see host_store(). All are the caller's from here on. None is the normal case,
 * and what Windows always says. Returns NULL, or, as a sentence, what is wrong with how they were
 * handed over. Main thread, once, after host_start(), while no other thread uses the environment.
 *
 * systemd and what speaks its protocol: sd_listen_fds(3), whose variables are taken out of the
 * environment. launchd: launch_activate_socket(3), for the entry "Listeners" of a job's Sockets; it
 * keeps no others.
 */
const char *host_inherited_sockets(apr_array_header_t *sockets, apr_array_header_t *groups,
                                   apr_pool_t *pool);

/* Non-zero if there is a service manager that may keep sockets for the next process of this
 * service: one that listens at NOTIFY_SOCKET. Any thread, after host_start(). */
int host_has_store(void);

/*
 * Has the service manager keep the sockets, an array of apr_os_sock_t, of the listener at this
 * address and network interface, "" for any, whatever becomes of this process: systemd's file
 * descriptor store, FDSTORE of sd_notify(3), as far as FileDescriptorStoreMax lets it. What it has
 * already stays as it is. Does nothing without a service manager. Main thread, also after
 * sandbox_enter(). Errors: those of sendmsg(2); what the manager makes of it, it does not say.
 */
apr_status_t host_store(const endpoint_t *address, const char *device,
                        const apr_array_header_t *sockets);

/* Has it close its copies of the sockets of the listener at this address, if it has any
 * (FDSTOREREMOVE). Main thread, also after sandbox_enter(). */
void host_forget(const endpoint_t *address, const char *device);

/* For a few seconds after host_forget() the manager may not have got round to it, and the address
 * still be in use. Then waits for a moment and returns non-zero; else, and if a signal asks for the
 * end, returns 0 at once. Main thread. */
int host_await_forgetting(void);

/* Waits for `duration`, microseconds, before something outside is looked at again, and lets the
 * service manager know that this process lives. Returns 0 if a signal asks for the end, and then
 * sooner; a process that does not serve yet ends by that signal. Main thread. */
int host_pause(apr_interval_time_t duration);

/* Lets the service manager know, whenever it is time to, that this process lives: from within work
 * that is long, gets on and has an end. Costs a look at the clock. Main thread. */
void host_work_on(void);

/*
 * Makes way for a socket at `path`: removes the one that a process left there which listens no
 * more. Whatever else is there stays, what another process listens at, files, symbolic links. On
 * error `step` is what failed: static. Any thread. Errors: APR_EEXIST for what stays, those of
 * lstat(2), socket(2), connect(2) and unlink(2); APR_ENOTIMPL on Windows.
 */
apr_status_t host_clear_path(const char *path, const char **step);

/*
 * Takes over the sockets of the process that serves with the same `path`: appends those of its
 * listeners to `groups`, as host_inherited_sockets() does, and those that take connections to
 * `streams`, an array of apr_os_sock_t; all are the caller's from here on. That process goes on
 * until host_ready(), then drains and ends; if this one ends before, it notices nothing, and it
 * waits ten seconds at most. If nobody serves with it, makes a socket at `path` for successors,
 * which only this user and root may use, and appends nothing. Either way HOST_HAND_OVER comes from
 * then on. What `path` names stays when the process ends, and is replaced by the next. A signal
 * that asks for the end ends the process. On error `step` is what failed: static. Main thread,
 * once, before sandbox_enter(). unix(7), SCM_RIGHTS.
 *
 * Errors: APR_TIMEUP and APR_EOF if that process hands over nothing, those of connect(2), bind(2)
 * and recvmsg(2), and of host_clear_path(); APR_ENOTIMPL on Windows.
 */
apr_status_t host_take_over(apr_array_header_t *groups, apr_array_header_t *streams,
                            const char *path, const char **step, apr_pool_t *pool);

/* Sends `groups` and `streams`, as host_take_over() has them, to the successor that asked; they
 * stay open here too. Errors: those of accept(2) and sendmsg(2), APR_TIMEUP if it reads too slowly,
 * APR_EINTR if this process was asked to end meanwhile; then the successor gets nothing. Main
 * thread, also after sandbox_enter(); `pool` is only used within. */
apr_status_t host_hand_over(const apr_array_header_t *groups, const apr_array_header_t *streams,
                            apr_pool_t *pool);

/* Lets the successor that asked go without the sockets. Main thread, also after sandbox_enter(). */
void host_refuse_successor(void);

/*
 * These tell the service manager, if it wants to hear it: that the service serves; that it reads
 * its settings again, and has done so; that it ends. On POSIX this is sd_notify(3), to
 * NOTIFY_SOCKET; Windows wants to hear the first. Main thread.
 *
 * The first tells the process whose sockets were taken over before. Errors: APR_TIMEUP if that
 * waited no longer, those of write(2) if it cannot be told. It then serves on, nobody else is told,
 * and this process has to end.
 */
apr_status_t host_ready(host_t *host);
void host_reloading(host_t *host);
void host_reloaded(host_t *host);
void host_stopping(host_t *host);

/* Tells it in words how the service fares, at most 100 bytes, on HOST_LOOK. If `is_alive` is 0 too
 * often, it takes the service for hung and ends it (systemd.service(5), WatchdogSec). Main thread.
 */
void host_tell(host_t *host, const char *status, int is_alive);

/* Waits for the next event. Main thread only. */
host_event_t host_wait(host_t *host);

/* Makes host_wait() return HOST_FINISHED. Any thread. */
void host_finish(host_t *host);

/* An address of this host. */
typedef struct host_address {
    endpoint_t address;         /* port 0; with its scope if it is link-local (RFC 4007) */
    struct in_addr broadcast;   /* that of its network; INADDR_ANY: it has none, as in IPv6 */
    unsigned network_interface; /* the index of its network interface */
} host_address_t;

/*
 * Sets `addresses` to an array of host_address_t: every IPv4 and IPv6 address of this host as it
 * is now, the loopback's included, also on interfaces that are down, in no order. It shows the
 * network namespace of the process, which a socket that was handed over need not be from.
 *
 * The broadcast address is the last one of the network (RFC 919 section 7), whatever else may be
 * configured, and a network of fewer than four addresses has none (RFC 3021): there are hosts where
 * the one configured for a /32 is the host's own address.
 *
 * Main thread, also after sandbox_enter() if it was called before; memory from `pool`. Errors:
 * those of getifaddrs(3), of a netlink(7) socket or of GetAdaptersAddresses().
 */
apr_status_t host_addresses(apr_array_header_t **addresses, apr_pool_t *pool);

/* Writes the name of a network interface, cut to `size` bytes. Returns 0 if it is not known, as are
 * on POSIX those that came up after sandbox_enter(). Any thread. */
int host_interface_name(char *name, apr_size_t size, unsigned network_interface);

/* How many processors this process may run on, at least 1: on Linux no more than its control groups
 * leave it the time of, rounded up (sched_getaffinity(2), cgroups(7)). Any thread. */
unsigned host_processors(void);

/* Binds the calling thread to one of the processors that the process may run on, the `number`-th of
 * them, counted from 0 and again from the first after the last. Errors: APR_ENOTIMPL where systems
 * have no such thing, else those of pthread_setaffinity_np(3) or SetThreadAffinityMask(). */
apr_status_t host_pin(unsigned number);

/* The name and version of this operating system and its machine, as uname(3) has them: "Linux 6.1.0
 * x86_64". From `pool`; any thread. */
const char *host_system(apr_pool_t *pool);

/* The system's number for the calling thread, as its debuggers and tools show it. Any thread. */
apr_uint64_t host_thread_id(void);

/* Microseconds since an arbitrary moment; never goes back, whatever becomes of the wall clock
 * (clock_gettime(2), CLOCK_MONOTONIC). Any thread. */
apr_time_t clock_now(void);

/* Does nothing for this time, or a little longer; less where the process is stopped and continued
 * meanwhile, or a signal comes in. It makes no call that anything else is waited for by, whose
 * failure may be why there is a pause: clock_nanosleep(2) on Linux. Any thread. */
void clock_pause(apr_interval_time_t time);

#endif
