#include "client/core/losses.h"

/* How much later `one` is than `other`; numbers go on with 0 behind the largest. */
static apr_int32_t ahead(apr_uint32_t one, apr_uint32_t other)
{
    return (apr_int32_t)(one - other);
}

/* A peer that counts for this sender alone gave its first reply the number 0, whether that came or
 * not, unless it knew the session from before. */
static void begin(stretch_t *stretch, const reply_number_t *reply)
{
    int is_new = !reply->is_shared && reply->peer_number <= reply->number;

    *stretch = (stretch_t){.has_begun = 1,
                           .first = is_new ? 0 : reply->number,
                           .highest = reply->number,
                           .peer_first = is_new ? 0 : reply->peer_number,
                           .peer_highest = reply->peer_number,
                           .failures_first = reply->failures,
                           .failures = reply->failures};
}

static void add_stretch(loss_counts_t *counts, const stretch_t *stretch)
{
    if (!stretch->has_begun) {
        return;
    }
    apr_uint32_t numbers = stretch->highest - stretch->first;
    apr_uint32_t peer_numbers = stretch->peer_highest - stretch->peer_first;
    apr_int64_t requests = (apr_int64_t)numbers + 1;
    apr_int64_t replies = (apr_int64_t)peer_numbers + 1;
    apr_uint32_t failures = stretch->failures - stretch->failures_first;
    apr_int64_t forward = requests - (replies - (apr_int64_t)stretch->copies) - failures;
    apr_int64_t backward = replies - (apr_int64_t)stretch->received;

    counts->forward += forward > 0 ? (apr_uint64_t)forward : 0;
    counts->backward += backward > 0 ? (apr_uint64_t)backward : 0;
    counts->peer += failures;
    counts->is_disturbed |= forward < 0;
}

/* How far behind the latest one a reply may come, and the numbers of how many are remembered. A
 * peer with several threads sends its replies in another order than it numbers them. */
#define SEEN 64

/* The peer forgot the session: the answer to a later request has a number that another reply had,
 * or one of long ago. */
static int is_restart(const stretch_t *stretch, const reply_number_t *reply)
{
    apr_int32_t behind = ahead(stretch->peer_highest, reply->peer_number);

    return !reply->is_repeated && ahead(reply->number, stretch->highest) > 0 && behind >= 0 &&
           (behind >= SEEN || (stretch->seen >> behind & 1) != 0);
}

static void restart(losses_t *losses, const reply_number_t *reply)
{
    add_stretch(&losses->earlier, &losses->stretch);
    begin(&losses->stretch, reply);
    losses->stretch.first = reply->number;
    losses->stretch.peer_first = reply->peer_number;
    losses->restarts++;
}

static void note_peer_number(stretch_t *stretch, apr_uint32_t peer_number)
{
    apr_int32_t step = ahead(peer_number, stretch->peer_highest);

    if (step > 0) {
        stretch->seen = step < SEEN ? stretch->seen << step : 0;
        stretch->peer_highest = peer_number;
        step = 0;
    }
    if (step > -SEEN) {
        stretch->seen |= (apr_uint64_t)1 << -step;
    }
    if (ahead(peer_number, stretch->peer_first) < 0) {
        stretch->peer_first = peer_number;
    }
}

static void note_number(stretch_t *stretch, apr_uint32_t number)
{
    if (ahead(number, stretch->highest) > 0) {
        stretch->highest = number;
    } else if (ahead(number, stretch->first) < 0) {
        stretch->first = number;
    }
}

void losses_add(losses_t *losses, const reply_number_t *reply)
{
    stretch_t *stretch = &losses->stretch;

    losses->earlier.differs |= reply->peer_number != reply->number;
    if (!stretch->has_begun) {
        begin(stretch, reply);
    } else if (is_restart(stretch, reply)) {
        restart(losses, reply);
    }
    if (reply->is_repeated && reply->repeats == reply->peer_number) {
        return; /* the reply came twice */
    }
    stretch->received++;
    stretch->copies += reply->is_repeated != 0;
    note_number(stretch, reply->number);
    note_peer_number(stretch, reply->peer_number);
    if (ahead(reply->failures, stretch->failures) > 0) {
        stretch->failures = reply->failures;
    }
}

loss_counts_t losses_count(const losses_t *losses)
{
    loss_counts_t counts = losses->earlier;

    add_stretch(&counts, &losses->stretch);
    return counts;
}
