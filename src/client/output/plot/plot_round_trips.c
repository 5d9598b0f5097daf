#include <apr_strings.h>

#include "client/output/format.h"
#include "client/output/plot/panels.h"

#define HEIGHT      260
#define LANE_HEIGHT 18
#define LANES_GAP   7 /* above them */

/* Up to this many points have larger dots. */
#define POINTS_SPARSE 100

#define BAND   "fill=\"#c3d3ea\" stroke=\"#8aa6cf\" stroke-width=\"0.7\""
#define MEDIAN "fill=\"none\" stroke=\"#0b2f66\" stroke-width=\"1.4\""
#define DOTS   "class=\"round-trips\" fill=\"none\" stroke=\"#0b2f66\" stroke-linecap=\"round\""
#define KEY    "text-anchor=\"end\" fill=\"#333\""

/* What is wrong with datagrams, each on a lane of its own, and as a sign of its own: the path of
 * it, 8 pixels wide, from its middle. */
typedef struct lane {
    const char *name;
    const char *sign;
    const char *colour;
    int is_always; /* it is shown even if there were none */
} lane_t;

static const lane_t lanes[MARKS] = {
    [MARK_LOST] = {"lost", "m-4 -4l8 8m0 -8l-8 8", "#b00020", 1},
    [MARK_LATE] = {"late", "m0 -4l4 8h-8z", "#8a4b00", 1},
    [MARK_CORRUPT] = {"corrupt", "m-4 -4h8v8h-8z", "#5b1a8b", 1},
    [MARK_DUPLICATE] = {"duplicate", "m-2 -4v8m4 -8v8", "#333", 0},
    [MARK_REORDERED] = {"reordered", "m-4 0h8m-3 -3l3 3l-3 3", "#333", 0},
    [MARK_REFUSED] = {"refused", "m-4 0h8m-4 -4v8", "#b00020", 0},
    [MARK_NOT_SENT] = {"not sent", "m-4 0h8", "#333", 0},
};

/* How often each is in the summary. */
static apr_uint64_t count_of(const probe_summary_t *summary, unsigned mark)
{
    const apr_uint64_t counts[MARKS] = {
        [MARK_LOST] = summary->lost,
        [MARK_LATE] = summary->late,
        [MARK_CORRUPT] = summary->replies[REPLY_CORRUPT],
        [MARK_DUPLICATE] = summary->replies[REPLY_DUPLICATE],
        [MARK_REORDERED] = summary->reordered,
        [MARK_REFUSED] = summary->refused,
        [MARK_NOT_SENT] = summary->not_sent,
    };

    return counts[mark];
}

static double bin_x(const series_t *series, const axis_t *times, unsigned bin)
{
    return axis_at(times, (double)series->width * bin);
}

/* ---- Round trips ---- */

/* The bins from `first` on that have round trips, as one shape; returns the first one behind. */
static unsigned draw_shape(const page_t *page, const series_t *series, const axis_t *times,
                           const axis_t *values, unsigned first)
{
    unsigned end = first;
    svg_t *svg = page->svg;

    svg_add(svg, "<path " BAND " d=\"M%.1f %.1f", bin_x(series, times, first),
            axis_at(values, (double)series->bin[first].maximum));
    for (; end < series->bins && series->bin[end].timed > 0; end++) {
        svg_add(svg, "V%.1fH%.1f", axis_at(values, (double)series->bin[end].maximum),
                bin_x(series, times, end + 1));
    }
    for (unsigned i = end; i > first; i--) {
        svg_add(svg, "V%.1fH%.1f", axis_at(values, (double)series->bin[i - 1].minimum),
                bin_x(series, times, i - 1));
    }
    svg_add(svg, "Z\"/>\n<path " MEDIAN " d=\"M%.1f %.1f", bin_x(series, times, first),
            axis_at(values, (double)series_median(series, first)));
    for (unsigned i = first; i < end; i++) {
        svg_add(svg, "V%.1fH%.1f", axis_at(values, (double)series_median(series, i)),
                bin_x(series, times, i + 1));
    }
    svg_add(svg, "\"/>\n");
    return end;
}

static void draw_bins(const page_t *page, const series_t *series, const axis_t *times,
                      const axis_t *values)
{
    for (unsigned i = 0; i < series->bins;) {
        i = series->bin[i].timed > 0 ? draw_shape(page, series, times, values, i) : i + 1;
    }
}

static void draw_points(const page_t *page, const series_t *series, const axis_t *times,
                        const axis_t *values)
{
    int width = series->points > POINTS_SPARSE ? 4 : 7;

    svg_add(page->svg, "<path " DOTS " stroke-width=\"%d\" d=\"", width);
    for (unsigned i = 0; i < series->points; i++) {
        const point_t *point = &series->point[i];

        if (point->round_trip >= 0) {
            svg_add(page->svg, "M%.1f %.1fh0", axis_at(times, (double)point->at),
                    axis_at(values, (double)point->round_trip));
        }
    }
    svg_add(page->svg, "\"/>\n");
}

static const char *width_text(apr_interval_time_t width, apr_pool_t *pool)
{
    return width < 1000 * APR_USEC_PER_SEC
               ? apr_pstrcat(pool, milliseconds(width / 1000, 3, pool), " s", NULL)
               : apr_psprintf(pool, "%" APR_INT64_T_FMT " s", width / APR_USEC_PER_SEC);
}

