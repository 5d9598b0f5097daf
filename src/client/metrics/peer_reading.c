#include "client/metrics/peer_reading.h"

#include <apr_strings.h>

#include "client/output/format.h"
#include "common/prometheus.h"

static const char *labels_of(const run_t *run, apr_pool_t *pool)
{
    return apr_psprintf(pool, "target=\"%s\",address=\"%s\",protocol=\"%s\",dscp=\"%d\"",
                        prometheus_escape(run->host, pool),
                        prometheus_escape(endpoint_text(&run->peer, pool), pool),
                        protocol_word(run->protocol), run->dscp);
}

static void read_summary(peer_reading_t *reading, const probe_summary_t *summary)
{
    apr_uint64_t *numbers = reading->numbers;

    numbers[METRIC_SENT] = summary->departed;
    numbers[METRIC_RECEIVED] = summary->received;
    numbers[METRIC_RECEIVED_BYTES] = summary->bytes;
    numbers[METRIC_TIMED_OUT] = summary->timed_out;
    numbers[METRIC_REORDERED] = summary->reordered;
    numbers[METRIC_NOT_SENT] = summary->not_sent;
    numbers[METRIC_MISSED] = summary->missed;
    numbers[METRIC_LOST] = summary->lost;
    numbers[METRIC_CORRUPTED] = summary->corrupted;
    numbers[METRIC_OUTSTANDING] = summary->outstanding;
    for (unsigned i = 0; i < REPLY_KINDS; i++) {
        reading->replies[i] = summary->replies[i];
    }
}

static void read_losses(peer_reading_t *reading, const directions_t *directions)
{
    loss_counts_t losses;

    reading->has_directions = 1;
    reading->has_losses = directions_losses(directions, &losses);
    reading->numbers[METRIC_LOST_FORWARD] = losses.forward;
    reading->numbers[METRIC_LOST_BACKWARD] = losses.backward;
    reading->numbers[METRIC_LOST_BY_PEER] = losses.peer;
}

static void read_events(peer_reading_t *reading, const peer_events_t *events)
{
    for (unsigned i = 0; i < REFUSALS; i++) {
        reading->refused[i] = events->refused[i];
    }
    for (unsigned i = 0; i < ONE_WAY_TIMES; i++) {
        reading->times[METRIC_TIMES - ONE_WAY_TIMES + i] = events->one_way[i];
    }
}

peer_reading_t *peer_reading_take(const run_t *run, const probe_t *probe,
                                  const directions_t *directions, event_counts_t *events,
                                  apr_time_t now, apr_pool_t *pool)
{
    peer_events_t counted;
    round_trips_t round_trips;
    probe_summary_t summary;

    if (!event_counts_read(events, run, &counted)) {
        return NULL;
    }
    peer_reading_t *reading = apr_pcalloc(pool, sizeof *reading);

    reading->target = apr_pstrdup(pool, run->host);
    reading->labels = labels_of(run, pool);
    summary = probe_summary(probe, now);
    read_summary(reading, &summary);
    if (directions != NULL) {
        read_losses(reading, directions);
    }
    read_events(reading, &counted);
    probe_round_trips(probe, &round_trips);
    time_counts_add_histogram(&reading->times[0], &round_trips.histogram, round_trips.sum);
    return reading;
}

void peer_reading_merge(peer_reading_t *reading, const peer_reading_t *other)
{
    reading->has_directions |= other->has_directions;
    reading->has_losses |= other->has_losses;
    for (unsigned i = 0; i < METRIC_ALL_NUMBERS; i++) {
        reading->numbers[i] += other->numbers[i];
    }
    for (unsigned i = 0; i < REPLY_KINDS; i++) {
        reading->replies[i] += other->replies[i];
    }
    for (unsigned i = 0; i < REFUSALS; i++) {
        reading->refused[i] += other->refused[i];
    }
    for (unsigned i = 0; i < METRIC_TIMES; i++) {
        time_counts_merge(&reading->times[i], &other->times[i]);
    }
}
