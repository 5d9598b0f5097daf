#include "client/output/report_plot.h"

#include <apr_file_io.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <string.h>

#include "client/failure.h"
#include "client/output/format.h"
#include "client/output/plot/panels.h"
#include "client/output/report_text_parts.h"
#include "common/file_print.h"
#include "common/time_stamp.h"

/* Of time: of a single run, and of each of several. */
#define BINS      512
#define BINS_EACH 96

/* How many characters of a name fit into the title. */
#define TITLE_MAX 150

/* How many of several peers are remembered; those that are no longer asked count too. */
#define PEERS_MAX 4096

/* What a run is found by: its address. */
typedef const void *run_key_t;

/* One run. */
typedef struct plotted {
    plot_peer_t peer;
    histogram_t *round_trips; /* of a single run; NULL: one of several */
    sweep_result_t *sweep;    /* NULL: none, or not yet */
} plotted_t;

struct report_plot {
    report_t report;
    const char *path;
    int has_started;
    apr_time_t start;        /* of the first run, by event_t's now */
    apr_time_t wall_clock;   /* then */
    apr_hash_t *by_run;      /* plotted_t * of each run that goes on, by run_key_t */
    apr_array_header_t *all; /* of plot_peer_t *, in the order in which they began */
    unsigned more;           /* not remembered */
    apr_status_t status;
    apr_pool_t *pool;
    apr_pool_t *scratch; /* cleared after each picture */
};

/* ---- What happens ---- */

static void begin(report_plot_t *plot, const event_t *event)
{
    const run_t *run = event->run;

    if (!plot->has_started) {
        plot->has_started = 1;
        plot->start = event->now;
        plot->wall_clock = event->wall_clock;
    }
    if (plot->all->nelts == PEERS_MAX) {
        plot->more++;
        return;
    }
    plotted_t *plotted = apr_pcalloc(plot->pool, sizeof *plotted);
    run_key_t *key = apr_palloc(plot->pool, sizeof *key);

    *key = run;
    plotted->peer.host = apr_pstrdup(plot->pool, run->host);
    plotted->peer.address = endpoint_text(&run->peer, plot->pool);
    plotted->peer.series =
        series_create(run->is_one_of_many ? BINS_EACH : BINS, !run->is_one_of_many, plot->pool);
    if (!run->is_one_of_many) {
        plotted->round_trips = apr_pcalloc(plot->pool, sizeof *plotted->round_trips);
    }
    apr_hash_set(plot->by_run, key, sizeof *key, plotted);
    APR_ARRAY_PUSH(plot->all, plot_peer_t *) = &plotted->peer;
}

/* An answer, or a late one. */
static void take_answer(plotted_t *plotted, const event_t *event, apr_interval_time_t at)
{
    const reply_t *reply = event->reply;
    series_t *series = plotted->peer.series;
    apr_interval_time_t sent = reply->has_sequence ? at - reply->round_trip - reply->kept : at;

    if (reply->verdict == REPLY_LATE) {
        series_not_lost(series, sent, reply->sequence);
        series_mark(series, sent, MARK_LATE, reply->sequence);
    }
    if (reply->is_reordered) {
        series_mark(series, sent, MARK_REORDERED, reply->sequence);
    }
    series_answer(series, sent, reply->has_sequence ? reply->round_trip : -1, reply->sequence);
    if (plotted->round_trips != NULL && reply->has_sequence) {
        histogram_add(plotted->round_trips, reply->round_trip);
    }
    if (event->one_way != NULL && event->one_way->has_delays) {
        series_ways(series, sent, event->one_way->forward, event->one_way->backward);
    }
}

static void take_reply(plotted_t *plotted, const event_t *event, apr_interval_time_t at)
{
    const reply_t *reply = event->reply;

    switch (reply->verdict) {
    case REPLY_ANSWER:
    case REPLY_LATE:
        take_answer(plotted, event, at);
        break;
    case REPLY_DUPLICATE:
        series_mark(plotted->peer.series, at, MARK_DUPLICATE, reply->sequence);
        break;
    case REPLY_CORRUPT:
        series_mark(plotted->peer.series, at, MARK_CORRUPT, reply->sequence);
        break;
    default:
        break;
    }
}

static void take_sweep(const report_plot_t *plot, plotted_t *plotted, const sweep_result_t *sweep)
{
    sweep_result_t *copy = apr_pmemdup(plot->pool, sweep, sizeof *sweep);

    copy->rows = apr_pmemdup(plot->pool, sweep->rows, sweep->count * sizeof *sweep->rows);
    copy->verdict = apr_pstrdup(plot->pool, sweep->verdict);
    plotted->sweep = copy;
}

