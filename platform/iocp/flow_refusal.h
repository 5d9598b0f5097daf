#ifndef UDPECHO_FLOW_REFUSAL_H
#define UDPECHO_FLOW_REFUSAL_H

/* The errors by which Windows tells, of any call on a socket, that the network refused one of its
 * datagrams. Internal to platform/iocp. */

#include <winsock2.h>
#include <ws2tcpip.h>

static inline int is_refusal(int error)
{
    return error == WSAECONNRESET || error == WSAENETRESET;
}

#endif
