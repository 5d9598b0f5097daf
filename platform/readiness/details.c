/* The details of datagrams that are the same everywhere: those of IPv6 (RFC 3542 sections 6.3 and
 * 6.5), and what is asked for when. */

#include "readiness/details.h"

#include <errno.h>
#include <netinet/in.h>

#include "readiness/control_message.h"
#include "readiness/socket_options.h"
#include "readiness/system.h"

/* Which shows the other side that nothing on the way has taken from it (RFC 8762 section 4.1.1). */
#define HOP_LIMIT_MAX 255

int report_hop_limit(int descriptor, int family, int on)
{
    return family == AF_INET6 ? set_option(descriptor, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, on)
                              : set_option(descriptor, IPPROTO_IP, IP_RECVTTL, on);
}

int report_traffic_class(int descriptor, int family, int on)
{
    return family == AF_INET6 ? set_option(descriptor, IPPROTO_IPV6, IPV6_RECVTCLASS, on)
                              : system_report_traffic_class_ipv4(descriptor, on);
}

static int set_hop_limit(int descriptor, int family)
{
    return family == AF_INET6
               ? set_option(descriptor, IPPROTO_IPV6, IPV6_UNICAST_HOPS, HOP_LIMIT_MAX)
               : set_option(descriptor, IPPROTO_IP, IP_TTL, HOP_LIMIT_MAX);
}

static apr_status_t set_times(int descriptor, int family, int on, const platform_t *platform,
                              const char **step)
{
    *step = "ask for the time of arrival";
    if (platform_has(platform, FEATURE_ARRIVAL_TIME) &&
        system_report_arrival_time(descriptor, on) != 0) {
        return errno;
    }
    *step = "ask for the drops before datagrams";
    if (platform_has(platform, FEATURE_DROP_COUNTER) && system_report_drops(descriptor, on) != 0) {
        return errno;
    }
    *step = "ask for the hop limit of datagrams";
    if (platform_has(platform, FEATURE_HOP_LIMIT) &&
        report_hop_limit(descriptor, family, on) != 0) {
        return errno;
    }
    *step = "let replies tell when they leave";
    if (on && platform_has(platform, FEATURE_DEPARTURE_TIME) &&
        system_allow_departures(descriptor) != 0) {
        return errno;
    }
    *step = "set the hop limit";
    return !on || set_hop_limit(descriptor, family) == 0 ? APR_SUCCESS : errno;
}

apr_status_t details_change(int descriptor, int family, unsigned before, unsigned after,
                            const platform_t *platform, const char **step)
{
    apr_status_t status = APR_SUCCESS;

    if ((before ^ after) & DETAIL_TIMES) {
        status = set_times(descriptor, family, (after & DETAIL_TIMES) != 0, platform, step);
    }
    if (status == APR_SUCCESS && (before != 0) != (after != 0) &&
        platform_has(platform, FEATURE_TRAFFIC_CLASS)) {
        *step = "ask for the traffic class of datagrams";
        status = report_traffic_class(descriptor, family, after != 0) == 0 ? APR_SUCCESS : errno;
    }
    return status;
}

static void read_ipv6(const struct msghdr *header, const struct cmsghdr *control,
                      datagram_t *datagram)
{
    int value;

    if (!control_message_copy(header, control, &value, sizeof value)) {
        return;
    }
    if (control->cmsg_type == IPV6_HOPLIMIT) {
        datagram->hop_limit = value;
    } else if (control->cmsg_type == IPV6_TCLASS) {
        datagram->traffic_class = value;
    }
}

void details_read(struct msghdr *header, datagram_t *datagram)
{
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL;
         control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level == IPPROTO_IPV6) {
            read_ipv6(header, control, datagram);
        } else {
            system_read_details(header, control, datagram);
        }
    }
}

static void write_traffic_class(struct msghdr *header, const datagram_t *datagram)
{
    int traffic_class = datagram->reply_traffic_class;

    if (datagram->to.sa.any.sa_family == AF_INET6) {
        control_message_add(header, IPPROTO_IPV6, IPV6_TCLASS, &traffic_class,
                            sizeof traffic_class);
    } else {
        system_write_traffic_class_ipv4(header, traffic_class);
    }
}

void details_write(struct msghdr *header, const datagram_t *datagram, const platform_t *platform)
{
    if (datagram->reply_traffic_class >= 0 && platform_has(platform, FEATURE_REPLY_TRAFFIC_CLASS)) {
        write_traffic_class(header, datagram);
    }
    if (datagram->departure_id >= 0 && platform_has(platform, FEATURE_DEPARTURE_TIME)) {
        system_write_departure(header, (apr_uint32_t)datagram->departure_id);
    }
}
