#include "core/impair_profile.h"

/* Each decision has random numbers of its own: those of one must not depend on whether another is
 * asked for. The numbers of the chances are those of impairment_t. */
enum { STREAM_CORRUPT_BIT = IMPAIR_CHANCES, STREAM_JITTER, STREAMS = STREAM_JITTER + 6 };

/* The finalizer of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
 * 2014), which inverts half of the bits, whichever bit of its argument changes. */
static apr_uint64_t mix(apr_uint64_t value)
{
    value = (value ^ value >> 30) * APR_UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * APR_UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

/* A random number of 64 bits that depends on nothing else. */
static apr_uint64_t random_of(const impair_profile_t *profile, unsigned stream, apr_uint64_t number)
{
    const apr_uint64_t step = APR_UINT64_C(0x9e3779b97f4a7c15); /* SplitMix64's own */

    return mix(mix(mix(profile->seed + step) + step * (stream + 1)) + step * number);
}

static int happens(const impair_profile_t *profile, unsigned chance, apr_uint64_t number)
{
    const impair_chance_t *how = &profile->chance[chance];

    if (how->every > 0) {
        return number % how->every == 0;
    }
    return how->millionths > 0 &&
           random_of(profile, chance, number) % IMPAIR_CERTAIN < how->millionths;
}

/* A number between -2^32 and 2^32. */
static apr_int64_t uniform(const impair_profile_t *profile, apr_uint64_t number)
{
    return (apr_int64_t)(random_of(profile, STREAM_JITTER, number) >> 31) - (APR_INT64_C(1) << 32);
}

/* A number of standard deviation 2^32: the sum of twelve uniform ones of variance 1/12, which
 * is normal except for its ends, six standard deviations away. It needs no floating point, whose
 * last digits differ between systems. */
static apr_int64_t normal(const impair_profile_t *profile, apr_uint64_t number)
{
    apr_int64_t sum = -6 * (APR_INT64_C(1) << 32);

    for (unsigned stream = STREAM_JITTER; stream < STREAMS; stream++) {
        apr_uint64_t bits = random_of(profile, stream, number);

        sum += (apr_int64_t)(bits >> 32) + (apr_int64_t)(bits & 0xffffffff);
    }
    return sum;
}

static apr_interval_time_t delay_of(const impair_profile_t *profile, apr_uint64_t number)
{
    apr_int64_t deviation;

    if (profile->jitter == 0) {
        return profile->delay;
    }
    deviation = profile->is_normal ? normal(profile, number) : uniform(profile, number);
    apr_interval_time_t delay =
        profile->delay + profile->jitter * deviation / (APR_INT64_C(1) << 32);

    return delay > 0 ? delay : 0;
}

void impair_decide(impair_decision_t *decision, const impair_profile_t *profile,
                   apr_uint64_t number)
{
    *decision = (impair_decision_t){.does = {happens(profile, IMPAIR_DROP, number)}};
    if (decision->does[IMPAIR_DROP]) {
        return;
    }
    for (unsigned i = IMPAIR_DROP + 1; i < IMPAIR_CHANCES; i++) {
        decision->does[i] = happens(profile, i, number);
    }
    decision->corrupt_bit = random_of(profile, STREAM_CORRUPT_BIT, number);
    decision->delay = delay_of(profile, number);
}
