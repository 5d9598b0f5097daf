/*
 * What Windows has of the features. It has sockets that share an address, too, each of them for one
 * processor (WSAIoctl(), SIO_CPU_AFFINITY, Windows 10 version 2004). They are not used: flows come
 * to a processor by the network adapter's hash and queues (RSS), so that a worker may stay idle, as
 * all except one do behind an adapter with one queue, and nothing says who receives for a processor
 * without a socket. One completion port gives every worker of what there is. A reply cannot have a
 * DSCP of its own: IP_TOS is taken without a word and does nothing. Replies are fragmented unless
 * somebody asks otherwise, and nobody is told of datagrams that found a buffer full.
 */

#include "iocp/details.h"

#include <apr_network_io.h>

static const char *const names[FEATURES] = {
    [FEATURE_POLL_METHOD] = "I/O completion port",
    [FEATURE_ARRIVAL_IPV4] = "IP_PKTINFO",
    [FEATURE_ARRIVAL_IPV6] = "IPV6_PKTINFO",
    [FEATURE_BATCHED_RECEIVE] = "GetQueuedCompletionStatusEx",
    [FEATURE_IPV6] = "AF_INET6",
    [FEATURE_IPV6_ONLY] = "IPV6_V6ONLY",
    [FEATURE_SEGMENTED_SEND] = "UDP_SEND_MSG_SIZE",
    [FEATURE_COALESCED_RECEIVE] = "UDP_RECV_MAX_COALESCED_SIZE",
    [FEATURE_ARRIVAL_TIME] = "SIO_TIMESTAMPING",
    [FEATURE_HOP_LIMIT] = "IP_HOPLIMIT",
    [FEATURE_TRAFFIC_CLASS] = "IP_RECVTOS",
};

static apr_status_t status_of(int result)
{
    return result == 0 ? APR_SUCCESS : apr_get_netos_error();
}

static apr_status_t ask_option(SOCKET socket, int level, int option)
{
    DWORD on = 1;

    return status_of(setsockopt(socket, level, option, (const char *)&on, sizeof on));
}

/* Old versions of Windows and Wine do not know the newer calls and options, which is the system's
 * nature and nothing to tell the operator of at each start. */
static apr_status_t status_of_newer(int error)
{
    return error == WSAEOPNOTSUPP || error == WSAEINVAL || error == WSAENOPROTOOPT
               ? APR_ENOTIMPL
               : APR_FROM_OS_ERROR(error);
}

/* Since build 20348. */
static apr_status_t ask_arrival_time(SOCKET socket)
{
    return report_arrival_time(socket, 1) == 0 ? APR_SUCCESS : status_of_newer(WSAGetLastError());
}

/* An option of UDP, since build 19041. */
static apr_status_t ask_udp(SOCKET socket, int option, DWORD value)
{
    int error = call_set(socket, option, value);

    return error == 0 ? APR_SUCCESS : status_of_newer(error);
}

/* For IPv6 only if this host has it. */
static apr_status_t ask_each_family(SOCKET ipv4, SOCKET ipv6,
                                    int (*report)(SOCKET socket, int family, int on))
{
    apr_status_t status = status_of(report(ipv4, AF_INET, 1));

    return status == APR_SUCCESS && ipv6 != INVALID_SOCKET ? status_of(report(ipv6, AF_INET6, 1))
                                                           : status;
}

static apr_status_t ask(feature_t feature, SOCKET ipv4, SOCKET ipv6)
{
    switch (feature) {
    case FEATURE_ARRIVAL_IPV4:
        return ask_option(ipv4, IPPROTO_IP, IP_PKTINFO);
    case FEATURE_ARRIVAL_IPV6:
        return ask_option(ipv6, IPPROTO_IPV6, IPV6_PKTINFO);
    case FEATURE_IPV6_ONLY:
        return ask_option(ipv6, IPPROTO_IPV6, IPV6_V6ONLY);
    case FEATURE_SEGMENTED_SEND: /* no length for all that is sent: each message says its own */
        return ask_udp(ipv4, UDP_SEND_MSG_SIZE, 0);
    case FEATURE_COALESCED_RECEIVE:
        return ask_udp(ipv4, UDP_RECV_MAX_COALESCED_SIZE, PAYLOAD_MAX_IPV6);
    case FEATURE_ARRIVAL_TIME:
        return ask_arrival_time(ipv4);
    case FEATURE_HOP_LIMIT:
        return ask_each_family(ipv4, ipv6, report_hop_limit);
    case FEATURE_TRAFFIC_CLASS:
        return ask_each_family(ipv4, ipv6, report_traffic_class);
    default:
        return APR_SUCCESS; /* calls that this program could not be loaded without */
    }
}

static int is_of_ipv6(feature_t feature)
{
    return feature == FEATURE_ARRIVAL_IPV6 || feature == FEATURE_IPV6_ONLY ||
           feature == FEATURE_IPV6;
}

/* Whether it says nothing of what the system has, but that it is short of something just now. */
static int is_short(apr_status_t status)
{
    int error = APR_TO_OS_ERROR(status);

    return error == WSAENOBUFS || error == WSAEMFILE;
}

static apr_status_t open_socket(SOCKET *opened, int family)
{
    *opened = socket(family, SOCK_DGRAM, IPPROTO_UDP);
    return *opened != INVALID_SOCKET ? APR_SUCCESS : apr_get_netos_error();
}

apr_status_t platform_probe(platform_t *platform, apr_pool_t *pool)
{
    SOCKET ipv4;
    SOCKET ipv6;
    apr_status_t ipv4_status = open_socket(&ipv4, AF_INET);
    apr_status_t ipv6_status = open_socket(&ipv6, AF_INET6);
    apr_status_t result = APR_SUCCESS;

    (void)pool;
    for (feature_t feature = 0; feature < FEATURES; feature++) {
        apr_status_t status = is_of_ipv6(feature)               ? ipv6_status
                              : feature == FEATURE_ARRIVAL_IPV4 ? ipv4_status
                                                                : APR_SUCCESS;

        if (names[feature] == NULL) {
            status = APR_ENOTIMPL;
        } else if (status == APR_SUCCESS) {
            status = ask(feature, ipv4, ipv6);
        }
        platform->features[feature] = (feature_state_t){names[feature], status};
        result = is_short(status) ? status : result;
    }
    closesocket(ipv4);
    closesocket(ipv6);
    return result;
}