static void draw_key(const page_t *page, const series_t *series, double top)
{
    double y = top - 9;

    if (!series->is_cut) {
        svg_text(page->svg, PLOT_RIGHT, y, KEY, "each dot a round trip, at the time it began");
        return;
    }
    svg_text(page->svg, PLOT_RIGHT, y, KEY,
             apr_psprintf(page->pool, "shaded: minimum to maximum, line: median, of each %s",
                          width_text(series->width, page->pool)));
}

/* ---- What was wrong ---- */

static void draw_signs(const page_t *page, const series_t *series, const axis_t *times,
                       unsigned mark, double middle)
{
    const lane_t *lane = &lanes[mark];

    svg_add(page->svg, "<path class=\"%s\" fill=\"none\" stroke-width=\"1.5\" stroke=\"%s\" d=\"",
            lane->name, lane->colour);
    for (unsigned i = 0; i < series->points; i++) {
        if (series->point[i].mark == mark) {
            svg_add(page->svg, "M%.1f %.1f%s", axis_at(times, (double)series->point[i].at), middle,
                    lane->sign);
        }
    }
    svg_add(page->svg, "\"/>\n");
}

/* A bar as high as the share of the datagrams. */
static void draw_shares(const page_t *page, const series_t *series, const axis_t *times,
                        unsigned mark, double bottom)
{
    double most = LANE_HEIGHT - 4, least = 3;

    for (unsigned i = 0; i < series->bins; i++) {
        const bin_t *bin = &series->bin[i];
        double all = (double)(bin->answered + bin->marks[MARK_LOST] + bin->marks[MARK_CORRUPT]);
        double marked = (double)bin->marks[mark];
        double left = bin_x(series, times, i);
        double width = bin_x(series, times, i + 1) - left;
        double height = marked < all ? marked / all * most : most;

        if (marked > 0) {
            height = height > least ? height : least;
            svg_rectangle(page->svg, left, bottom - height, width > 1.5 ? width : 1.5, height,
                          apr_psprintf(page->pool, "fill=\"%s\"", lanes[mark].colour));
        }
    }
}

static void draw_lanes(page_t *page, const series_t *series, const probe_summary_t *summary,
                       const axis_t *times)
{
    page->y += LANES_GAP;
    for (unsigned mark = 0; mark < MARKS; mark++) {
        apr_uint64_t count = count_of(summary, mark);
        double top = page->y;

        if (count == 0 && !lanes[mark].is_always) {
            continue;
        }
        page->y += LANE_HEIGHT;
        plot_bottom_grid(page, times, top, page->y);
        svg_rectangle(page->svg, PLOT_LEFT, top, PLOT_RIGHT - PLOT_LEFT, LANE_HEIGHT,
                      "fill=\"none\" stroke=\"#999\"");
        svg_text(page->svg, PLOT_LEFT - 6, page->y - 5, KEY,
                 apr_psprintf(page->pool, "%" APR_UINT64_T_FMT " %s", count, lanes[mark].name));
        if (series->is_cut) {
            draw_shares(page, series, times, mark, page->y);
        } else {
            draw_signs(page, series, times, mark, top + LANE_HEIGHT / 2.0);
        }
    }
}

/* ---- ---- */

/* From when on there was load. */
static void draw_load(const page_t *page, const series_t *series, const axis_t *times, double top)
{
    double x = axis_at(times, (double)series->loaded_from);

    if (series->loaded_from > 0) {
        svg_rectangle(page->svg, x, top, PLOT_RIGHT - x, page->y - top, "fill=\"#f3f3f3\"");
        svg_line(page->svg, x, top, x, page->y, "stroke=\"#333\" stroke-dasharray=\"6 3\"");
        svg_text(page->svg, x + 5, top + 15, "fill=\"#333\"", "with load");
    }
}

static void draw_trips(const page_t *page, const series_t *series, const probe_summary_t *summary,
                       const axis_t *times, double top)
{
    if (summary->timed == 0) {
        svg_text(page->svg, (PLOT_LEFT + PLOT_RIGHT) / 2.0, top + HEIGHT / 2.0,
                 "text-anchor=\"middle\" fill=\"#333\"", "no round trip is known");
        return;
    }
    axis_t values = axis_for(summary->minimum, summary->maximum, page->y - 4, top + 4, 7);

    plot_left_times(page, &values);
    draw_key(page, series, top);
    (series->is_cut ? draw_bins : draw_points)(page, series, times, &values);
}

void plot_round_trips(page_t *page, const series_t *series, const probe_summary_t *summary,
                      apr_interval_time_t elapsed)
{
    const time_unit_t *unit;
    axis_t times = axis_of_time(elapsed, PLOT_LEFT, PLOT_RIGHT, &unit);
    double top = plot_frame(page, "Round trip, ms", HEIGHT);

    draw_load(page, series, &times, top);
    plot_bottom_grid(page, &times, top, page->y);
    draw_trips(page, series, summary, &times, top);
    draw_lanes(page, series, summary, &times);
    plot_elapsed(page, &times, unit);
}
