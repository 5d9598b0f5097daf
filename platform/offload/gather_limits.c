#include "offload/gather_limits.h"

#include <string.h>

static endpoint_t host_of(const endpoint_t *peer)
{
    endpoint_t host = *peer;

    host.sa.v4.sin_port = 0; /* the same place in both families */
    return host;
}

/* The multiplier is 2^32 divided by the golden ratio (Knuth, The Art of Computer Programming,
 * volume 3, section 6.4). Every bit of the address reaches the highest bits of the product, and
 * no others: the words are in network order. */
static gather_limit_t *place_of(gather_limits_t *limits, const endpoint_t *peer)
{
    apr_uint32_t words[4] = {peer->sa.v4.sin_addr.s_addr};

    if (peer->sa.any.sa_family == AF_INET6) {
        memcpy(words, &peer->sa.v6.sin6_addr, sizeof words);
    }
    apr_uint32_t mixed = (words[0] ^ words[1] ^ words[2] ^ words[3]) * 0x9e3779b1U;

    return &limits->at[mixed >> (32 - GATHER_LIMITS_BITS)];
}

/* What is known of this peer; NULL: nothing. */
static gather_limit_t *find(gather_limits_t *limits, const endpoint_t *peer)
{
    gather_limit_t *limit = place_of(limits, peer);
    endpoint_t host = host_of(peer);

    return limit->runs_left > 0 && endpoint_equal(&limit->peer, &host) ? limit : NULL;
}

int gather_limits_allow(gather_limits_t *limits, const endpoint_t *peer, apr_size_t length)
{
    gather_limit_t *limit = limits->has_any ? find(limits, peer) : NULL;

    if (limit == NULL || length <= limit->segment_max) {
        return length <= limits->segment_max;
    }
    limit->runs_left--;
    return 0;
}

void gather_limits_lower(gather_limits_t *limits, const endpoint_t *peer, apr_size_t length)
{
    const gather_limit_t *known = find(limits, peer);

    if (known == NULL || length <= known->segment_max) {
        *place_of(limits, peer) = (gather_limit_t){
            .peer = host_of(peer), .segment_max = length - 1, .runs_left = GATHER_RETRY_RUNS};
        limits->has_any = 1;
    }
}
