#include "core/rate_limit.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

/*
 * A bucket is one word, so that workers change it without a lock: above, the time when it will be
 * full again if nothing more is taken; in the lowest bits, a tag that tells whose it is. That time
 * is kept on a clock that goes on by DATAGRAM for each datagram of the limit; a network of 32 times
 * the limit takes a 32nd of that for each of its datagrams. What is missing from a bucket is then
 * simply how far its time lies ahead of the clock.
 */
#define ROW_BITS       13
#define TAG_BITS       (32 - ROW_BITS)
#define TAG_MASK       ((APR_UINT64_C(1) << TAG_BITS) - 1)
#define DATAGRAM       (APR_UINT64_C(1024) << TAG_BITS)
#define NETWORK(times) (DATAGRAM / (times))

/* A source is looked for in one row of the table only. */
#define ROW_LENGTH 4

/* The clock runs over, after an hour at the highest limit. In every epoch a source has another
 * name, and with it a full bucket, so that nobody meets what he took before that. */
#define EPOCH_MAX (APR_UINT64_C(1) << 62)

#define CACHE_LINE 64

/* One in this many datagrams above the limit finds the bucket twice as deep. */
#define LEAK 16

typedef _Atomic apr_uint64_t bucket_t;

struct rate_limit {
    apr_uint64_t speed;  /* what the clock gains in a microsecond */
    unsigned epoch_bits; /* an epoch is 2 to this power microseconds */
    apr_uint64_t depth;  /* of a bucket */
    apr_time_t start;
    unsigned char key[APR_SIPHASH_KSIZE];
    bucket_t (*rows)[ROW_LENGTH];
    _Atomic apr_uint64_t *draws; /* elsewhere, since all this is read for each datagram */
};

rate_limit_t *rate_limit_create(apr_uint64_t rate, const unsigned char key[APR_SIPHASH_KSIZE],
                                apr_time_t now, apr_pool_t *pool)
{
    rate_limit_t *limit = apr_pcalloc(pool, sizeof *limit);
    apr_size_t size = sizeof(bucket_t[ROW_LENGTH]) << ROW_BITS;
    char *memory = apr_pcalloc(pool, size + 2 * CACHE_LINE);

    assert(rate >= 1 && rate <= RATE_LIMIT_MAX);
    limit->depth = rate * DATAGRAM;
    /* Rounded up, so that nobody loses by it; it is less than a thousandth. */
    limit->speed = limit->depth / APR_USEC_PER_SEC + 1;
    while (limit->speed << (limit->epoch_bits + 1) <= EPOCH_MAX) {
        limit->epoch_bits++;
    }
    limit->start = now;
    memcpy(limit->key, key, sizeof limit->key);
    limit->rows = (void *)(memory + CACHE_LINE - (apr_uintptr_t)memory % CACHE_LINE);
    limit->draws = (void *)((char *)limit->rows + size);
    return limit;
}

/* The clock of the buckets; it runs over, and what is read of it is differences. */
static apr_uint64_t clock_at(const rate_limit_t *limit, apr_uint64_t elapsed)
{
    return elapsed * limit->speed & ~TAG_MASK;
}

/* What is missing from a bucket. A time that lies further ahead than any bucket lacks is one that
 * passed long ago, before the clock ran over. */
static apr_uint64_t missing_from(const rate_limit_t *limit, apr_uint64_t bucket, apr_uint64_t clock)
{
    apr_uint64_t missing = (bucket & ~TAG_MASK) - clock;

    return missing < 8 * limit->depth ? missing : 0;
}

/* The fullest bucket of a row: its source took least and loses least. */
static bucket_t *find_fullest(const rate_limit_t *limit, bucket_t *row, apr_uint64_t clock)
{
    bucket_t *fullest = row;
    apr_uint64_t least = APR_UINT64_MAX;

    for (unsigned i = 0; i < ROW_LENGTH; i++) {
        apr_uint64_t bucket = atomic_load_explicit(&row[i], memory_order_relaxed);
        apr_uint64_t missing = missing_from(limit, bucket, clock);

        if (missing < least) {
            least = missing;
            fullest = &row[i];
        }
    }
    return fullest;
}

/* The bucket of a source, or the one that it will take over. The upper bits of its name choose the
 * row, the lower ones are the tag. */
