#include "iocp/iocp.h"

send_error_t send_error_kind(int error)
{
    switch (error) {
    case WSAEWOULDBLOCK:
        return SEND_EAGAIN;
    case WSAENOBUFS:
    case WSA_NOT_ENOUGH_MEMORY:
        return SEND_ENOBUFS;
    case WSAEACCES:
        return SEND_EPERM;
    case WSAEHOSTUNREACH:
    case WSAEHOSTDOWN:
        return SEND_EHOSTUNREACH;
    case WSAENETUNREACH:
    case WSAENETDOWN:
        return SEND_ENETUNREACH;
    case WSAEMSGSIZE:
        return SEND_EMSGSIZE;
    case WSAEINVAL:
    case WSAEADDRNOTAVAIL: /* port 0 */
        return SEND_EINVAL;
    case WSAECONNREFUSED:
    case WSAECONNRESET:
        return SEND_ECONNREFUSED;
    default:
        return SEND_OTHER;
    }
}

/* A length that does not fit the MTU (IPPROTO_UDP socket options, UDP_SEND_MSG_SIZE), or a system
 * that took the option at the start and yet does not know the control message. */
int gather_limits_may_cause(int error)
{
    return error == WSAEMSGSIZE || error == WSAEINVAL || error == WSAENOPROTOOPT ||
           error == WSAEOPNOTSUPP;
}
