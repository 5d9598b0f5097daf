#ifndef UDPECHO_DETAILS_H
#define UDPECHO_DETAILS_H

/* The further data of each datagram that a listener with `details` reports, and with what its
 * replies leave. Internal to platform/; any thread, one at a time for each socket. */

#include <sys/socket.h>

#include "udpecho/transport.h"

/* Makes a socket that reports the details `before` report `after`, as far as the platform can.
 * With DETAIL_TIMES it sends with the greatest TTL or hop limit from then on. Errors: those of
 * setsockopt(2); `step` then says what failed: static. */
apr_status_t details_change(int descriptor, int family, unsigned before, unsigned after,
                            const platform_t *platform, const char **step);

/* Reads the time of arrival, the drops, the hop limit and the traffic class, as far as control
 * messages tell them; otherwise they stay. */
void details_read(struct msghdr *header, datagram_t *datagram);

/* Adds to the control messages of `header` the datagram's reply_traffic_class, unless that is
 * -1, and the request to report its departure, unless its departure_id is -1; each as far as the
 * platform can. Only for sockets with details. */
void details_write(struct msghdr *header, const datagram_t *datagram, const platform_t *platform);

/* These ask for what their names say, for FEATURE_HOP_LIMIT and FEATURE_TRAFFIC_CLASS. 0, or -1 and
 * errno. */
int report_hop_limit(int descriptor, int family, int on);
int report_traffic_class(int descriptor, int family, int on);

/* ---- What each operating system defines: epoll/ for Linux, kqueue/ for the BSDs and macOS ---- */

/* FEATURE_ARRIVAL_TIME: asks for the time of arrival, by the wall clock. 0, or -1 and errno. */
int system_report_arrival_time(int descriptor, int on);

/* FEATURE_DROP_COUNTER: asks for how many datagrams were dropped before each. 0, or -1 and errno.
 */
int system_report_drops(int descriptor, int on);

/* report_traffic_class() for IPv4. */
int system_report_traffic_class_ipv4(int descriptor, int on);

/* Reads from one control message of `header`, of the levels of sockets and of IPv4, what
 * details_read() tells. */
void system_read_details(const struct msghdr *header, const struct cmsghdr *control,
                         datagram_t *datagram);

/* The traffic class of a message of IPv4. */
void system_write_traffic_class_ipv4(struct msghdr *header, int traffic_class);

/* FEATURE_DEPARTURE_TIME: finds out by a socket of this family that is closed afterwards. 0, or -1
 * and errno. */
int system_ask_departures(int descriptor, int family);

/* Lets messages ask when they leave. Those that do not cost nothing, so it is never taken back. 0,
 * or -1 and errno. */
int system_allow_departures(int descriptor);

/* Has a message ask, by this number. */
void system_write_departure(struct msghdr *header, apr_uint32_t id);

/* Reads up to `most` departures of messages of this socket, DEPARTURES_MAX at most, fewer if no
 * more are known yet; several with one call if is_batched. Other entries of the socket's error
 * queue are discarded. Returns the number read. */
unsigned system_read_departures(int descriptor, departure_t *departures, unsigned most,
                                int is_batched);

#endif
