#include "client/core/interval.h"

#include "client/core/tally.h"

void interval_begin(interval_t *interval, const probe_summary_t *summary, apr_time_t now)
{
    *interval = (interval_t){.before = *summary, .since = now};
}

void interval_add(interval_t *interval, apr_interval_time_t round_trip)
{
    round_trips_add(&interval->round_trips, round_trip);
}

/* What waits to leave may not leave in the end: it counts as sent once it has left. */
static apr_uint64_t outstanding(const probe_summary_t *summary)
{
    return summary->outstanding - (summary->sent - summary->departed);
}

/* A datagram with a corrupt reply may still get a correct one. */
static apr_uint64_t grown(apr_uint64_t before, apr_uint64_t now)
{
    return now > before ? now - before : 0;
}

probe_summary_t interval_summary(const interval_t *interval, const probe_summary_t *summary,
                                 apr_time_t now)
{
    const probe_summary_t *before = &interval->before;
    probe_summary_t part = {
        .sent = summary->departed - before->departed,
        .received = summary->received - before->received,
        .corrupted = grown(before->corrupted, summary->corrupted),
        .lost = summary->timed_out - before->timed_out,
        .outstanding = outstanding(summary),
        .outstanding_before = outstanding(before),
        .not_sent = summary->not_sent - before->not_sent,
        .missed = summary->missed - before->missed,
        .is_scheduled = summary->is_scheduled,
        .refused = summary->refused - before->refused,
        .late = summary->late - before->late,
        .departed = summary->departed - before->departed,
        .timed_out = summary->timed_out - before->timed_out,
        .reordered = summary->reordered - before->reordered,
        .bytes = summary->bytes - before->bytes,
        .elapsed = now - interval->since,
    };

    for (unsigned i = 0; i < REPLY_KINDS; i++) {
        part.replies[i] = summary->replies[i] - before->replies[i];
    }
    tally_describe(&part, &interval->round_trips);
    return part;
}
