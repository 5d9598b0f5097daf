#include <apr_strings.h>
#include <string.h>

#include "client/output/format.h"
#include "client/output/plot/panels.h"
#include "common/sort.h"

#define PEERS_SHOWN 40
#define ROW_HEIGHT  26
#define STRIP_LEFT  520 /* of what is drawn over time */

/* How many characters of a name fit. */
#define NAME_CHARACTERS 42

#define BAND   "fill=\"#c3d3ea\" stroke=\"#4a6fa5\" stroke-width=\"0.8\""
#define LOST   "fill=\"#b00020\""
#define RIGHT  "text-anchor=\"end\""
#define HEADER "text-anchor=\"end\" font-weight=\"bold\""

static double loss_of(const plot_peer_t *peer)
{
    double known = (double)(peer->summary.sent - peer->summary.outstanding);

    return known > 0 ? (double)peer->summary.lost / known : 0;
}

static int compare(const void *first, const void *second)
{
    const plot_peer_t *one = *(plot_peer_t *const *)first;
    const plot_peer_t *other = *(plot_peer_t *const *)second;
    double more = loss_of(other) - loss_of(one);

    if (more != 0) {
        return more > 0 ? 1 : -1;
    }
    if (one->summary.p99 != other->summary.p99) {
        return one->summary.p99 < other->summary.p99 ? 1 : -1;
    }
    return strcmp(one->host, other->host);
}

/* One scale for all rows. */
static axis_t axis_of(const apr_array_header_t *peers, int shown)
{
    apr_int64_t low = APR_INT64_MAX, high = 0;

    for (int i = 0; i < shown; i++) {
        const probe_summary_t *summary = &APR_ARRAY_IDX(peers, i, plot_peer_t *)->summary;

        if (summary->timed > 0) {
            low = summary->minimum < low ? summary->minimum : low;
            high = summary->maximum > high ? summary->maximum : high;
        }
    }
    return axis_for(low < high ? low : high, high, 0, 1, 5);
}

/* Bins of the minimum to the maximum, and from the bottom the share of lost datagrams. */
static void draw_strip(const page_t *page, const plot_peer_t *peer, const axis_t *times,
                       const axis_t *values, double top)
{
    double height = ROW_HEIGHT - 4;

    for (unsigned i = 0; i < peer->series->bins; i++) {
        const bin_t *bin = &peer->series->bin[i];
        double left = axis_at(times, (double)peer->series->width * i);
        double width = axis_at(times, (double)peer->series->width * (i + 1)) - left;
        double all = (double)(bin->answered + bin->marks[MARK_LOST] + bin->marks[MARK_CORRUPT]);

        if (bin->timed > 0) {
            double upper = axis_at(values, (double)bin->maximum);
            double lower = axis_at(values, (double)bin->minimum);

            svg_rectangle(page->svg, left, top + (1 - upper) * height, width,
                          (upper - lower) * height + 1, BAND);
        }
        if (bin->marks[MARK_LOST] > 0) {
            double lost = (double)bin->marks[MARK_LOST] / all * height;

            lost = lost > 3 ? lost : 3;
            svg_rectangle(page->svg, left, top + height - lost, width > 1.5 ? width : 1.5, lost,
                          LOST);
        }
    }
}

static void draw_row(page_t *page, const plot_peer_t *peer, const axis_t *times,
                     const axis_t *values)
{
    const probe_summary_t *summary = &peer->summary;
    int is_timed = summary->timed > 0;
    double top = page->y + 2;

    page->y += ROW_HEIGHT;
    double y = page->y - 9;

    svg_text(page->svg, 16, y, "",
             plot_name(peer->host, peer->address, NAME_CHARACTERS, page->pool));
    svg_text(page->svg, 370, y, RIGHT, is_timed ? thousandths(summary->p50, page->pool) : "-");
    svg_text(page->svg, 440, y, RIGHT, is_timed ? thousandths(summary->p99, page->pool) : "-");
    svg_text(page->svg, 505, y, RIGHT, short_loss(summary, page->pool));
    svg_line(page->svg, 16, page->y, PLOT_RIGHT, page->y, "stroke=\"#ccc\"");
    draw_strip(page, peer, times, values, top);
}

static void draw_header(page_t *page, const axis_t *values)
{
    const char *scale =
        apr_psprintf(page->pool, "round trip, %s to %s ms, %s scale; dark: lost",
                     plot_bound(values->low, page->pool), plot_bound(values->high, page->pool),
                     values->is_logarithmic ? "logarithmic" : "linear");

    page->y += 20;
    svg_text(page->svg, 16, page->y, "font-weight=\"bold\"", "target");
    svg_text(page->svg, 370, page->y, HEADER, "p50, ms");
    svg_text(page->svg, 440, page->y, HEADER, "p99, ms");
    svg_text(page->svg, 505, page->y, HEADER, "lost, %");
    svg_text(page->svg, STRIP_LEFT, page->y, "", scale);
    page->y += 6;
    svg_line(page->svg, 16, page->y, PLOT_RIGHT, page->y, "stroke=\"#333\"");
}

void plot_peers(page_t *page, apr_array_header_t *peers, unsigned more, apr_interval_time_t elapsed)
{
    int shown = peers->nelts < PEERS_SHOWN ? peers->nelts : PEERS_SHOWN;
    const time_unit_t *unit;
    axis_t times = axis_of_time(elapsed, STRIP_LEFT, PLOT_RIGHT, &unit);

    sort_items(peers->elts, (apr_size_t)peers->nelts, (apr_size_t)peers->elt_size, compare, NULL);
    more += (unsigned)(peers->nelts - shown);
    axis_t values = axis_of(peers, shown);

    draw_header(page, &values);
    plot_bottom_grid(page, &times, page->y, page->y + shown * ROW_HEIGHT);
    for (int i = 0; i < shown; i++) {
        draw_row(page, APR_ARRAY_IDX(peers, i, plot_peer_t *), &times, &values);
    }
    if (more > 0) {
        svg_text(page->svg, 16, page->y + 16, "", apr_psprintf(page->pool, "and %u more", more));
    }
    plot_elapsed(page, &times, unit);
}
