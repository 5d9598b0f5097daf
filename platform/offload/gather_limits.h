#ifndef UDPECHO_GATHER_LIMITS_H
#define UDPECHO_GATHER_LIMITS_H

/*
 * How long the replies to a peer may be to be gathered into one message. The way to one peer may
 * have a small MTU, or a device that cannot cut messages apart; that must cost no other peer the
 * gathering, and that peer not for longer than it is so. Plain data; one thread.
 */

#include "udpecho/datagram.h"

/* So many runs are sent apart after a refusal before gathering is tried again. */
#define GATHER_RETRY_RUNS 1000

/* A peer whose place another one takes is only refused once more. */
#define GATHER_LIMITS_BITS 8
#define GATHER_LIMITS_MAX  (1U << GATHER_LIMITS_BITS)

typedef struct gather_limit {
    endpoint_t peer; /* of any port */
    apr_size_t segment_max;
    unsigned runs_left; /* until it is forgotten; 0: none is known */
} gather_limit_t;

typedef struct gather_limits {
    apr_size_t segment_max; /* of peers that nothing is known of, bytes; 0: nothing is gathered */
    int has_any;
    gather_limit_t at[GATHER_LIMITS_MAX];
} gather_limits_t;

/* Non-zero if a send may have failed with this error because its replies were gathered: each system
 * has errors of its own for it, see send_error.c of each. */
int gather_limits_may_cause(int error);

/* Non-zero if a run of replies of this length may be begun. */
int gather_limits_allow(gather_limits_t *limits, const endpoint_t *peer, apr_size_t length);

/* Replies of this length to `peer` were refused together, and sent apart. */
void gather_limits_lower(gather_limits_t *limits, const endpoint_t *peer, apr_size_t length);

#endif
