#ifndef UDPECHO_SOCKET_OPTIONS_H
#define UDPECHO_SOCKET_OPTIONS_H

/* Options of sockets, and those that are the same everywhere. Internal to platform/. */

#include <apr_errno.h>
#include <sys/socket.h>

/* Reads a socket option of `length` bytes. On error errno; ENOPROTOOPT if the system wrote less
 * than requested, as emulators do that know the option but not all its fields. */
apr_status_t read_option(int descriptor, int level, int option, void *value, socklen_t length);

/* Sets a socket option that is an int. 0, or -1 and errno. */
int set_option(int descriptor, int level, int option, int value);

/* These ask for what their names say. 0, or -1 and errno. */
int set_ipv6_only(int descriptor);
int report_arrival(int descriptor, int family);

/* The traffic class of all that the socket sends: DSCP and ECN. 0, or -1 and errno. */
int set_traffic_class(int descriptor, int family, int traffic_class);

#endif
