#include "client/core/directions.h"

#include <assert.h>

#define NANOSECONDS 1000 /* in a microsecond */

/* By how much a round trip by the wall clock may differ from the same by the clock that nobody
 * sets, as both are read one after the other, and one may be slewed against the other. */
#define WALL_CLOCK_STEP_US 1000
#define WALL_CLOCK_SLEW    1000 /* a part in so many: twice what adjtimex(2) allows */

typedef struct session {
    losses_t losses;
    delays_t forward, backward;
    telemetry_t telemetry;
} session_t;

struct directions {
    directions_options_t options;
    own_clock_t own;
    session_t *sessions;        /* of each flow */
    delays_t forward, backward; /* of all flows, as of the last summary */
    apr_int64_t last;           /* delay forward, nanoseconds, to find the period of the next; */
    int has_last;               /* 0: there was none */
    /* Replies in which both hosts declared it, or one did not. */
    apr_uint64_t replies, own_unknown, peer_unknown;
    int tells_clock; /* the peer does */
    apr_int64_t own_error, peer_error;
    path_facts_t facts;
    apr_uint64_t kept_count;
    double kept_sum;
    apr_interval_time_t kept_minimum, kept_maximum;
};

directions_t *directions_create(const directions_options_t *options, apr_pool_t *pool)
{
    directions_t *directions = apr_pcalloc(pool, sizeof *directions);

    assert(options->flows > 0 && options->flows <= FLOWS_MAX);
    directions->options = *options;
    directions->own = (own_clock_t){.error = -1};
    directions->own_error = directions->peer_error = -1;
    directions->sessions = apr_pcalloc(pool, options->flows * sizeof *directions->sessions);
    return directions;
}

void directions_set_clock(directions_t *directions, own_clock_t own)
{
    directions->own = own;
}

/* ---- One reply ---- */

static apr_int64_t microseconds(apr_int64_t nanoseconds)
{
    return nanoseconds >= 0 ? nanoseconds / NANOSECONDS
                            : -((NANOSECONDS - 1 - nanoseconds) / NANOSECONDS);
}

/* For a clock that wraps: the period in which the delay is nearest to the last one. */
static apr_int64_t unwrap(apr_int64_t delay, apr_int64_t last, apr_int64_t period)
{
    apr_int64_t difference = last - delay;
    apr_int64_t half = difference >= 0 ? period / 2 : -period / 2;

    return delay + (difference + half) / period * period;
}

static void measure_delays(directions_t *directions, one_way_t *one_way)
{
    const reflection_t *reflection = one_way->reflection;
    apr_int64_t forward = reflection->t2 - reflection->t1;
    apr_int64_t kept = reflection->t3 - reflection->t2;

    if (reflection->period > 0) {
        kept += kept < 0 ? reflection->period : 0;
        if (directions->has_last) {
            forward = unwrap(forward, directions->last, reflection->period);
        }
        directions->last = forward;
        directions->has_last = 1;
    }
    one_way->forward = microseconds(forward);
    one_way->backward = microseconds(one_way->t4 - reflection->t1 - kept - forward);
}

/* The round trip by the wall clock is that of the other clock. */
static int is_clock_steady(const one_way_t *one_way, apr_interval_time_t round_trip)
{
    apr_int64_t difference =
        (one_way->t4 - one_way->reflection->t1) / NANOSECONDS - round_trip - one_way->kept;
    apr_int64_t most = WALL_CLOCK_STEP_US + round_trip / WALL_CLOCK_SLEW;

    return difference <= most && difference >= -most;
}

static apr_int64_t larger(apr_int64_t one, apr_int64_t other)
{
    return one > other ? one : other;
}

static void note_clocks(directions_t *directions, const reflection_t *reflection)
{
    directions->replies++;
    directions->own_unknown += !directions->own.is_synchronised;
    directions->peer_unknown += !reflection->is_synchronised;
    directions->tells_clock |= reflection->period == 0;
    directions->own_error = larger(directions->own_error, directions->own.error);
    directions->peer_error = larger(directions->peer_error, reflection->error);
}

static void note_kept(directions_t *directions, apr_interval_time_t kept)
{
    if (directions->kept_count == 0 || kept < directions->kept_minimum) {
        directions->kept_minimum = kept;
    }
    if (directions->kept_count == 0 || kept > directions->kept_maximum) {
        directions->kept_maximum = kept;
    }
    directions->kept_count++;
    directions->kept_sum += (double)kept;
}

static void count_reply(const directions_t *directions, session_t *session,
                        const reflection_t *reflection)
{
    losses_add(&session->losses, &(reply_number_t){.number = reflection->number,
                                                   .peer_number = reflection->peer_number,
                                                   .failures = reflection->failures,
                                                   .is_shared = directions->options.is_shared,
                                                   .is_repeated = reflection->is_repeated,
                                                   .repeats = reflection->repeats});
}

one_way_t directions_add(directions_t *directions, const reply_t *reply, apr_int64_t t4,
                         int hop_limit, int traffic_class)
{
    const reflection_t *reflection = reply->reflection;
    session_t *session = &directions->sessions[reply->flow];
    one_way_t one_way = {.reflection = reflection, .t4 = t4, .own = directions->own};

    assert(reflection != NULL && reply->flow < directions->options.flows);
    count_reply(directions, session, reflection);
    one_way.kept = reply->kept;
    one_way.has_delays = is_clock_steady(&one_way, reply->round_trip);
    one_way.is_true =
        one_way.has_delays && directions->own.is_synchronised && reflection->is_synchronised;
    if (one_way.has_delays) {
        measure_delays(directions, &one_way);
    }
    if (reflection->is_repeated) {
        return one_way;
    }
    note_clocks(directions, reflection);
    path_facts_add(&directions->facts, reply->flow, reflection, hop_limit, traffic_class);
    telemetry_add(&session->telemetry, reflection);
    note_kept(directions, one_way.kept);
    if (one_way.has_delays) {
        delays_add(&session->forward, one_way.forward, reply->round_trip);
        delays_add(&session->backward, one_way.backward, reply->round_trip);
        one_way.forward_above = one_way.forward - delays_minimum(&session->forward);
        one_way.backward_above = one_way.backward - delays_minimum(&session->backward);
    }
    return one_way;
}

