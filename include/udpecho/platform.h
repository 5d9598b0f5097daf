#ifndef UDPECHO_PLATFORM_H
#define UDPECHO_PLATFORM_H

/*
 * The features of this system for a UDP service, checked once at the start. Kernels differ, and
 * sandboxes, emulators and containers refuse functions that the kernel has. Code that opens
 * listeners and transports receives the result, so each missing feature is handled in one place.
 */

#include <apr_errno.h>
#include <apr_network_io.h>
#include <apr_pools.h>

/* What a system may lack. What becomes of the service without it is in
 * src/server/observe/feature_table.c. */
typedef enum feature {
    FEATURE_POLL_METHOD,     /* the system's own way to wait for many sockets */
    FEATURE_TIMER,           /* a timer among the sockets: timerfd_create(2) */
    FEATURE_PORT_SHARING,    /* several sockets on a port, flows spread over them */
    FEATURE_ARRIVAL_IPV4,    /* where a datagram arrived, and a reply from there: ip(7) */
    FEATURE_ARRIVAL_IPV6,    /* the same for IPv6: RFC 3542 section 6 */
    FEATURE_BATCHED_RECEIVE, /* several datagrams to a call */
    FEATURE_BATCHED_SEND,
    FEATURE_IPV6,
    FEATURE_IPV6_ONLY,         /* an IPv6 socket that takes no IPv4: RFC 3493 section 5.3 */
    FEATURE_FRAGMENTING,       /* replies that no forged ICMP message can shrink: ip(7) */
    FEATURE_DROP_COUNTER,      /* how many datagrams were dropped before they were received */
    FEATURE_SEGMENTED_SEND,    /* several datagrams to one peer as one message: udp(7), IPPROTO_UDP
                                * socket options of Windows */
    FEATURE_COALESCED_RECEIVE, /* and from one */
    FEATURE_ARRIVAL_TIME,      /* when the kernel took a datagram in: socket(7) */
    FEATURE_HOP_LIMIT,         /* with what TTL or hop limit it came: ip(7), RFC 3542 section 6.3 */
    FEATURE_TRAFFIC_CLASS,     /* with what DSCP and ECN: RFC 3542 section 6.5 */
    FEATURE_REPLY_TRAFFIC_CLASS, /* each reply with its own */
    FEATURE_DEPARTURE_TIME,      /* when a reply left, by a number of ours */
    FEATURES
} feature_t;

typedef struct feature_state {
    const char *by;      /* the system's name for it, "SO_REUSEPORT"; NULL if it has none. Static */
    apr_status_t status; /* APR_SUCCESS: it works. APR_ENOTIMPL: this system never has it. Otherwise
                            the error of the kernel */
} feature_state_t;

typedef struct platform {
    feature_state_t features[FEATURES];
} platform_t;

/* Checks the features, with sockets that are not bound and closed again. `pool` is for temporary
 * memory. Any thread. Errors: the system repeatedly lacked memory or descriptors; the features
 * are then unknown. */
apr_status_t platform_probe(platform_t *platform, apr_pool_t *pool);

/* Non-zero if the feature works. Any thread. */
static inline int platform_has(const platform_t *platform, feature_t feature)
{
    return platform->features[feature].status == APR_SUCCESS;
}

/* Non-zero if a socket that is bound to the wildcard of this family serves it rightly: replies
 * leave from the address that was asked (RFC 1122 section 4.1.3.5), and IPv6 takes no IPv4. Any
 * thread. */
static inline int platform_has_wildcard(const platform_t *platform, int family)
{
    return family == AF_INET6 ? platform_has(platform, FEATURE_ARRIVAL_IPV6) &&
                                    platform_has(platform, FEATURE_IPV6_ONLY)
                              : platform_has(platform, FEATURE_ARRIVAL_IPV4);
}

#endif
