#include "client/core/delays.h"

#include <assert.h>

static void shift(round_trips_t *above, apr_int64_t by)
{
    above->minimum += by;
    above->maximum += by;
    above->last += by;
    above->sum += (apr_uint64_t)by * above->count;
    above->mean += (double)by;
    histogram_shift(&above->histogram, by);
}

static void move_reference(delays_t *delays, apr_int64_t reference)
{
    if (delays->above.count > 0) {
        shift(&delays->above, delays->reference - reference);
    }
    delays->reference = reference;
}

/* A delay below the reference tells that the clocks drift apart, or that one was set. */
void delays_add(delays_t *delays, apr_int64_t delay, apr_interval_time_t round_trip)
{
    if (delays->above.count == 0 || delay < delays->reference) {
        move_reference(delays, delay - round_trip);
    }
    round_trips_add(&delays->above, delay - delays->reference);
}

void delays_merge(delays_t *delays, const delays_t *other)
{
    delays_t moved;

    if (other->above.count == 0) {
        return;
    }
    if (delays->above.count == 0 || other->reference < delays->reference) {
        move_reference(delays, other->reference);
    }
    moved = *other;
    move_reference(&moved, delays->reference);
    round_trips_merge(&delays->above, &moved.above);
}

apr_int64_t delays_minimum(const delays_t *delays)
{
    assert(delays->above.count > 0);
    return delays->reference + delays->above.minimum;
}

delay_summary_t delays_summary(const delays_t *delays)
{
    const round_trips_t *above = &delays->above;
    apr_int64_t reference = delays->reference;

    if (above->count == 0) {
        return (delay_summary_t){0};
    }
    return (delay_summary_t){.count = above->count,
                             .minimum = reference + above->minimum,
                             .mean = reference + round_trips_mean(above),
                             .maximum = reference + above->maximum,
                             .p50 = reference + round_trips_quantile(above, 0.5),
                             .p90 = reference + round_trips_quantile(above, 0.9),
                             .p99 = reference + round_trips_quantile(above, 0.99),
                             .p999 = reference + round_trips_quantile(above, 0.999),
                             .deviation = round_trips_deviation(above),
                             .jitter = round_trips_jitter(above)};
}