static bucket_t *find_bucket(const rate_limit_t *limit, apr_uint32_t name, apr_uint64_t clock)
{
    bucket_t *row = limit->rows[name >> TAG_BITS];

    for (unsigned i = 0; i < ROW_LENGTH; i++) {
        apr_uint64_t bucket = atomic_load_explicit(&row[i], memory_order_relaxed);

        if (((bucket ^ name) & TAG_MASK) == 0) {
            return &row[i];
        }
    }
    return find_fullest(limit, row, clock);
}

/* A few pass that are above the limit. What they take is random, and the usual weight on average:
 * otherwise the bucket would have something to give at times as regular as those at which an
 * unlucky client asks. */
static int may_leak(rate_limit_t *limit, apr_uint64_t missing, apr_uint64_t *weight)
{
    apr_uint64_t number = atomic_fetch_add_explicit(limit->draws, 1, memory_order_relaxed);
    apr_uint64_t random = apr_siphash24(&number, sizeof number, limit->key);

    *weight = random / LEAK % (2 * (*weight >> TAG_BITS) + 1) << TAG_BITS;
    return random % LEAK == 0 && missing < 2 * limit->depth;
}

/* Takes from the bucket of one source. Nothing else is ordered by it, so relaxed is enough: only
 * what workers take at the same time must not get lost. */
static int admit(rate_limit_t *limit, apr_uint64_t hash, apr_uint64_t weight, apr_uint64_t clock)
{
    apr_uint32_t name = (apr_uint32_t)(hash >> 32);
    apr_uint64_t tag = name & TAG_MASK;
    bucket_t *bucket = find_bucket(limit, name, clock);
    apr_uint64_t old = atomic_load_explicit(bucket, memory_order_relaxed);
    apr_uint64_t missing = (old & TAG_MASK) == tag ? missing_from(limit, old, clock) : 0;

    if (missing >= limit->depth && !may_leak(limit, missing, &weight)) {
        return 0;
    }
    while (!atomic_compare_exchange_weak_explicit(bucket, &old, (clock + missing + weight) | tag,
                                                  memory_order_relaxed, memory_order_relaxed)) {
        missing = (old & TAG_MASK) == tag ? missing_from(limit, old, clock) : 0;
    }
    return 1;
}

/*
 * From the address to the largest network, so that one source takes no more from its networks
 * than it gets itself.
 *
 * One SipHash, of the largest network, serves the smaller ones too: multiplied by what
 * distinguishes them within it, the random number gives numbers whose upper halves agree hardly
 * more often than if they were random (Dietzfelbinger and others, "A reliable randomized
 * algorithm for the closest-pair problem", 1997). A leading one keeps networks of different size
 * apart. The 80 bits below an IPv6 /48 do not fit a multiplication.
 */
int rate_limit_admits(rate_limit_t *limit, const endpoint_t *from, apr_time_t now)
{
    /* A worker may have read its clock before the limit was made. */
    apr_uint64_t elapsed = now > limit->start ? (apr_uint64_t)(now - limit->start) : 0;
    apr_uint64_t clock = clock_at(limit, elapsed);
    apr_uint64_t epoch = elapsed >> limit->epoch_bits << 32;

    if (from->sa.any.sa_family == APR_INET6) {
        const unsigned char *address = from->sa.v6.sin6_addr.s6_addr;
        apr_uint64_t host = apr_siphash24(address, 16, limit->key) ^ epoch;
        apr_uint64_t site = (apr_siphash24(address, 6, limit->key) ^ epoch) | 1;
        unsigned subnet = (unsigned)address[6] << 8 | address[7];

        return admit(limit, host, DATAGRAM, clock) &&
               admit(limit, site * (0x10000 | subnet), NETWORK(4), clock) &&
               admit(limit, site * (0x100 | subnet >> 8), NETWORK(16), clock) &&
               admit(limit, site, NETWORK(64), clock);
    }
    apr_uint32_t address = ntohl(from->sa.v4.sin_addr.s_addr);
    apr_uint32_t site = address >> 12;
    apr_uint64_t hash = (apr_siphash24(&site, sizeof site, limit->key) ^ epoch) | 1;

    return admit(limit, hash * (0x1000 | (address & 0xfff)), DATAGRAM, clock) &&
           admit(limit, hash * (0x10 | (address >> 8 & 0xf)), NETWORK(32), clock) &&
           admit(limit, hash, NETWORK(256), clock);
}