static void take(const report_plot_t *plot, plotted_t *plotted, const event_t *event)
{
    apr_interval_time_t at = event->now - plot->start;
    series_t *series = plotted->peer.series;

    switch (event->kind) {
    case EVENT_REPLY:
        take_reply(plotted, event, at);
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
    case EVENT_SWEEP:
        take_sweep(plot, plotted, event->sweep);
        break;
    case EVENT_SUMMARY:
        plotted->peer.summary = *event->summary;
        break;
    default:
        break;
    }
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

/* The lines below the first, which is a heading of its own. */
static const char *below_heading(const char *lines)
{
    const char *end = strchr(lines, '\n');

    return end != NULL ? end + 1 : lines;
}

static const char *title_of(const event_t *event, apr_pool_t *pool)
{
    const char *address = endpoint_text(&event->run->peer, pool);

    return apr_pstrcat(pool, "udpecho ", plot_name(event->run->host, address, TITLE_MAX, pool),
                       NULL);
}

static const char *draw_run(const report_plot_t *plot, const plotted_t *plotted,
                            const event_t *event)
{
    page_t page = {svg_create(plot->scratch), 0, plot->scratch};
    apr_interval_time_t elapsed = event->now - plot->start;
    const char *title = title_of(event, page.pool);

    plot_heading(&page, title, span_text(plot, event));
    plot_lines(&page, below_heading(report_text_summary(event, page.pool)));
    plot_round_trips(&page, plotted->peer.series, event->summary, elapsed);
    plot_ways(&page, plotted->peer.series, event->directions, elapsed);
    if (plotted->sweep != NULL) {
        plot_sweep(&page, plotted->sweep);
    }
    plot_histogram(&page, plotted->round_trips, event->summary);
    return svg_document(page.svg, PLOT_WIDTH, page.y + 16, title);
}

static const char *draw_all(const report_plot_t *plot, const event_t *event)
{
    page_t page = {svg_create(plot->scratch), 0, plot->scratch};
    const char *title = apr_psprintf(page.pool, "udpecho: %u peers", event->total->peers);

    plot_heading(&page, title, span_text(plot, event));
    plot_lines(&page, below_heading(report_text_total(event, page.pool)));
    plot_peers(&page, apr_array_copy(page.pool, plot->all), plot->more, event->now - plot->start);
    return svg_document(page.svg, PLOT_WIDTH, page.y + 16, title);
}

/* ---- The file ---- */

static const char *temporary_path(const report_plot_t *plot)
{
    return apr_psprintf(plot->scratch, "%s.%" APR_TIME_T_FMT ".tmp", plot->path, apr_time_now());
}

static apr_status_t open_file(apr_file_t **file, const char *path, apr_pool_t *pool)
{
    return apr_file_open(file, path,
                         APR_FOPEN_WRITE | APR_FOPEN_CREATE | APR_FOPEN_EXCL | APR_FOPEN_BINARY,
                         APR_FPROT_OS_DEFAULT, pool);
}

/* Who reads the file meanwhile finds the old one or the new one, not a part of one. */
static apr_status_t write_file(const report_plot_t *plot, const char *text)
{
    const char *path = temporary_path(plot);
    apr_size_t written;
    apr_file_t *file;
    apr_status_t status = open_file(&file, path, plot->scratch);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = file_write_whole(file, text, strlen(text), &written);
    apr_status_t closed = apr_file_close(file);

    status = status == APR_SUCCESS ? closed : status;
    if (status == APR_SUCCESS) {
        status = apr_file_rename(path, plot->path, plot->scratch);
    }
    if (status != APR_SUCCESS) {
        apr_file_remove(path, plot->scratch);
    }
    return status;
}

/* ---- The report ---- */

static void tell_run(report_plot_t *plot, const event_t *event)
{
    run_key_t run = event->run;

    if (event->kind == EVENT_START) {
        begin(plot, event);
    }
    plotted_t *plotted = apr_hash_get(plot->by_run, &run, sizeof run);

    if (plotted == NULL) {
        return; /* there was no room for it */
    }
    take(plot, plotted, event);
    if (event->kind == EVENT_SUMMARY && !event->run->is_one_of_many) {
        plot->status = write_file(plot, draw_run(plot, plotted, event));
    }
    if (event->kind == EVENT_SUMMARY && !event->is_interim) {
        apr_hash_set(plot->by_run, &run, sizeof run, NULL);
    }
}

static void tell(void *context, const event_t *event)
{
    report_plot_t *plot = context;

    if (event->kind == EVENT_TOTAL) {
        plot->status = write_file(plot, draw_all(plot, event));
    } else {
        tell_run(plot, event);
    }
    apr_pool_clear(plot->scratch);
}

const char *report_plot_create(report_plot_t **plot, const char *path, apr_pool_t *pool)
{
    report_plot_t *created = apr_pcalloc(pool, sizeof *created);
    apr_file_t *file;

    created->report = (report_t){.tell = tell, .context = created};
    created->path = path;
    created->by_run = apr_hash_make(pool);
    created->all = apr_array_make(pool, 1, sizeof(plot_peer_t *));
    created->pool = pool;
    apr_pool_create(&created->scratch, pool);
    *plot = created;

    /* A run may last for weeks; what cannot be written in the end is better known before. */
    const char *temporary = temporary_path(created);
    apr_status_t status = open_file(&file, temporary, created->scratch);

    if (status != APR_SUCCESS) {
        return cannot("write it", status, pool);
    }
    apr_file_close(file);
    apr_file_remove(temporary, created->scratch);
    apr_pool_clear(created->scratch);
    return NULL;
}

report_t *report_plot_report(report_plot_t *plot)
{
    return &plot->report;
}

apr_status_t report_plot_status(const report_plot_t *plot)
{
    return plot->status;
}
