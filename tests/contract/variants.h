#ifndef UDPECHO_VARIANTS_H
#define UDPECHO_VARIANTS_H

/* The ways that this platform has to make a transport, or flows; each is held to the same contract.
 */

#include "skip.h"
#include "udpecho/transport.h"

typedef struct variant {
    const char *name;
    /* As transport_open(). APR_ENOTIMPL: this machine has no such thing. */
    apr_status_t (*open)(transport_t **transport, listener_t *const *listeners, unsigned count,
                         unsigned worker, apr_size_t payload_max, apr_pool_t *pool);
    unsigned lacks; /* features that are taken away, as LACKS() of each */
} variant_t;

#define LACKS(feature) (1u << (feature))

/* qemu-user does not translate the control data of these, which hold numbers. */
#if APR_IS_BIGENDIAN
#define QEMU_LACKS                                                                           \
    (LACKS(FEATURE_SEGMENTED_SEND) | LACKS(FEATURE_COALESCED_RECEIVE) |                      \
     LACKS(FEATURE_ARRIVAL_TIME) | LACKS(FEATURE_HOP_LIMIT) | LACKS(FEATURE_TRAFFIC_CLASS) | \
     LACKS(FEATURE_REPLY_TRAFFIC_CLASS) | LACKS(FEATURE_DEPARTURE_TIME))
#else
#define QEMU_LACKS 0u
#endif

static inline void take_away(platform_t *platform, unsigned lacks)
{
    lacks |= is_under_qemu() ? QEMU_LACKS : 0;
    for (feature_t feature = 0; feature < FEATURES; feature++) {
        if (lacks & LACKS(feature)) {
            platform->features[feature].status = APR_ENOTIMPL;
        }
    }
}

extern const variant_t variants[];
extern const unsigned variant_count;

/* Why a reply cannot be told here which address to leave from; NULL where it can. */
const char *no_reply_source_here(void);

typedef struct flows_variant {
    const char *name;
    unsigned lacks; /* features that are taken away, as LACKS() of each */
} flows_variant_t;

extern const flows_variant_t flows_variants[];
extern const unsigned flows_variant_count;

/* Why flows cannot show this here; NULL where they can: when a datagram came whenever it is
 * received; with what hop limit or traffic class; in what fragments; that the network refused one.
 */
const char *no_arrival_time_here(void);
const char *no_hop_limit_here(void);
const char *no_traffic_class_here(void);
const char *no_fragments_here(void);
const char *no_refusals_here(void);

#endif
