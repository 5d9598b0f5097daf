/* Linux: by which options a socket tells more of each datagram than this server asks for
 * (socket(7), ip(7), ipv6(7), Documentation/networking/timestamping.rst). */

#include "readiness/system.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <linux/in6.h> /* IPV6_RECVFRAGSIZE, which glibc lacks */

#ifndef IPV6_FLOWINFO
#define IPV6_FLOWINFO                                                                             \
    11 /* missing in glibc, and hidden by some kernel headers when they are included with glibc's \
        */
#endif

const report_option_t system_reports[] = {
    {SOL_SOCKET, SO_TIMESTAMPING},
    {SOL_SOCKET, SO_RXQ_OVFL},
    {SOL_SOCKET, SO_WIFI_STATUS},
#ifdef SO_RCVMARK /* since 5.19 */
    {SOL_SOCKET, SO_RCVMARK},
#endif
#ifdef SO_RCVPRIORITY /* since 6.14 */
    {SOL_SOCKET, SO_RCVPRIORITY},
#endif
    {IPPROTO_IP, IP_PKTINFO},
    {IPPROTO_IP, IP_RECVTTL},
    {IPPROTO_IP, IP_RECVTOS},
    {IPPROTO_IP, IP_RECVOPTS},
    {IPPROTO_IP, IP_RETOPTS},
    {IPPROTO_IP, IP_PASSSEC},
    {IPPROTO_IP, IP_RECVORIGDSTADDR},
    {IPPROTO_IP, IP_CHECKSUM},
    {IPPROTO_IP, IP_RECVFRAGSIZE},
    {IPPROTO_IP, IP_RECVERR}, /* which also makes calls fail for what the network refused */
    {IPPROTO_IPV6, IPV6_2292PKTINFO},
    {IPPROTO_IPV6, IPV6_2292HOPLIMIT},
    {IPPROTO_IPV6, IPV6_2292RTHDR},
    {IPPROTO_IPV6, IPV6_2292HOPOPTS},
    {IPPROTO_IPV6, IPV6_2292DSTOPTS},
    {IPPROTO_IPV6, IPV6_FLOWINFO},
    {IPPROTO_IPV6, IPV6_RECVORIGDSTADDR},
    {IPPROTO_IPV6, IPV6_RECVFRAGSIZE},
    {IPPROTO_IPV6, IPV6_RECVERR},
    {IPPROTO_UDP, UDP_SEGMENT}, /* no report; it would cut every reply to this length */
};

const unsigned system_report_count = sizeof system_reports / sizeof system_reports[0];
