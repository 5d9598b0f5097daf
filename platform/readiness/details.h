#ifndef UDPECHO_DETAILS_H
#define UDPECHO_DETAILS_H

/* What a listener with `details` is told of each datagram besides, and what its replies leave with.
 * Internal to platform/; any thread, one at a time for each socket. */

#include <sys/socket.h>

#include "udpecho/transport.h"

/* Has a socket that tells what the details `before` ask for tell what `after` does, as far as the
 * platform has it. What has DETAIL_TIMES sends with the greatest TTL or hop limit from then on.
 * Errors: those of setsockopt(2); `step` then says what failed: static. */
apr_status_t details_change(int descriptor, int family, unsigned before, unsigned after,
                            const platform_t *platform, const char **step);

/* Reads the time of arrival, the hop limit and the traffic class, as far as control messages tell
 * them; else they stay. */
void details_read(struct msghdr *header, datagram_t *datagram);

/* Adds to the control messages of `header` that it leaves with the datagram's reply_traffic_class,
 * unless that is -1. With FEATURE_REPLY_TRAFFIC_CLASS only. */
void details_write(struct msghdr *header, const datagram_t *datagram);

/* These ask for what their names say, for FEATURE_HOP_LIMIT and FEATURE_TRAFFIC_CLASS. 0, or -1 and
 * errno. */
int report_hop_limit(int descriptor, int family, int on);
int report_traffic_class(int descriptor, int family, int on);

/* ---- What each operating system defines: epoll/ for Linux, kqueue/ for the BSDs and macOS ---- */

/* FEATURE_ARRIVAL_TIME: asks for the time of arrival, by the wall clock. 0, or -1 and errno. */
int system_report_arrival_time(int descriptor, int on);

/* report_traffic_class() for IPv4. */
int system_report_traffic_class_ipv4(int descriptor, int on);

/* Reads from one control message of `header`, of the levels of sockets and of IPv4, what
 * details_read() tells. */
void system_read_details(const struct msghdr *header, const struct cmsghdr *control,
                         datagram_t *datagram);

/* details_write() for IPv4. */
void system_write_traffic_class_ipv4(struct msghdr *header, int traffic_class);

#endif
