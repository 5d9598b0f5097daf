#ifndef UDPECHO_FLOW_SYSTEM_H
#define UDPECHO_FLOW_SYSTEM_H

/* What one operating system has for the client's sockets that others have not. Internal to
 * platform/. */

#include <sys/socket.h>

#include "readiness/stamp_clock.h"
#include "udpecho/flows.h"

/* Reads an arrival's time, hop limit and fragments from control messages. `clock` was read after it
 * was received. Returns the length of each of the datagrams, save the last, that the kernel
 * received as one message; 0: it is one datagram. */
apr_size_t arrival_read(struct msghdr *header, arrival_t *arrival, const stamp_clock_t *clock);

/* ---- What each operating system defines: epoll/ for Linux, kqueue/ for the BSDs and macOS ---- */

/* flows_payload_max() for one socket. */
apr_size_t system_payload_max(int descriptor);

/* Keeps datagrams whole, or lets them be fragmented, whatever this host believes of the path's MTU.
 * 0, or -1 and errno: ENOPROTOOPT where the system cannot keep them whole. */
int system_set_fragmenting(int descriptor, int family, int dont_fragment);

/* Asks to be told what fragments an arrival came in. 0, or -1 and errno. */
int system_report_fragments(int descriptor, int family);

/* Asks to be told what the network refused, where sockets that are not connected can be. 0, or -1
 * and errno. */
int system_report_refusals(int descriptor, int family);

/* The size of the largest fragment that an arrival came in, with its IP header, as the control
 * messages of `header` tell it, bytes; 0: it came whole, or that is not known. */
apr_size_t system_read_fragment(struct msghdr *header);

/* flows_is_refusal(), of errno. */
int system_is_refusal(int error);

/* Takes one refusal from the socket, if there is one, into `header` and `arrival`, whose flow and
 * data are set. Returns non-zero if there was one. */
int system_receive_refusal(int descriptor, struct msghdr *header, arrival_t *arrival);

#endif
