#ifndef UDPECHO_ECHO_PLUS_H
#define UDPECHO_ECHO_PLUS_H

/*
 * The server of UDPEchoPlus (Broadband Forum TR-143): a request of 20 bytes or more is echoed with
 * numbers and times of the server in it; a shorter one is plain echo. Times are microseconds of the
 * wall clock modulo 2^32, and only differences of them mean anything.
 */

#include "core/service.h"
#include "udpecho/datagram.h"

/* Non-zero if it is long enough to be numbered. */
int echo_plus_is_numbered(const datagram_t *datagram);

/* Non-zero if a request has in it what a server writes. Its sender may be one. */
int echo_plus_is_reply(const datagram_t *request);

/* Numbers the reply in place, by what `datagram->service` counted. */
void echo_plus_answer(datagram_t *datagram);

/* Writes its times. `wall_clock` tells nanoseconds since 1970 UTC. */
void echo_plus_finish(datagram_t *datagram, apr_int64_t (*wall_clock)(void));

#endif
