#include "client/output/report_plot.h"

#include <apr_hash.h>
#include <apr_strings.h>

#include "client/failure.h"
#include "client/output/format.h"
#include "client/output/plot/panels.h"
#include "client/output/plot/plot_single.h"
#include "client/output/report_text_parts.h"
#include "client/output/whole_file.h"
#include "common/time_stamp.h"

/* The colours of time: of a single run, and of each of several. */
#define BINS      512
#define BINS_EACH 96

/* How many of several peers are remembered; those that are no longer asked make room for others. */
#define PEERS_MAX 4096

/* What a run is found by: its address. */
typedef const void *run_key_t;

/* One of several peers. */
typedef struct several {
    plot_peer_t peer;
    run_key_t run;
    int is_over;
} several_t;

struct report_plot {
    report_t report;
    const char *path;
    int has_started;
    apr_time_t start;        /* of the first run, by event_t's now */
    apr_time_t wall_clock;   /* then */
    plot_single_t *single;   /* NULL: several peers, or not begun */
    apr_hash_t *by_run;      /* several_t * of each that goes on, by its run */
    apr_array_header_t *all; /* of plot_peer_t *, each the first member of a several_t */
    unsigned more;           /* not remembered */
    apr_status_t status;
    apr_pool_t *pool;
    apr_pool_t *scratch; /* cleared after each picture */
};

/* ---- What happens ---- */

static void begin_single(report_plot_t *plot, const run_t *run)
{
    if (plot->single == NULL) {
        plot->single = apr_pcalloc(plot->pool, sizeof *plot->single);
        plot->single->series = series_create(BINS, 1, plot->pool);
    }
    plot->single->latest = run;
    plot->single->addresses++;
}

/* Room for one more; NULL: there is none. */
static several_t *room(report_plot_t *plot)
{
    if (plot->all->nelts < PEERS_MAX) {
        several_t *several = apr_pcalloc(plot->pool, sizeof *several);

        several->peer.series = series_create(BINS_EACH, 0, plot->pool);
        APR_ARRAY_PUSH(plot->all, plot_peer_t *) = &several->peer;
        return several;
    }
    plot->more++;
    for (int i = 0; i < plot->all->nelts; i++) {
        several_t *several = (several_t *)APR_ARRAY_IDX(plot->all, i, plot_peer_t *);

        if (several->is_over) {
            series_clear(several->peer.series);
            return several;
        }
    }
    return NULL;
}

static void begin_one_of_many(report_plot_t *plot, const run_t *run)
{
    several_t *several = room(plot);

    if (several != NULL) {
        several->peer.host = apr_pstrdup(plot->pool, run->host);
        several->peer.address = endpoint_text(&run->peer, plot->pool);
        several->peer.summary = (probe_summary_t){0};
        several->run = run;
        several->is_over = 0;
        apr_hash_set(plot->by_run, &several->run, sizeof several->run, several);
    }
}

static void begin(report_plot_t *plot, const event_t *event)
{
    if (!plot->has_started) {
        plot->has_started = 1;
        plot->start = event->now;
        plot->wall_clock = event->wall_clock;
    }
    if (event->run->is_one_of_many) {
        begin_one_of_many(plot, event->run);
    } else {
        begin_single(plot, event->run);
    }
}

/* An answer, or a late one. */
static void take_answer(series_t *series, const event_t *event, apr_interval_time_t at)
{
    const reply_t *reply = event->reply;
    apr_interval_time_t sent = reply->has_sequence ? at - reply->round_trip - reply->kept : at;

    if (reply->verdict == REPLY_LATE) {
        series_not_lost(series, sent, reply->sequence);
        series_mark(series, sent, MARK_LATE, reply->sequence);
    }
    if (reply->is_reordered) {
        series_mark(series, sent, MARK_REORDERED, reply->sequence);
    }
    series_answer(series, sent, reply->has_sequence ? reply->round_trip : -1, reply->sequence);
    if (event->one_way != NULL && event->one_way->has_delays) {
        series_ways(series, sent, event->one_way->forward, event->one_way->backward);
    }
}

static void take_reply(series_t *series, const event_t *event, apr_interval_time_t at)
{
    const reply_t *reply = event->reply;

    switch (reply->verdict) {
    case REPLY_ANSWER:
    case REPLY_LATE:
        take_answer(series, event, at);
        break;
    case REPLY_DUPLICATE:
        series_mark(series, at, MARK_DUPLICATE, reply->sequence);
        break;
    case REPLY_CORRUPT:
        series_mark(series, at, MARK_CORRUPT, reply->sequence);
        break;
    default:
        break;
    }
}

/* What happened to a datagram. */
static void take_datagram(const report_plot_t *plot, series_t *series, const event_t *event)
{
    apr_interval_time_t at = event->now - plot->start;

    switch (event->kind) {
    case EVENT_REPLY:
        take_reply(series, event, at);
        break;
    case EVENT_MISSING:
        series_mark(series, at - event->run->timeout, MARK_LOST, event->request->sequence);
        break;
    case EVENT_REFUSED:
        series_mark(series, at, MARK_REFUSED, 0);
        break;
    case EVENT_NOT_SENT:
        series_mark(series, at, MARK_NOT_SENT, event->request->sequence);
        break;
    default:
        break;
    }
}

