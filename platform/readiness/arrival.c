/* What the control messages of an arrival tell; IPv4's and the rest are each system's own. */

#include "readiness/flow_system.h"

#include <netinet/in.h>
#include <sys/time.h>

#include "readiness/control_message.h"
#include "readiness/system.h"

/*
 * The kernel stamps a datagram when the network hands it over. The process runs later, by as much
 * as it had to be woken or to deal with others first, and that is no part of a round trip.
 */
static void read_stamp(const struct msghdr *header, const struct cmsghdr *control,
                       arrival_t *arrival, const stamp_clock_t *clock)
{
    struct timeval stamp;

    if (control_message_copy(header, control, &stamp, sizeof stamp)) {
        arrival->at = stamp_clock_time(clock, apr_time_make(stamp.tv_sec, stamp.tv_usec));
        arrival->stamp = apr_time_make(stamp.tv_sec, stamp.tv_usec) * 1000;
    }
}

/* RFC 3542 sections 6.3 and 6.5. */
static void read_ipv6(const struct msghdr *header, const struct cmsghdr *control,
                      arrival_t *arrival)
{
    int value;

    if (!control_message_copy(header, control, &value, sizeof value)) {
        return;
    }
    if (control->cmsg_type == IPV6_HOPLIMIT) {
        arrival->hop_limit = value;
    } else {
        arrival->traffic_class = value;
    }
}

apr_size_t arrival_read(struct msghdr *header, arrival_t *arrival, const stamp_clock_t *clock)
{
    apr_size_t segment = 0;

    arrival->at = clock->now;
    arrival->stamp = 0;
    arrival->hop_limit = -1;
    arrival->traffic_class = -1;
    arrival->fragment = 0;
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL;
         control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMP) {
            read_stamp(header, control, arrival, clock);
        } else if (control->cmsg_level == IPPROTO_IPV6 &&
                   (control->cmsg_type == IPV6_HOPLIMIT || control->cmsg_type == IPV6_TCLASS)) {
            read_ipv6(header, control, arrival);
        } else if (control->cmsg_level == IPPROTO_UDP) {
            system_read_segment(header, control, &segment);
        } else {
            system_read_arrival(header, control, arrival);
        }
    }
    return segment;
}
