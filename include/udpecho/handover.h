#ifndef UDPECHO_HANDOVER_H
#define UDPECHO_HANDOVER_H

/*
 * What one process of the service leaves to the next: sockets that a service manager opened for
 * both or keeps between them, and sockets that the one hands to the other.
 */

#include <apr_network_io.h>
#include <apr_pools.h>
#include <apr_tables.h>

#include "udpecho/datagram.h"

/* The sockets of one listener, on their way from one process to another. */
typedef struct socket_group {
    protocol_t protocol;         /* that is spoken there; goes by its number */
    apr_array_header_t *sockets; /* of apr_os_sock_t, at least one */
} socket_group_t;

/* ---- From the service manager ---- */

/*
 * Appends to `activated`, an array of socket_group_t, each socket that the service manager opened
 * for this process; they are what was decided when the process was started. A socket that it calls
 * by the name of a protocol, protocol_name(), is for that, any other for plain echo. And appends to
 * `kept`, such an array too, the sockets of each listener that it kept from an earlier process, see
 * host_store(). All are the caller's from here on. None is the normal case, and what Windows always
 * says. Returns NULL, or, as a sentence, what is wrong with how they were handed over. Main thread,
 * once, after host_start(), while no other thread uses the environment.
 *
 * systemd and what speaks its protocol: sd_listen_fds_with_names(3), whose variables are taken out
 * of the environment. launchd: launch_activate_socket(3), for the entries "Listeners", "stamp" and
 * "echo-plus" of a job's Sockets; it keeps no others.
 */
const char *host_inherited_sockets(apr_array_header_t *activated, apr_array_header_t *kept,
                                   apr_pool_t *pool);

/* Non-zero if there is a service manager that may keep sockets for the next process of this
 * service: one that listens at NOTIFY_SOCKET. Any thread, after host_start(). */
int host_has_store(void);

/*
 * Has the service manager keep the sockets of the listener at this
 * address and network interface, "" for any, whatever becomes of this process: systemd's file
 * descriptor store, FDSTORE of sd_notify(3), as far as FileDescriptorStoreMax lets it. What it has
 * already stays as it is. Does nothing without a service manager. Main thread, also after
 * sandbox_enter(). Errors: those of sendmsg(2); what the manager makes of it, it does not say.
 */
apr_status_t host_store(const endpoint_t *address, const char *device, const socket_group_t *group);

/* Has it close its copies of the sockets of the listener of this protocol at this address and
 * network interface, if it has any (FDSTOREREMOVE of sd_notify(3)). One that cannot be told keeps
 * them. Main thread, also after sandbox_enter(). */
void host_forget(const endpoint_t *address, const char *device, protocol_t protocol);

/* For a few seconds after host_forget() the manager may not have got round to it, and the address
 * still be in use. Then waits for a moment and returns non-zero; else, and if a signal asks for the
 * end, returns 0 at once. Main thread. */
int host_await_forgetting(void);

/* ---- From process to process ---- */

/*
 * Takes over the sockets of the process that serves with the same `path`: appends those of each of
 * its listeners to `groups`, an array of socket_group_t, and those that take connections to
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

/* Sends `groups` and `streams`, in the form of host_take_over(), to the successor that asked;
 * they stay open here too. Errors: those of accept(2) and sendmsg(2), APR_TIMEUP if it reads too
 * slowly, APR_EINTR if this process was asked to stop; the successor then receives nothing. Main
 * thread, also after sandbox_enter(); `pool` is for temporary memory. */
apr_status_t host_hand_over(const apr_array_header_t *groups, const apr_array_header_t *streams,
                            apr_pool_t *pool);

/* Lets the successor that asked go without the sockets. Main thread, also after sandbox_enter(). */
void host_refuse_successor(void);

#endif
