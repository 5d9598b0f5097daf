#ifndef UDPECHO_NOTIFY_H
#define UDPECHO_NOTIFY_H

/* What a service manager that speaks systemd's protocol is told: sd_notify(3) without its library,
 * by a socket that is opened before the sandbox. Internal to platform/os/posix; main thread only.
 */

#include <apr_errno.h>
#include <apr_time.h>

/* Connects to the socket that NOTIFY_SOCKET names, if there is one, and takes the variables of the
 * protocol out of the environment. One that cannot be reached is as good as none. */
void notify_open(void);

/* The maximum wait, milliseconds, for a manager that reads nothing; and for one that would end
 * the service without a READY=1. After a wait that failed, only the latter waits until there is
 * room again. */
#define NOTIFY_PATIENCE_MS 500
#define NOTIFY_READY_MS    5000

/* Sends READY=1, now or before the next assignments that can be sent: a manager that does not hear
 * it ends the service. */
void notify_ready(void);

/* Sends assignments, lines of NAME=VALUE, if somebody wants to hear them. What the manager has no
 * room for is lost. */
void notify_send(const char *assignments);

/* Tells the watchdog, if there is one and it is time to, that this process lives: from within a
 * wait, or work, that is longer than it has patience, and that has an end. */
void notify_alive(void);

/* Non-zero if somebody wants to hear them. */
int notify_is_open(void);

/* Sends them with descriptors, if somebody wants to hear them. Errors: APR_TIMEUP, those of
 * descriptors_send(). */
apr_status_t notify_send_descriptors(const char *assignments, const int *descriptors,
                                     unsigned count);

/* How often it should hear of the service, microseconds: several times before the watchdog
 * loses its patience (sd_watchdog_enabled(3)), or every few seconds without one. 0: nobody wants to
 * hear it. */
apr_interval_time_t notify_interval(void);

#endif
