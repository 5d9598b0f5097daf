#include "client/core/telemetry.h"

static void see(telemetry_t *telemetry, apr_int64_t minimum, apr_int64_t maximum)
{
    if (telemetry->count == 0 || minimum < telemetry->minimum) {
        telemetry->minimum = minimum;
    }
    if (telemetry->count == 0 || maximum > telemetry->maximum) {
        telemetry->maximum = maximum;
    }
}

/* Nothing can be said of a reply that did not arrive right before this one. */
static void add_follow_up(telemetry_t *telemetry, const stamp_tlvs_t *tlvs)
{
    if (tlvs->has_follow_up && telemetry->has_last &&
        tlvs->follow_up_number == telemetry->last_number) {
        apr_int64_t later = tlvs->follow_up - telemetry->last_t3;

        see(telemetry, later, later);
        telemetry->count++;
        telemetry->sum += (double)later;
    }
}

void telemetry_add(telemetry_t *telemetry, const reflection_t *reflection)
{
    const stamp_tlvs_t *tlvs = &reflection->tlvs;

    if (tlvs->has_counts) {
        telemetry->has_counts = 1;
        telemetry->requests = tlvs->requests_there;
        telemetry->replies = tlvs->replies_there;
    }
    add_follow_up(telemetry, tlvs);
    telemetry->has_last = 1;
    telemetry->last_number = reflection->peer_number;
    telemetry->last_t3 = reflection->t3;
}

void telemetry_merge(telemetry_t *telemetry, const telemetry_t *other)
{
    telemetry->has_counts |= other->has_counts;
    telemetry->requests += other->requests;
    telemetry->replies += other->replies;
    if (other->count > 0) {
        see(telemetry, other->minimum, other->maximum);
        telemetry->count += other->count;
        telemetry->sum += other->sum;
    }
}

apr_int64_t telemetry_mean(const telemetry_t *telemetry)
{
    return telemetry->count > 0 ? (apr_int64_t)(telemetry->sum / (double)telemetry->count) : 0;
}
