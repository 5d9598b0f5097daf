/* The details of datagrams by Windows Sockets: options of IPPROTO_IP and IPPROTO_IPV6, and Winsock
 * timestamping. */

#include "iocp/details.h"

#include <string.h>

#include "udpecho/clock.h"

/* The macros for control messages mix signed and unsigned sizes in mingw-w64's headers. */
#pragma GCC diagnostic ignored "-Wsign-conversion"

/* Which shows the other side that nothing on the way has taken from it (RFC 8762 section 4.1.1). */
#define HOP_LIMIT_MAX 255

/* A stamp that is older is none of QueryPerformanceCounter(): an adapter may have a counter of its
 * own. */
#define AGE_MAX_NS ((apr_int64_t)10 * 1000000000)

static int set_option(SOCKET socket, int level, int option, DWORD value)
{
    return setsockopt(socket, level, option, (const char *)&value, sizeof value);
}

int report_arrival_time(SOCKET socket, int on)
{
    TIMESTAMPING_CONFIG config = {.Flags = on ? TIMESTAMPING_FLAG_RX : 0};
    DWORD returned;

    return WSAIoctl(socket, SIO_TIMESTAMPING, &config, sizeof config, NULL, 0, &returned, NULL,
                    NULL);
}

int report_hop_limit(SOCKET socket, int family, int on)
{
    return family == AF_INET6 ? set_option(socket, IPPROTO_IPV6, IPV6_HOPLIMIT, (DWORD)on)
                              : set_option(socket, IPPROTO_IP, IP_HOPLIMIT, (DWORD)on);
}

int report_traffic_class(SOCKET socket, int family, int on)
{
    return family == AF_INET6 ? set_option(socket, IPPROTO_IPV6, IPV6_RECVTCLASS, (DWORD)on)
                              : set_option(socket, IPPROTO_IP, IP_RECVTOS, (DWORD)on);
}

static int set_hop_limit(SOCKET socket, int family)
{
    return family == AF_INET6 ? set_option(socket, IPPROTO_IPV6, IPV6_UNICAST_HOPS, HOP_LIMIT_MAX)
                              : set_option(socket, IPPROTO_IP, IP_TTL, HOP_LIMIT_MAX);
}

static int set_times(SOCKET socket, int family, int on, const platform_t *platform,
                     const char **step)
{
    *step = "ask for the time of arrival";
    if (platform_has(platform, FEATURE_ARRIVAL_TIME) && report_arrival_time(socket, on) != 0) {
        return -1;
    }
    *step = "ask for the hop limit of datagrams";
    if (platform_has(platform, FEATURE_HOP_LIMIT) && report_hop_limit(socket, family, on) != 0) {
        return -1;
    }
    *step = "set the hop limit";
    return on ? set_hop_limit(socket, family) : 0;
}

int details_change(SOCKET socket, int family, unsigned before, unsigned after,
                   const platform_t *platform, const char **step)
{
    if (((before ^ after) & DETAIL_TIMES) != 0 &&
        set_times(socket, family, (after & DETAIL_TIMES) != 0, platform, step) != 0) {
        return -1;
    }
    *step = "ask for the traffic class of datagrams";
    if ((before != 0) != (after != 0) && platform_has(platform, FEATURE_TRAFFIC_CLASS)) {
        return report_traffic_class(socket, family, after != 0);
    }
    return 0;
}

/* A time stamp in ticks: as long ago as the counter says. */
static void read_time(const WSAMSG *message, const WSACMSGHDR *control, datagram_t *datagram)
{
    LARGE_INTEGER frequency;
    LARGE_INTEGER now;
    UINT64 stamp;

    if (!control_message_copy(message, control, &stamp, sizeof stamp)) {
        return;
    }
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&now);
    apr_int64_t age =
        (apr_int64_t)((double)(now.QuadPart - (LONGLONG)stamp) * 1e9 / (double)frequency.QuadPart);

    if (age >= 0 && age < AGE_MAX_NS) {
        datagram->arrived = clock_wall() - age;
    }
}

/* The option of IPv4 is IP_HOPLIMIT; its message has been seen as IP_TTL, under Wine. */
static void read_ip(const WSAMSG *message, const WSACMSGHDR *control, datagram_t *datagram)
{
    int is_ipv4 = control->cmsg_level == IPPROTO_IP;
    INT value;

    if (!control_message_copy(message, control, &value, sizeof value)) {
        return;
    }
    if (is_ipv4 ? control->cmsg_type == IP_TTL || control->cmsg_type == IP_HOPLIMIT
                : control->cmsg_type == IPV6_HOPLIMIT) {
        datagram->hop_limit = value;
    } else if (control->cmsg_type == (is_ipv4 ? IP_TOS : IPV6_TCLASS)) {
        datagram->traffic_class = value;
    }
}

void details_read(WSAMSG *message, datagram_t *datagram)
{
    /* One that is shorter than its own header would have itself as the next. */
    for (WSACMSGHDR *control = WSA_CMSG_FIRSTHDR(message);
         control != NULL && control->cmsg_len >= sizeof *control;
         control = WSA_CMSG_NXTHDR(message, control)) {
        if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SO_TIMESTAMP) {
            read_time(message, control, datagram);
        } else if (control->cmsg_level == IPPROTO_IP || control->cmsg_level == IPPROTO_IPV6) {
            read_ip(message, control, datagram);
        }
    }
}

unsigned transport_departures(const transport_t *transport, const departure_t **departures)
{
    (void)transport;
    *departures = NULL;
    return 0;
}
