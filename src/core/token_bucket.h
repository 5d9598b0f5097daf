#ifndef UDPECHO_TOKEN_BUCKET_H
#define UDPECHO_TOKEN_BUCKET_H

/* A rate that all workers keep together, of datagrams or of bytes. */

#include <apr_pools.h>
#include <apr_time.h>

typedef struct token_bucket token_bucket_t;

/* The highest rate, tokens a second. */
#define TOKEN_RATE_MAX APR_INT64_C(1000000000000)

/* The most tokens to take at once, which is more than any datagram costs. */
#define TOKEN_AMOUNT_MAX APR_INT64_C(1000000000)

/* A bucket that is full, holds a second's worth and gains `rate` tokens a second, from 1 to
 * TOKEN_RATE_MAX. Lives as long as `pool`. */
token_bucket_t *token_bucket_create(apr_uint64_t rate, apr_time_t now, apr_pool_t *pool);

/* What one worker has in hand: it takes a millisecond's worth from the bucket at a time, so that
 * workers do not meet there for every datagram. */
typedef struct token_hand {
    token_bucket_t *bucket; /* NULL: no limit */
    apr_uint64_t tokens;
    apr_uint64_t serial; /* of the bucket they came from */
} token_hand_t;

/* Takes from this bucket from now on, NULL: without a limit; tokens of another bucket are
 * discarded. A bucket that was destroyed earlier may have had the same address. */
void token_hand_hold(token_hand_t *hand, token_bucket_t *bucket);

/* token_hand_take() where there is a limit. */
int token_hand_take_limited(token_hand_t *hand, apr_uint64_t amount, apr_time_t now);

/*
 * Takes `amount` tokens, at most TOKEN_AMOUNT_MAX; zero if there are none. What a bucket has not
 * got is owed as long as it has anything at all, so a datagram of more bytes than a second's worth
 * is possible too. In any t seconds all hands together take at most rate * (t + 1) tokens, and for
 * each hand one datagram and a millisecond's worth more. `now` is microseconds of one clock, which
 * threads may have read some time ago. Any thread, each with its own hand.
 */
static inline int token_hand_take(token_hand_t *hand, apr_uint64_t amount, apr_time_t now)
{
    return hand->bucket == NULL || token_hand_take_limited(hand, amount, now);
}

/* Gives back what was taken for a datagram that is not echoed after all. */
void token_hand_return(token_hand_t *hand, apr_uint64_t amount);

#endif
