#include "token_bucket.h"

#include <stdatomic.h>

/* One word: the number of tokens ever given, counted as if the bucket had never run over. It is
 * compared with those ever gained; both run over, and what is read of them is their difference. */
struct token_bucket {
    apr_uint64_t rate;
    apr_time_t start;
    _Atomic apr_uint64_t given;
};

token_bucket_t *token_bucket_create(apr_uint64_t rate, apr_time_t now, apr_pool_t *pool)
{
    token_bucket_t *bucket = apr_pcalloc(pool, sizeof *bucket);

    bucket->rate = rate;
    bucket->start = now;
    return bucket;
}

static apr_uint64_t gained(const token_bucket_t *bucket, apr_time_t now)
{
    apr_uint64_t elapsed = (apr_uint64_t)(now - bucket->start);

    return elapsed / APR_USEC_PER_SEC * bucket->rate +
           elapsed % APR_USEC_PER_SEC * bucket->rate / APR_USEC_PER_SEC;
}

static int take(token_bucket_t *bucket, apr_uint64_t amount, apr_time_t now)
{
    apr_uint64_t gains = gained(bucket, now);
    apr_uint64_t given = atomic_load_explicit(&bucket->given, memory_order_relaxed);
    apr_uint64_t from;

    do {
        apr_int64_t missing = (apr_int64_t)(given - gains);

        if (missing >= (apr_int64_t)bucket->rate) {
            return 0;
        }
        from = missing > 0 ? given : gains; /* what would not fit into the bucket is lost */
    } while (!atomic_compare_exchange_weak_explicit(&bucket->given, &given, from + amount,
                                                    memory_order_relaxed, memory_order_relaxed));
    return 1;
}

void token_hand_hold(token_hand_t *hand, token_bucket_t *bucket)
{
    if (hand->bucket != bucket) {
        *hand = (token_hand_t){.bucket = bucket};
    }
}

int token_hand_take(token_hand_t *hand, apr_uint64_t amount, apr_time_t now)
{
    if (hand->bucket == NULL) {
        return 1;
    }
    if (hand->tokens < amount) {
        apr_uint64_t wanted = amount - hand->tokens + hand->bucket->rate / 1000;

        if (!take(hand->bucket, wanted, now)) {
            return 0;
        }
        hand->tokens += wanted;
    }
    hand->tokens -= amount;
    return 1;
}

void token_hand_return(token_hand_t *hand, apr_uint64_t amount)
{
    if (hand->bucket != NULL) {
        hand->tokens += amount;
    }
}
