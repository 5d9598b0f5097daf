#include "client/core/pace.h"

#include <assert.h>
#include <limits.h>

static apr_int64_t greatest_common_divisor(apr_int64_t one, apr_int64_t other)
{
    while (other != 0) {
        apr_int64_t rest = one % other;

        one = other;
        other = rest;
    }
    return one;
}

/* Whether schedule_make() takes it. */
static int is_pace(apr_int64_t burst, apr_int64_t interval)
{
    return burst <= UINT_MAX && interval <= (APR_INT64_C(1) << 62) / burst;
}

pace_t pace_of_bitrate(apr_int64_t bits_per_second, apr_size_t length)
{
    apr_int64_t burst = bits_per_second;
    apr_int64_t interval = 8 * (apr_int64_t)length * APR_USEC_PER_SEC;

    assert(burst > 0 && burst <= APR_INT64_C(1000000000000) && length > 0 && length <= 1 << 17);
    apr_int64_t divisor = greatest_common_divisor(burst, interval);

    burst /= divisor;
    interval /= divisor;
    while (!is_pace(burst, interval)) {
        burst = (burst + 1) / 2;
        interval = (interval + 1) / 2;
    }
    return (pace_t){.burst = (unsigned)burst, .interval = interval};
}
