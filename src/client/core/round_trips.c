#include "client/core/round_trips.h"

#include <math.h>

static void widen(round_trips_t *trips, apr_interval_time_t minimum, apr_interval_time_t maximum)
{
    if (trips->count == 0 || minimum < trips->minimum) {
        trips->minimum = minimum;
    }
    if (trips->count == 0 || maximum > trips->maximum) {
        trips->maximum = maximum;
    }
}

static void add_to_jitter(round_trips_t *trips, apr_interval_time_t round_trip)
{
    double difference = (double)(round_trip - trips->last);

    if (trips->count > 0) {
        trips->jitter += (fabs(difference) - trips->jitter) / 16;
    }
    trips->last = round_trip;
}

void round_trips_add(round_trips_t *trips, apr_interval_time_t round_trip)
{
    double deviation = (double)round_trip - trips->mean;

    widen(trips, round_trip, round_trip);
    add_to_jitter(trips, round_trip);
    histogram_add(&trips->histogram, round_trip);
    trips->count++;
    trips->sum += (apr_uint64_t)round_trip;
    trips->mean += deviation / (double)trips->count;
    trips->squares += deviation * ((double)round_trip - trips->mean);
}

void round_trips_merge(round_trips_t *trips, const round_trips_t *other)
{
    if (other->count == 0) {
        return;
    }
    double share = (double)other->count / (double)(trips->count + other->count);
    double distance = other->mean - trips->mean;

    widen(trips, other->minimum, other->maximum);
    histogram_merge(&trips->histogram, &other->histogram);
    trips->squares += other->squares + distance * distance * share * (double)trips->count;
    trips->mean += distance * share;
    trips->jitter += (other->jitter - trips->jitter) * share;
    trips->count += other->count;
    trips->sum += other->sum;
}

static apr_interval_time_t nearest(double time)
{
    return (apr_interval_time_t)(time + 0.5);
}

apr_interval_time_t round_trips_mean(const round_trips_t *trips)
{
    return nearest(trips->mean);
}

apr_interval_time_t round_trips_deviation(const round_trips_t *trips)
{
    return trips->count > 0 ? nearest(sqrt(trips->squares / (double)trips->count)) : 0;
}

apr_interval_time_t round_trips_jitter(const round_trips_t *trips)
{
    return nearest(trips->jitter);
}

apr_interval_time_t round_trips_quantile(const round_trips_t *trips, double fraction)
{
    apr_interval_time_t quantile = histogram_quantile(&trips->histogram, fraction);

    if (trips->count == 0) {
        return 0;
    }
    if (quantile < trips->minimum) {
        return trips->minimum;
    }
    /* Of round trips beyond the histogram only the longest is known. */
    return quantile < trips->maximum && quantile < HISTOGRAM_LAST ? quantile : trips->maximum;
}
