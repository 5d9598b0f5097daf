#ifndef UDPECHO_LOSSES_H
#define UDPECHO_LOSSES_H

/*
 * Which way the datagrams of a session were lost. The sender numbers its requests from 0 on without
 * gaps, and the peer numbers its replies. Between two replies, as many requests were lost as the
 * sender's number grew by more than the peer's, and as many replies as the peer's number grew by
 * more than there came. What was sent after the last request that is known to be answered may have
 * been lost either way.
 *
 * A peer that counts from 0 again, because it forgot the session, begins another stretch: what was
 * lost between two stretches may have been lost either way too. Plain data, all zero at the start.
 */

#include <apr.h>

/* What a reply says of that. */
typedef struct reply_number {
    apr_uint32_t number;      /* of its request */
    apr_uint32_t peer_number; /* the peer's own, of this reply, from 0 on */
    apr_uint32_t failures;    /* requests that the peer got and did not answer, as it counts them;
                               * 0 where it does not */
    int is_shared;        /* the peer numbers its replies to all senders together, not to each */
    int is_repeated;      /* its request was answered before ... */
    apr_uint32_t repeats; /* ... by the peer's reply of this number */
} reply_number_t;

/* From the first reply of a peer that counts to the last. */
typedef struct stretch {
    int has_begun;
    apr_uint32_t first, highest;           /* numbers of requests */
    apr_uint32_t peer_first, peer_highest; /* of replies */
    apr_uint64_t seen; /* bit n: the reply came whose number is n below the highest */
    apr_uint32_t failures_first, failures;
    apr_uint64_t received; /* replies, those that came twice once */
    apr_uint64_t copies;   /* of these, those to a request that was answered before */
} stretch_t;

typedef struct loss_counts {
    apr_uint64_t forward;  /* requests lost */
    apr_uint64_t backward; /* replies lost */
    apr_uint64_t peer;     /* requests that the peer says it did not answer */
    int differs;           /* the two numbers did at least once: the peer counts, and does not just
                            * send the sender's number back */
    int is_disturbed;      /* the peer sent more replies than it was sent requests by this sender:
                            * others ask it as well, and the counts mean nothing */
} loss_counts_t;

typedef struct losses {
    stretch_t stretch;     /* the present one */
    loss_counts_t earlier; /* of all before it */
    unsigned restarts;     /* how many there were */
} losses_t;

/* Counts a reply. */
void losses_add(losses_t *losses, const reply_number_t *reply);

/* What is known to be lost so far. While replies are under way, they may count as lost. */
loss_counts_t losses_count(const losses_t *losses);

#endif
