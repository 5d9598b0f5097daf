#ifndef UDPECHO_NOTIFY_H
#define UDPECHO_NOTIFY_H

/* What a service manager that speaks systemd's protocol is told: sd_notify(3) without its library,
 * by a socket that is opened before the sandbox. Internal to platform/posix; main thread only. */

#include <apr_errno.h>
#include <apr_time.h>

/* Connects to the socket that NOTIFY_SOCKET names, if there is one, and takes the variables of the
 * protocol out of the environment. One that cannot be reached is as good as none. */
void notify_open(void);

/* Sends assignments, lines of NAME=VALUE, if somebody wants to hear them. */
void notify_send(const char *assignments);

/* Non-zero if somebody wants to hear them. */
int notify_is_open(void);

/* Sends them with descriptors, if somebody wants to hear them. Errors: those of
 * descriptors_send(). */
apr_status_t notify_send_descriptors(const char *assignments, const int *descriptors,
                                     unsigned count);

/* How often it should hear how the service fares, microseconds: several times before the watchdog
 * loses its patience (sd_watchdog_enabled(3)), or every few seconds without one. 0: nobody wants to
 * hear it. */
apr_interval_time_t notify_interval(void);

#endif
