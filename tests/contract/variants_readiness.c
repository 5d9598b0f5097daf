/* The readiness transport over each of APR's poll methods, and without what a kernel may lack. */

#include "variants.h"

#include <netinet/in.h>
#include <sys/select.h>

#include "readiness/readiness.h"

static apr_status_t open_over_select(transport_t **transport, listener_t *const *listeners,
                                     unsigned count, unsigned worker, apr_size_t payload_max,
                                     apr_pool_t *pool)
{
    /* One for each listener that there may be, and one to be woken by. APR refuses more than
     * select(2) takes, which is 256 on NetBSD. */
    if (LISTENERS_MAX + 1 > FD_SETSIZE) {
        return APR_ENOTIMPL;
    }
    return readiness_open(transport, listeners, count, worker, payload_max, APR_POLLSET_SELECT,
                          pool);
}

#define POLL    LACKS(FEATURE_POLL_METHOD)
#define RECEIVE LACKS(FEATURE_BATCHED_RECEIVE)
#define SEND    LACKS(FEATURE_BATCHED_SEND)
#define SHARING LACKS(FEATURE_PORT_SHARING)
#define GATHER  LACKS(FEATURE_SEGMENTED_SEND)
#define GRO     LACKS(FEATURE_COALESCED_RECEIVE)
/* Only poll(2) and epoll(7) report a queued departure time. */
#define DEPARTURES LACKS(FEATURE_DEPARTURE_TIME)
#define DETAILS                                                                              \
    (LACKS(FEATURE_ARRIVAL_TIME) | LACKS(FEATURE_HOP_LIMIT) | LACKS(FEATURE_TRAFFIC_CLASS) | \
     LACKS(FEATURE_REPLY_TRAFFIC_CLASS) | DEPARTURES)
#define TIMER LACKS(FEATURE_TIMER)
#define OTHERS \
    (TIMER | LACKS(FEATURE_FRAGMENTING) | LACKS(FEATURE_DROP_COUNTER) | GATHER | GRO | DETAILS)

const variant_t variants[] = {
    {"as the server opens it", transport_open, 0},
    {"one receive to a call", transport_open, RECEIVE},
    {"one send to a call", transport_open, SEND},
    {"one datagram to a call", transport_open, RECEIVE | SEND},
    {"poll", transport_open, POLL},
    {"waits by the millisecond", transport_open, TIMER},
    {"poll, one datagram to a call", transport_open, POLL | RECEIVE | SEND},
    {"select", open_over_select, DEPARTURES},
    {"select, one datagram to a call", open_over_select, RECEIVE | SEND | DEPARTURES},
    {"replies not gathered", transport_open, GATHER},
    {"datagrams not coalesced", transport_open, GRO},
    {"neither gathered nor coalesced", transport_open, GATHER | GRO},
    {"one socket for all", transport_open, SHARING},
    {"nothing that can be missing", transport_open, POLL | RECEIVE | SEND | SHARING | OTHERS},
};

const unsigned variant_count = sizeof variants / sizeof variants[0];

const char *no_reply_source_here(void)
{
    return NULL;
}

const flows_variant_t flows_variants[] = {
    {"as the client opens them", 0},
    {"one receive to a call", RECEIVE},
    {"one send to a call", SEND},
    {"poll", POLL},
    {"sent apart", GATHER},
    {"received apart", GRO},
    {"nothing that can be missing", POLL | RECEIVE | SEND | SHARING | OTHERS},
};

const unsigned flows_variant_count = sizeof flows_variants / sizeof flows_variants[0];

const char *no_arrival_time_here(void)
{
    return is_under_qemu() ? "qemu-user has no SO_TIMESTAMPNS" : NULL;
}

const char *no_hop_limit_here(void)
{
    return NULL;
}

const char *no_traffic_class_here(void)
{
    return APR_IS_BIGENDIAN && is_under_qemu()
               ? "qemu-user does not put the bytes of IPV6_TCLASS in order"
               : NULL;
}

/* Only Linux has these two. */

const char *no_fragments_here(void)
{
#ifdef IP_RECVFRAGSIZE
    return is_under_qemu() ? "qemu-user has no IPV6_DONTFRAG" : NULL;
#else
    return "this system does not tell of fragments";
#endif
}

const char *no_refusals_here(void)
{
#ifdef IP_RECVERR
    return is_under_qemu() ? "qemu-user mistakes the address that refused (IP_RECVERR)" : NULL;
#else
    return "this system tells no socket that is not connected what was refused";
#endif
}
