#include <apr_strings.h>

#include "client/output/format.h"
#include "client/output/plot/panels.h"
#include "client/output/ranges.h"

#define HEIGHT 180

/* Where the names of the percentiles stand. */
#define NAMES_HEIGHT 44
#define NAME_WIDTH   120

/* How wide a bar is for what lies below or above the ranges. */
#define OUTSIDE_WIDTH 64

#define BAR     "fill=\"#c3d3ea\" stroke=\"#4a6fa5\" stroke-width=\"0.8\""
#define OUTSIDE "fill=\"#eee\" stroke=\"#4a6fa5\" stroke-width=\"0.8\" stroke-dasharray=\"3 2\""
#define BELOW   "text-anchor=\"middle\" fill=\"#333\""

#define RANGES        60
#define RANGES_SPARSE 10

/* The axes of one histogram. */
typedef struct space {
    axis_t values, counts;
    double top, bottom;
} space_t;

/* A few bars are not to fill the whole width; what is at each end of them then. */
static apr_int64_t margin_of(const ranges_t *ranges)
{
    apr_int64_t step = ranges->bound[1] - ranges->bound[0];
    apr_int64_t margin = (RANGES_SPARSE - (apr_int64_t)ranges->count) / 2 * step;

    if (ranges->is_logarithmic || ranges->below > 0 || ranges->above > 0 || margin < 0) {
        return 0;
    }
    return margin < ranges->bound[0] ? margin : ranges->bound[0] / step * step;
}

static void draw_bar(const page_t *page, const space_t *space, double left, double right,
                     apr_uint64_t count, const char *style)
{
    double y = axis_at(&space->counts, (double)count);

    if (count > 0) { /* a single one of many is seen, too */
        y = y < space->bottom - 1.5 ? y : space->bottom - 1.5;
        svg_rectangle(page->svg, left, y, right - left, space->bottom - y, style);
    }
}

static void draw_outside(const page_t *page, const ranges_t *ranges, const space_t *space)
{
    double left = space->values.from, right = space->values.to;

    if (ranges->below > 0) {
        draw_bar(page, space, left - OUTSIDE_WIDTH + 6, left - 6, ranges->below, OUTSIDE);
        svg_text(page->svg, left - OUTSIDE_WIDTH / 2.0 - 6, space->bottom + 16, BELOW,
                 apr_pstrcat(page->pool, "< ", plot_bound(ranges->bound[0], page->pool), NULL));
    }
    if (ranges->above > 0) {
        draw_bar(page, space, right + 6, right + OUTSIDE_WIDTH - 6, ranges->above, OUTSIDE);
        svg_text(page->svg, right + OUTSIDE_WIDTH / 2.0 + 6, space->bottom + 16, BELOW,
                 apr_pstrcat(page->pool, "\xe2\x89\xa5 ",
                             plot_bound(ranges->bound[ranges->count], page->pool), NULL));
    }
}

static void draw_values_axis(const page_t *page, const axis_t *axis, double top)
{
    unsigned decimals = 0;

    plot_bottom_grid(page, axis, top, page->y);
    for (unsigned i = 0; i < axis->ticks; i++) {
        unsigned needed = decimals_needed(axis->tick[i]);

        decimals = needed > decimals ? needed : decimals;
    }
    for (unsigned i = 0; i < axis->ticks; i++) {
        apr_int64_t tick = axis->tick[i];

        plot_bottom_tick(page, axis_at(axis, (double)tick),
                         milliseconds(tick, axis->is_logarithmic ? decimals_needed(tick) : decimals,
                                      page->pool));
    }
}

static double place_of(const ranges_t *ranges, const space_t *space, apr_int64_t value)
{
    return value < ranges->bound[0] && ranges->below > 0 ? space->values.from - OUTSIDE_WIDTH / 2.0
           : value >= ranges->bound[ranges->count] && ranges->above > 0
               ? space->values.to + OUTSIDE_WIDTH / 2.0
               : axis_at(&space->values, (double)value);
}

/* Each has its name at another height, since they may be close to each other. */
static void draw_percentiles(const page_t *page, const ranges_t *ranges, const space_t *space,
                             const probe_summary_t *summary)
{
    const struct {
        const char *name;
        apr_int64_t value;
        const char *dashes;
    } percentiles[] = {
        {"p50", summary->p50, "none"},
        {"p90", summary->p90, "8 3"},
        {"p99", summary->p99, "2 3"},
    };

    for (unsigned i = 0; i < sizeof percentiles / sizeof percentiles[0]; i++) {
        double x = place_of(ranges, space, percentiles[i].value);
        double y = space->top - NAMES_HEIGHT + 11 + 14 * i;
        int is_right = x > PLOT_RIGHT - NAME_WIDTH;

        svg_line(page->svg, x, y - 9, x, space->bottom,
                 apr_psprintf(page->pool, "stroke=\"#000\" stroke-dasharray=\"%s\"",
                              percentiles[i].dashes));
        svg_text(page->svg, is_right ? x - 5 : x + 5, y, is_right ? "text-anchor=\"end\"" : "",
                 apr_psprintf(page->pool, "%s %s ms", percentiles[i].name,
                              thousandths(percentiles[i].value, page->pool)));
    }
}

void plot_histogram(page_t *page, const char *title, const histogram_t *all,
                    const histogram_t *histogram, const probe_summary_t *summary)
{
    ranges_t ranges = ranges_of(all, RANGES);
    space_t space;

    if (ranges.count == 0) {
        return;
    }
    ranges = ranges_with(&ranges, histogram);
    title = apr_psprintf(page->pool, "%s, ms, %s scale", title,
                         ranges.is_logarithmic ? "logarithmic" : "linear");
    svg_text(page->svg, PLOT_LEFT, page->y + 17, "font-weight=\"bold\" font-size=\"13\"", title);
    page->y += NAMES_HEIGHT;
    space.top = plot_frame(page, "", HEIGHT);
    space.bottom = page->y;
    space.counts = axis_of_counts(ranges.most, space.bottom, space.top + 4, 5);
    apr_int64_t margin = margin_of(&ranges);

    space.values = axis_between(ranges.is_logarithmic, ranges.bound[0] - margin,
                                ranges.bound[ranges.count] + margin,
                                PLOT_LEFT + (ranges.below > 0 ? OUTSIDE_WIDTH : 0),
                                PLOT_RIGHT - (ranges.above > 0 ? OUTSIDE_WIDTH : 0), 14);
    plot_left_counts(page, &space.counts);
    draw_values_axis(page, &space.values, space.top);
    for (unsigned i = 0; i < ranges.count; i++) {
        draw_bar(page, &space, axis_at(&space.values, (double)ranges.bound[i]),
                 axis_at(&space.values, (double)ranges.bound[i + 1]), ranges.in[i], BAR);
    }
    draw_outside(page, &ranges, &space);
    if (summary->timed > 0) {
        draw_percentiles(page, &ranges, &space, summary);
    }
    page->y += 24;
}
