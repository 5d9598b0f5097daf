#include "client/core/histogram.h"

#include <assert.h>

#define VALUE_MAX (((apr_int64_t)1 << HISTOGRAM_BITS) - 1)

/* How many buckets a power of two is cut into. */
#define CUT (HISTOGRAM_EXACT / 2)

/* Shifted right by as many bits as leave less than HISTOGRAM_EXACT of it, a value is at least CUT,
 * unless it is not shifted at all: so each shift but the first fills CUT buckets. */
static unsigned bucket_of(apr_int64_t value)
{
    unsigned shift = 0;

    if (value < 0) {
        value = 0;
    } else if (value > VALUE_MAX) {
        value = VALUE_MAX;
    }
    while (value >> shift >= HISTOGRAM_EXACT) {
        shift++;
    }
    return shift * CUT + (unsigned)(value >> shift);
}

static apr_int64_t middle_of(unsigned bucket)
{
    unsigned shift = bucket < HISTOGRAM_EXACT ? 0 : bucket / CUT - 1;
    apr_int64_t lowest = (apr_int64_t)(bucket - shift * CUT) << shift;

    return lowest + ((apr_int64_t)1 << shift) / 2;
}

void histogram_add(histogram_t *histogram, apr_int64_t value)
{
    histogram->bucket[bucket_of(value)]++;
}

void histogram_merge(histogram_t *histogram, const histogram_t *other)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        histogram->bucket[i] += other->bucket[i];
    }
}

static void shift_bucket(histogram_t *histogram, unsigned bucket, apr_int64_t by)
{
    apr_uint64_t count = histogram->bucket[bucket];

    if (count > 0) {
        histogram->bucket[bucket] = 0;
        histogram->bucket[bucket_of(middle_of(bucket) + by)] += count;
    }
}

/* Each goes to a bucket that was emptied before, or to its own. */
void histogram_shift(histogram_t *histogram, apr_int64_t by)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        shift_bucket(histogram, by < 0 ? i : HISTOGRAM_BUCKETS - 1 - i, by);
    }
}

apr_uint64_t histogram_total(const histogram_t *histogram)
{
    apr_uint64_t total = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        total += histogram->bucket[i];
    }
    return total;
}

/* `fraction` of `total`, rounded up, from 1 on. A hair less is as good: 0.07 is a little more than
 * 7/100 as a double, and is to be the seventh of 100 and not the eighth. */
static apr_uint64_t rank_of(double fraction, apr_uint64_t total)
{
    double exact = fraction * (double)total * (1 - 1e-12);
    apr_uint64_t rank = (apr_uint64_t)exact;

    rank += (double)rank < exact;
    return rank > 0 ? rank : 1;
}

apr_int64_t histogram_quantile(const histogram_t *histogram, double fraction)
{
    assert(fraction >= 0 && fraction <= 1);
    apr_uint64_t rank = rank_of(fraction, histogram_total(histogram));

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        if (rank <= histogram->bucket[i]) {
            return middle_of(i);
        }
        rank -= histogram->bucket[i];
    }
    return 0;
}

apr_uint64_t histogram_between(const histogram_t *histogram, apr_int64_t low, apr_int64_t high)
{
    apr_uint64_t count = 0;

    for (unsigned i = bucket_of(low); i <= bucket_of(high); i++) {
        if (middle_of(i) >= low && middle_of(i) < high) {
            count += histogram->bucket[i];
        }
    }
    return count;
}
