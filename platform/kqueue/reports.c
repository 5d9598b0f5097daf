/* FreeBSD, NetBSD, OpenBSD, DragonFly and macOS: by which options a socket tells more of each
 * datagram than this server asks for (ip(4), ip6(4), setsockopt(2)); each system has some of them.
 */

#include "readiness/system.h"

#include <netinet/in.h>

const report_option_t system_reports[] = {
#ifdef SO_TIMESTAMP_MONOTONIC
    {SOL_SOCKET, SO_TIMESTAMP_MONOTONIC},
#endif
#ifdef IP_RECVDSTADDR
    {IPPROTO_IP, IP_RECVDSTADDR},
#endif
#ifdef IP_RECVPKTINFO
    {IPPROTO_IP, IP_RECVPKTINFO},
#endif
#ifdef IP_RECVTTL
    {IPPROTO_IP, IP_RECVTTL},
#endif
#ifdef IP_RECVTOS
    {IPPROTO_IP, IP_RECVTOS},
#endif
#ifdef IP_RECVIF
    {IPPROTO_IP, IP_RECVIF},
#endif
#ifdef IP_RECVOPTS
    {IPPROTO_IP, IP_RECVOPTS},
#endif
#ifdef IP_RECVRETOPTS
    {IPPROTO_IP, IP_RECVRETOPTS},
#endif
};

const unsigned system_report_count = sizeof system_reports / sizeof system_reports[0];
