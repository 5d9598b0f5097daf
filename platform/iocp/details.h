#ifndef UDPECHO_IOCP_DETAILS_H
#define UDPECHO_IOCP_DETAILS_H

/* The further data of each datagram that a listener with `details` reports, on Windows. Internal
 * to platform/iocp. */

#include "iocp/iocp.h"

/* Windows 10 build 20348 and later have these, and the headers only for programs that run nowhere
 * else. */
#ifndef SIO_TIMESTAMPING
#define SIO_TIMESTAMPING     _WSAIOW(IOC_VENDOR, 235)
#define TIMESTAMPING_FLAG_RX 0x1
#define SO_TIMESTAMP         0x300A

typedef struct timestamping_config {
    ULONG Flags;
    USHORT TxTimestampsBuffered;
} TIMESTAMPING_CONFIG;
#endif

/* Makes a socket that reports the details `before` report `after`, as far as the platform can.
 * With DETAIL_TIMES it sends with the greatest TTL or hop limit from then on. 0, or -1 and the
 * error of setsockopt() or WSAIoctl(); `step` then says what failed: static. Main thread. */
int details_change(SOCKET socket, int family, unsigned before, unsigned after,
                   const platform_t *platform, const char **step);

/* Reads the time of arrival, the hop limit and the traffic class as far as control messages tell
 * them; otherwise they stay. Any thread. */
void details_read(WSAMSG *message, datagram_t *datagram);

/* These ask for what their names say: FEATURE_ARRIVAL_TIME, FEATURE_HOP_LIMIT,
 * FEATURE_TRAFFIC_CLASS. 0, or -1 and the error. */
int report_arrival_time(SOCKET socket, int on);
int report_hop_limit(SOCKET socket, int family, int on);
int report_traffic_class(SOCKET socket, int family, int on);

#endif
