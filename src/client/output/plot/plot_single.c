#include "client/output/plot/plot_single.h"

#include <apr_strings.h>
#include <string.h>

#include "client/output/format.h"
#include "client/output/report_text_parts.h"

/* How many characters of a name fit into the title. */
#define TITLE_MAX 150

/* ---- What happens ---- */

void plot_single_reply(plot_single_t *single, const event_t *event, apr_interval_time_t at)
{
    /* The pings with load are a run of their own, which is not told to begin. */
    int is_loaded = event->run->measurement == MEASURE_LOAD && event->run != single->latest;

    if (!event->reply->has_sequence ||
        (event->reply->verdict != REPLY_ANSWER && event->reply->verdict != REPLY_LATE)) {
        return;
    }
    histogram_add(is_loaded ? &single->loaded : &single->round_trips, event->reply->round_trip);
    if (is_loaded && single->series->loaded_from == 0) {
        single->series->loaded_from = at - event->reply->round_trip;
    }
}

/* Adds what is drawn of a summary. */
static void add_former(probe_summary_t *sum, const probe_summary_t *summary)
{
    if (summary->timed > 0) {
        sum->minimum =
            sum->timed == 0 || summary->minimum < sum->minimum ? summary->minimum : sum->minimum;
        sum->maximum = summary->maximum > sum->maximum ? summary->maximum : sum->maximum;
    }
    sum->timed += summary->timed;
    sum->lost += summary->lost;
    sum->late += summary->late;
    sum->reordered += summary->reordered;
    sum->refused += summary->refused;
    sum->not_sent += summary->not_sent;
    for (unsigned i = 0; i < REPLY_KINDS; i++) {
        sum->replies[i] += summary->replies[i];
    }
}

void plot_single_is_over(plot_single_t *single, const probe_summary_t *summary)
{
    add_former(&single->former, summary);
}

/* ---- The picture ---- */

const char *plot_below_heading(const char *lines)
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

/* The summary of all runs; the percentiles are those of the histogram. */
static probe_summary_t whole_summary(const plot_single_t *single, const probe_summary_t *latest)
{
    probe_summary_t whole = *latest;

    if (single->load.has_load) {
        add_former(&whole, &single->load.idle);
    } else if (single->addresses > 1) {
        add_former(&whole, &single->former);
        whole.p50 = histogram_quantile(&single->round_trips, 0.5);
        whole.p90 = histogram_quantile(&single->round_trips, 0.9);
        whole.p99 = histogram_quantile(&single->round_trips, 0.99);
    }
    return whole;
}

static void draw_words(page_t *page, const plot_single_t *single, const event_t *event)
{
    plot_lines(page, single->load_text != NULL
                         ? single->load_text
                         : plot_below_heading(report_text_summary(event, page->pool)));
    if (single->addresses > 1) {
        plot_lines(page, apr_psprintf(page->pool,
                                      "The lines above are of the last of %u addresses, the "
                                      "picture below is of all of them.\n",
                                      single->addresses));
    }
}

static void draw_histograms(page_t *page, const plot_single_t *single,
                            const probe_summary_t *summary)
{
    static const char title[] = "Datagrams by round trip";

    if (!single->load.has_load) {
        plot_histogram(page, title, &single->round_trips, &single->round_trips, summary);
        return;
    }
    histogram_t *all = apr_pmemdup(page->pool, &single->round_trips, sizeof *all);

    histogram_merge(all, &single->loaded);
    plot_histogram(page, apr_pstrcat(page->pool, title, " without load", NULL), all,
                   &single->round_trips, &single->load.idle);
    plot_histogram(page, apr_pstrcat(page->pool, title, " with load", NULL), all, &single->loaded,
                   &single->load.loaded);
}

const char *plot_single_draw(const plot_single_t *single, const event_t *event, const char *span,
                             apr_interval_time_t elapsed, apr_pool_t *pool)
{
    page_t page = {svg_create(pool), 0, pool};
    const probe_summary_t summary = whole_summary(single, event->summary);
    const char *title = title_of(event, pool);

    plot_heading(&page, title, span);
    draw_words(&page, single, event);
    plot_round_trips(&page, single->series, &summary, elapsed);
    plot_ways(&page, single->series, event->directions, elapsed);
    if (single->sweep != NULL) {
        plot_sweep(&page, single->sweep);
    }
    draw_histograms(&page, single, &summary);
    return svg_document(page.svg, PLOT_WIDTH, page.y + 16, title);
}