/* ---- What they come to ---- */

/* A datagram cannot arrive before it leaves. */
static int is_contradictory(const directions_t *directions, const directions_summary_t *summary)
{
    apr_int64_t error =
        microseconds(directions->own_error) + microseconds(directions->peer_error) + 2;

    return summary->forward.minimum < -error || summary->backward.minimum < -error;
}

static clocks_t judge_clocks(const directions_t *directions, const directions_summary_t *summary)
{
    if (!directions->tells_clock) {
        return CLOCKS_UNTOLD;
    }
    if (directions->own_unknown > 0) {
        return directions->peer_unknown > 0 ? CLOCKS_BOTH_UNKNOWN : CLOCKS_OWN_UNKNOWN;
    }
    if (directions->peer_unknown > 0) {
        return CLOCKS_PEER_UNKNOWN;
    }
    return is_contradictory(directions, summary) ? CLOCKS_CONTRADICTORY : CLOCKS_SYNCHRONISED;
}

static void move(delay_summary_t *delays, apr_int64_t by)
{
    delays->minimum += by;
    delays->mean += by;
    delays->maximum += by;
    delays->p50 += by;
    delays->p90 += by;
    delays->p99 += by;
    delays->p999 += by;
}

static void estimate_offset(directions_summary_t *summary)
{
    summary->is_estimated = 1;
    summary->offset = (summary->forward.minimum - summary->backward.minimum) / 2;
    move(&summary->forward, -summary->offset);
    move(&summary->backward, summary->offset);
}

static void add_losses(loss_counts_t *sum, const losses_t *losses)
{
    loss_counts_t counts = losses_count(losses);

    sum->forward += counts.forward;
    sum->backward += counts.backward;
    sum->peer += counts.peer;
    sum->differs |= counts.differs;
    sum->is_disturbed |= counts.is_disturbed;
}

static int peer_counts(const directions_t *directions)
{
    int differs = directions->options.is_shared || directions->options.counting == COUNTING_SESSION;

    for (unsigned i = 0; i < directions->options.flows; i++) {
        differs |= directions->sessions[i].losses.earlier.differs;
    }
    return differs && directions->options.counting != COUNTING_NONE;
}

static void merge_delays(directions_t *directions)
{
    directions->forward = directions->backward = (delays_t){.reference = 0};
    for (unsigned i = 0; i < directions->options.flows; i++) {
        delays_merge(&directions->forward, &directions->sessions[i].forward);
        delays_merge(&directions->backward, &directions->sessions[i].backward);
    }
}

/* The histogram of the delays, moved so that the least of them is `minimum`. */
static const histogram_t *histogram_from(delays_t *delays, apr_int64_t minimum)
{
    histogram_shift(&delays->above.histogram, minimum - delays->above.minimum);
    return &delays->above.histogram;
}

directions_summary_t directions_summary(directions_t *directions)
{
    merge_delays(directions);
    directions_summary_t summary = {.own_error = directions->own_error,
                                    .peer_error = directions->peer_error,
                                    .forward = delays_summary(&directions->forward),
                                    .backward = delays_summary(&directions->backward),
                                    .facts = directions->facts,
                                    .kept_count = directions->kept_count,
                                    .kept_minimum = directions->kept_minimum,
                                    .kept_maximum = directions->kept_maximum};

    if (directions->kept_count > 0) {
        summary.kept_mean =
            (apr_interval_time_t)(directions->kept_sum / (double)directions->kept_count + 0.5);
    }
    for (unsigned i = 0; i < directions->options.flows; i++) {
        summary.restarts += directions->sessions[i].losses.restarts;
        telemetry_merge(&summary.telemetry, &directions->sessions[i].telemetry);
    }
    summary.is_counted = directions_losses(directions, &summary.losses);
    summary.clocks = judge_clocks(directions, &summary);
    summary.is_true = summary.clocks == CLOCKS_SYNCHRONISED && summary.forward.count > 0;
    if (directions->options.offset == OFFSET_MINIMUM && !summary.is_true &&
        summary.forward.count > 0) {
        estimate_offset(&summary);
    }
    int is_known = summary.is_true || summary.is_estimated;

    summary.forward_histogram =
        histogram_from(&directions->forward, is_known ? summary.forward.minimum : 0);
    summary.backward_histogram =
        histogram_from(&directions->backward, is_known ? summary.backward.minimum : 0);
    return summary;
}

int directions_losses(const directions_t *directions, loss_counts_t *losses)
{
    *losses = (loss_counts_t){.forward = 0};
    for (unsigned i = 0; i < directions->options.flows; i++) {
        add_losses(losses, &directions->sessions[i].losses);
    }
    return directions->replies > 0 && peer_counts(directions) && !losses->is_disturbed;
}

loss_counts_t directions_flow_losses(const directions_t *directions, unsigned flow)
{
    assert(flow < directions->options.flows);
    return losses_count(&directions->sessions[flow].losses);
}
