#ifndef UDPECHO_MTU_H
#define UDPECHO_MTU_H

/* The MTU search on a real path: what the prober tells goes into the search, and what the search
 * wants next goes to the probe. One thread. */

#include "client/core/mtu_search.h"
#include "client/output/event.h"

typedef struct mtu {
    mtu_search_t search;
    probe_t *probe;  /* whose datagrams nobody may fragment */
    int is_bounded;  /* by the buffers of this host's sockets, below the largest datagram */
    apr_size_t hint; /* the smallest MTU that the network claimed; 0: none */
    endpoint_t hint_from;
    apr_uint64_t undecided; /* no datagram below this number is tried any more */
    unsigned failures;      /* to send, for another reason than the size, since anything left */
    report_t report;        /* receives the events of this probe */
} mtu_t;

/* A search that asks by `probe`, whose size it sets at once, and by payloads of `room` bytes at
 * most: flows_payload_max(). Lives as long as `pool`. */
mtu_t *mtu_create(probe_t *probe, const endpoint_t *peer, apr_size_t room, apr_pool_t *pool);

/* Non-zero if datagrams of mtu_too_big() bytes that may be fragmented would tell more. */
int mtu_wants_fragments(const mtu_t *mtu);

/* The smallest payload that did not come back whole. */
apr_size_t mtu_too_big(const mtu_t *mtu);

/* What was found. `fragments_returned`: such datagrams were sent, and one came back. */
mtu_result_t mtu_result(const mtu_t *mtu, int fragments_returned, int tells_fragments);

#endif
