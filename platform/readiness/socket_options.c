#include "readiness/socket_options.h"

#include <errno.h>
#include <netinet/in.h>

#include "readiness/system.h"

apr_status_t read_option(int descriptor, int level, int option, void *value, socklen_t length)
{
    socklen_t written = length;

    if (getsockopt(descriptor, level, option, value, &written) != 0) {
        return errno;
    }
    return written == length ? APR_SUCCESS : ENOPROTOOPT;
}

int set_option(int descriptor, int level, int option, int value)
{
    return setsockopt(descriptor, level, option, &value, sizeof value);
}

int set_ipv6_only(int descriptor)
{
    return set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1);
}

int report_arrival(int descriptor, int family)
{
    return family == AF_INET6 ? set_option(descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
                              : system_report_arrival_ipv4(descriptor);
}

int set_traffic_class(int descriptor, int family, int traffic_class)
{
    return family == AF_INET6 ? set_option(descriptor, IPPROTO_IPV6, IPV6_TCLASS, traffic_class)
                              : set_option(descriptor, IPPROTO_IP, IP_TOS, traffic_class);
}
