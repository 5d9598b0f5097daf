#include "client/metrics/time_counts.h"

/* A power of two, and 1.5 times that. */
#define FROM(power) ((apr_interval_time_t)64 << (power)), ((apr_interval_time_t)96 << (power))

const apr_interval_time_t time_bounds_us[TIME_BOUNDS] = {
    FROM(0), FROM(1),  FROM(2),  FROM(3),  FROM(4),  FROM(5),  FROM(6),  FROM(7),  FROM(8),
    FROM(9), FROM(10), FROM(11), FROM(12), FROM(13), FROM(14), FROM(15), FROM(16), 64 << 17,
};

void time_counts_add(time_counts_t *times, apr_interval_time_t us)
{
    unsigned bucket = 0;

    while (bucket < TIME_BOUNDS && us >= time_bounds_us[bucket]) {
        bucket++;
    }
    times->counts[bucket]++;
    times->sum_us += us > 0 ? (apr_uint64_t)us : 0;
}

void time_counts_add_histogram(time_counts_t *times, const histogram_t *histogram,
                               apr_uint64_t sum_us)
{
    apr_int64_t low = 0;

    for (unsigned i = 0; i < TIME_BOUNDS; i++) {
        times->counts[i] += histogram_between(histogram, low, time_bounds_us[i]);
        low = time_bounds_us[i];
    }
    times->counts[TIME_BOUNDS] += histogram_between(histogram, low, APR_INT64_MAX);
    times->sum_us += sum_us;
}

void time_counts_merge(time_counts_t *times, const time_counts_t *other)
{
    for (unsigned i = 0; i <= TIME_BOUNDS; i++) {
        times->counts[i] += other->counts[i];
    }
    times->sum_us += other->sum_us;
}
