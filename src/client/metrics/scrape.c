#include "client/metrics/scrape.h"

#include <apr_strings.h>

#include "client/output/format.h"
#include "common/prometheus.h"
#include "common/version.h"

typedef struct writer {
    prometheus_t text;
    const scrape_t *scrape;
} writer_t;

static const peer_reading_t *peer_at(const writer_t *writer, int index)
{
    return APR_ARRAY_IDX(writer->scrape->peers, index, const peer_reading_t *);
}

static void begin(const writer_t *writer, unsigned metric)
{
    const metric_row_t *row = &metric_table[metric];

    prometheus_begin(&writer->text, row->name, row->type, row->help);
}

/* A sample that has these labels; empty: none. */
static void add(const writer_t *writer, unsigned metric, const char *labels, apr_uint64_t value)
{
    apr_pool_t *pool = writer->text.pool;
    const char *name = metric_table[metric].name;

    prometheus_number(&writer->text,
                      *labels == '\0' ? name : apr_pstrcat(pool, name, "{", labels, "}", NULL),
                      value);
}

/* ---- Peers ---- */

static void add_numbers(const writer_t *writer)
{
    for (unsigned metric = 0; metric < METRIC_ALL_NUMBERS; metric++) {
        begin(writer, metric);
        for (int i = 0; i < writer->scrape->peers->nelts; i++) {
            const peer_reading_t *peer = peer_at(writer, i);

            if (metric < METRIC_NUMBERS || peer->has_losses) {
                add(writer, metric, peer->labels, peer->numbers[metric]);
            }
        }
    }
}

static void add_replies(const writer_t *writer)
{
    begin(writer, METRIC_REPLIES);
    for (int i = 0; i < writer->scrape->peers->nelts; i++) {
        const peer_reading_t *peer = peer_at(writer, i);

        for (unsigned kind = 0; kind < REPLY_KINDS; kind++) {
            add(writer, METRIC_REPLIES,
                apr_pstrcat(writer->text.pool, peer->labels, ",kind=\"",
                            verdict_word((reply_verdict_t)kind), "\"", NULL),
                peer->replies[kind]);
        }
    }
}

static void add_refused(const writer_t *writer)
{
    begin(writer, METRIC_REFUSED);
    for (int i = 0; i < writer->scrape->peers->nelts; i++) {
        const peer_reading_t *peer = peer_at(writer, i);

        for (unsigned reason = 0; reason < REFUSALS; reason++) {
            add(writer, METRIC_REFUSED,
                apr_pstrcat(writer->text.pool, peer->labels, ",reason=\"",
                            refusal_label((refusal_t)reason), "\"", NULL),
                peer->refused[reason]);
        }
    }
}

static int is_empty(const time_counts_t *times)
{
    for (unsigned i = 0; i <= TIME_BOUNDS; i++) {
        if (times->counts[i] > 0) {
            return 0;
        }
    }
    return 1;
}

/* Whether a peer has times of this metric. One-way delays are known only while both clocks are
 * synchronised, which may never be. */
static int has_times(const peer_reading_t *peer, unsigned metric)
{
    return metric == METRIC_ROUND_TRIP ||
           (peer->has_directions &&
            (metric < METRIC_FORWARD_DELAY || !is_empty(&peer->times[metric - METRIC_ROUND_TRIP])));
}

static void add_histogram(const writer_t *writer, unsigned metric, const char *labels,
                          const time_counts_t *times)
{
    const prometheus_histogram_t histogram = {TIME_BOUNDS, time_bounds_us, times->counts,
                                              times->sum_us};

    prometheus_histogram(&writer->text, metric_table[metric].name, labels, &histogram);
}

static void add_times(const writer_t *writer)
{
    for (unsigned metric = METRIC_ROUND_TRIP; metric < METRIC_LOOKUP_FAILURES; metric++) {
        begin(writer, metric);
        for (int i = 0; i < writer->scrape->peers->nelts; i++) {
            const peer_reading_t *peer = peer_at(writer, i);

            if (has_times(peer, metric)) {
                add_histogram(writer, metric, peer->labels,
                              &peer->times[metric - METRIC_ROUND_TRIP]);
            }
        }
    }
}

/* ---- Targets and the process ---- */

static void add_lookups(const writer_t *writer)
{
    apr_pool_t *pool = writer->text.pool;

    begin(writer, METRIC_LOOKUP_FAILURES);
    for (int i = 0; i < writer->scrape->lookups->nelts; i++) {
        const target_lookups_t *target =
            &APR_ARRAY_IDX(writer->scrape->lookups, i, target_lookups_t);

        add(writer, METRIC_LOOKUP_FAILURES,
            apr_pstrcat(pool, "target=\"", prometheus_escape(target->target, pool), "\"", NULL),
            target->failures);
    }
}

static void add_process(const writer_t *writer)
{
    const scrape_t *scrape = writer->scrape;

    begin(writer, METRIC_LATENESS);
    add_histogram(writer, METRIC_LATENESS, "", &scrape->lateness);
    begin(writer, METRIC_TARGETS);
    add(writer, METRIC_TARGETS, "", scrape->targets);
    begin(writer, METRIC_PEERS);
    add(writer, METRIC_PEERS, "", (apr_uint64_t)scrape->peers->nelts);
    begin(writer, METRIC_BUILD);
    add(writer, METRIC_BUILD, "version=\"" UDPECHO_VERSION "\"", 1);
    begin(writer, METRIC_START);
    prometheus_seconds(&writer->text, metric_table[METRIC_START].name,
                       (apr_uint64_t)scrape->started);
}

const char *scrape_text(const scrape_t *scrape, apr_pool_t *pool)
{
    const writer_t writer = {prometheus_create(pool), scrape};

    add_numbers(&writer);
    add_replies(&writer);
    add_refused(&writer);
    add_times(&writer);
    add_lookups(&writer);
    add_process(&writer);
    return prometheus_text(&writer.text);
}