static void take_sweep(const report_plot_t *plot, const sweep_result_t *sweep)
{
    sweep_result_t *copy = apr_pmemdup(plot->pool, sweep, sizeof *sweep);

    copy->rows = apr_pmemdup(plot->pool, sweep->rows, sweep->count * sizeof *sweep->rows);
    copy->verdict = apr_pstrdup(plot->pool, sweep->verdict);
    plot->single->sweep = copy;
}

/* ---- The picture ---- */

/* "2026-01-31 12:00:00" */
static const char *date_text(apr_time_t time, apr_pool_t *pool)
{
    char stamp[TIME_STAMP_LENGTH + 1];

    time_stamp(stamp, time);
    return apr_psprintf(pool, "%.10s %.8s", stamp, stamp + 11);
}

/* From when to when; the end is by the clock that nobody sets. */
static const char *span_text(const report_plot_t *plot, const event_t *event)
{
    apr_pool_t *pool = plot->scratch;

    return apr_psprintf(pool, "%s to %s UTC%s", date_text(plot->wall_clock, pool),
                        date_text(plot->wall_clock + (event->now - plot->start), pool),
                        event->is_interim ? ", not at its end yet" : "");
}

static const char *draw_all(const report_plot_t *plot, const event_t *event)
{
    page_t page = {svg_create(plot->scratch), 0, plot->scratch};
    const char *title = apr_psprintf(page.pool, "udpecho: %u peers", event->total->peers);

    plot_heading(&page, title, span_text(plot, event));
    plot_lines(&page, plot_below_heading(report_text_total(event, page.pool)));
    plot_peers(&page, apr_array_copy(page.pool, plot->all), plot->more, event->now - plot->start);
    return svg_document(page.svg, PLOT_WIDTH, page.y + 16, title);
}

/* ---- The report ---- */

static void write_plot(report_plot_t *plot, const char *text)
{
    plot->status = whole_file_write(plot->path, text, plot->scratch);
}

static void take_load(const report_plot_t *plot, const event_t *event)
{
    plot->single->load = *event->load;
    plot->single->load_text = plot_below_heading(report_text_load(event, plot->pool));
}

static void tell_single(report_plot_t *plot, const event_t *event)
{
    plot_single_t *single = plot->single;

    take_datagram(plot, single->series, event);
    if (event->kind == EVENT_REPLY) {
        plot_single_reply(single, event, event->now - plot->start);
    } else if (event->kind == EVENT_SWEEP) {
        take_sweep(plot, event->sweep);
    } else if (event->kind == EVENT_LOAD) {
        take_load(plot, event);
    } else if (event->kind == EVENT_SUMMARY && event->run == single->latest) {
        write_plot(plot, plot_single_draw(single, event, span_text(plot, event),
                                          event->now - plot->start, plot->scratch));
    } else if (event->kind == EVENT_SUMMARY && !event->is_interim) {
        plot_single_is_over(single, event->summary);
    }
}

static void tell_one_of_many(const report_plot_t *plot, const event_t *event)
{
    run_key_t run = event->run;
    several_t *several = apr_hash_get(plot->by_run, &run, sizeof run);

    if (several == NULL) {
        return; /* there was no room for it */
    }
    take_datagram(plot, several->peer.series, event);
    if (event->kind == EVENT_SUMMARY) {
        several->peer.summary = *event->summary;
        several->is_over = !event->is_interim;
    }
    if (several->is_over) {
        apr_hash_set(plot->by_run, &run, sizeof run, NULL);
    }
}

static void tell(void *context, const event_t *event)
{
    report_plot_t *plot = context;

    if (event->kind == EVENT_START) {
        begin(plot, event);
    } else if (event->kind == EVENT_TOTAL) {
        write_plot(plot, draw_all(plot, event));
    } else if (event->run->is_one_of_many) {
        tell_one_of_many(plot, event);
    } else if (plot->single != NULL) {
        tell_single(plot, event);
    }
    apr_pool_clear(plot->scratch);
}

const char *report_plot_create(report_plot_t **plot, const char *path, apr_pool_t *pool)
{
    report_plot_t *created = apr_pcalloc(pool, sizeof *created);
    created->report = (report_t){.tell = tell, .context = created};
    created->path = path;
    created->by_run = apr_hash_make(pool);
    created->all = apr_array_make(pool, 1, sizeof(plot_peer_t *));
    created->pool = pool;
    apr_pool_create(&created->scratch, pool);
    *plot = created;

    /* A run may last for weeks; what cannot be written in the end is better known before. */
    apr_status_t status = whole_file_try(path, created->scratch);

    apr_pool_clear(created->scratch);
    return status == APR_SUCCESS ? NULL : cannot("write it", status, pool);
}

report_t *report_plot_report(report_plot_t *plot)
{
    return &plot->report;
}

apr_status_t report_plot_status(const report_plot_t *plot)
{
    return plot->status;
}
