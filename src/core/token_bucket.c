#include "core/token_bucket.h"

#include <assert.h>
#include <stdatomic.h>

#define NANOSECONDS APR_UINT64_C(1000000000)

/* One word that workers change without a lock: when the bucket will be full again if nothing more
 * is taken, in nanoseconds after its start. What is missing from it is how far that time lies
 * ahead; a second is all that it holds. Nanoseconds last for 292 years, whatever the rate. */
struct token_bucket {
    apr_uint64_t serial;
    apr_uint64_t rate;
    apr_time_t start;
    _Atomic apr_int64_t full_at;
};

token_bucket_t *token_bucket_create(apr_uint64_t rate, apr_time_t now, apr_pool_t *pool)
{
    static _Atomic apr_uint64_t created;
    token_bucket_t *bucket = apr_pcalloc(pool, sizeof *bucket);

    assert(rate >= 1 && rate <= TOKEN_RATE_MAX);
    bucket->serial = atomic_fetch_add(&created, 1) + 1;
    bucket->rate = rate;
    bucket->start = now;
    return bucket;
}

/* A worker may have read its clock before the bucket was made. */
static apr_int64_t clock_at(const token_bucket_t *bucket, apr_time_t now)
{
    return now > bucket->start ? (now - bucket->start) * 1000 : 0;
}

/* How long the bucket takes to gain `amount`. A worker takes at least a millisecond's allowance,
 * so rounding up costs less than a millionth of the rate. */
static apr_int64_t time_to_gain(const token_bucket_t *bucket, apr_uint64_t amount)
{
    return (apr_int64_t)((amount * NANOSECONDS + bucket->rate - 1) / bucket->rate);
}

static int take(token_bucket_t *bucket, apr_uint64_t amount, apr_time_t now)
{
    apr_int64_t clock = clock_at(bucket, now);
    apr_int64_t cost = time_to_gain(bucket, amount);
    apr_int64_t full_at = atomic_load_explicit(&bucket->full_at, memory_order_relaxed);
    apr_int64_t from;

    do {
        if (full_at - clock >= (apr_int64_t)NANOSECONDS) {
            return 0;
        }
        from = full_at > clock ? full_at : clock; /* what would not fit into the bucket is lost */
    } while (!atomic_compare_exchange_weak_explicit(&bucket->full_at, &full_at, from + cost,
                                                    memory_order_relaxed, memory_order_relaxed));
    return 1;
}

void token_hand_hold(token_hand_t *hand, token_bucket_t *bucket)
{
    apr_uint64_t serial = bucket != NULL ? bucket->serial : 0;

    if (hand->serial != serial) {
        hand->tokens = 0;
    }
    hand->serial = serial;
    hand->bucket = bucket;
}

int token_hand_take_limited(token_hand_t *hand, apr_uint64_t amount, apr_time_t now)
{
    assert(amount <= TOKEN_AMOUNT_MAX);
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
