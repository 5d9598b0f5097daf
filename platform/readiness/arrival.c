/* What the control messages of an arrival tell: the same as of a datagram of a listener, and what
 * fragments it came in. */

#include "readiness/control_message.h"
#include "readiness/details.h"
#include "readiness/flow_system.h"

/*
 * The kernel stamps a datagram when the network hands it over. The process runs later, by as much
 * as it had to be woken or to deal with others first, and that is no part of a round trip.
 */
apr_size_t arrival_read(struct msghdr *header, arrival_t *arrival, const stamp_clock_t *clock)
{
    datagram_t datagram = {.hop_limit = -1, .traffic_class = -1};
    apr_size_t segment = control_messages_read(header, &datagram);

    details_read(header, &datagram);
    arrival->at =
        datagram.arrived != 0 ? stamp_clock_time(clock, datagram.arrived / 1000) : clock->now;
    arrival->stamp = datagram.arrived;
    arrival->hop_limit = datagram.hop_limit;
    arrival->traffic_class = datagram.traffic_class;
    arrival->fragment = system_read_fragment(header);
    return segment;
}
