#include "client/core/tally.h"

#include <assert.h>

static apr_uint64_t made(const tally_t *tally)
{
    apr_uint64_t sum = 0;

    for (unsigned i = 0; i < FATES; i++) {
        sum += tally->fates[i];
    }
    return sum;
}

static apr_time_t later(apr_time_t one, apr_time_t other)
{
    return one > other ? one : other;
}

static void note_answers(tally_t *tally, apr_time_t first, apr_time_t last)
{
    tally->first_answer =
        tally->last_answer == 0 || first < tally->first_answer ? first : tally->first_answer;
    tally->last_answer = later(tally->last_answer, last);
}

void tally_sent(tally_t *tally, apr_time_t now)
{
    if (made(tally) == 0) {
        tally->first = tally->last = now;
    }
    tally->fates[FATE_OUTSTANDING]++;
    tally->last = later(tally->last, now);
}

void tally_left(tally_t *tally, apr_time_t now)
{
    tally->departed++;
    tally->last_left = later(tally->last_left, now);
    tally->last = later(tally->last, now);
}

void tally_change(tally_t *tally, fate_t from, fate_t to)
{
    assert(tally->fates[from] > 0);
    tally->fates[from]--;
    tally->fates[to]++;
    tally->timed_out += to == FATE_LOST;
}

void tally_answer(tally_t *tally, reply_t *reply, apr_time_t received)
{
    reply->is_reordered = reply->has_sequence && reply->sequence < tally->highest;
    if (reply->has_sequence && !reply->is_reordered) {
        tally->highest = reply->sequence;
    }
    tally->reordered += reply->is_reordered != 0;
    tally->late += reply->verdict == REPLY_LATE;
    tally->bytes += reply->expected;
    note_answers(tally, received, received);
    tally->last = later(tally->last, received);
    if (reply->has_sequence) {
        round_trips_add(&tally->round_trips, reply->round_trip);
    }
}

void tally_merge(tally_t *tally, const tally_t *other)
{
    if (made(other) > 0) {
        tally->first =
            made(tally) == 0 || other->first < tally->first ? other->first : tally->first;
        tally->last = made(tally) == 0 ? other->last : later(tally->last, other->last);
    }
    tally->last_left = later(tally->last_left, other->last_left);
    if (other->last_answer != 0) {
        note_answers(tally, other->first_answer, other->last_answer);
    }
    for (unsigned i = 0; i < FATES; i++) {
        tally->fates[i] += other->fates[i];
    }
    for (unsigned i = 0; i < REPLY_KINDS; i++) {
        tally->replies[i] += other->replies[i];
    }
    tally->departed += other->departed;
    tally->timed_out += other->timed_out;
    tally->refused += other->refused;
    tally->late += other->late;
    tally->reordered += other->reordered;
    tally->bytes += other->bytes;
    tally->missed += other->missed;
    tally->is_scheduled |= other->is_scheduled;
    round_trips_merge(&tally->round_trips, &other->round_trips);
}

void tally_describe(probe_summary_t *summary, const round_trips_t *trips)
{
    summary->timed = trips->count;
    summary->minimum = trips->minimum;
    summary->mean = round_trips_mean(trips);
    summary->maximum = trips->maximum;
    summary->deviation = round_trips_deviation(trips);
    summary->p50 = round_trips_quantile(trips, 0.5);
    summary->p90 = round_trips_quantile(trips, 0.9);
    summary->p99 = round_trips_quantile(trips, 0.99);
    summary->p999 = round_trips_quantile(trips, 0.999);
    summary->jitter = round_trips_jitter(trips);
}

probe_summary_t tally_summary(const tally_t *tally, apr_time_t now)
{
    apr_uint64_t outstanding = tally->fates[FATE_OUTSTANDING];
    probe_summary_t summary = {
        .sent = made(tally) - tally->fates[FATE_NOT_SENT],
        .received = tally->fates[FATE_RECEIVED],
        .corrupted = tally->fates[FATE_CORRUPTED],
        .lost = tally->fates[FATE_LOST],
        .outstanding = outstanding,
        .not_sent = tally->fates[FATE_NOT_SENT],
        .departed = tally->departed,
        .timed_out = tally->timed_out,
        .missed = tally->missed,
        .is_scheduled = tally->is_scheduled,
        .refused = tally->refused,
        .late = tally->late,
        .reordered = tally->reordered,
        .bytes = tally->bytes,
        .elapsed = (outstanding > 0 ? later(now, tally->last) : tally->last) - tally->first,
        .sending = tally->last_left > tally->first ? tally->last_left - tally->first : 0,
        .answering = tally->last_answer - tally->first_answer,
    };

    for (unsigned i = 0; i < REPLY_KINDS; i++) {
        summary.replies[i] = tally->replies[i];
    }
    tally_describe(&summary, &tally->round_trips);
    return summary;
}
