#include <apr_strings.h>

#include "client/output/plot/panels.h"

#define HEIGHT 130

#define FORWARD  "fill=\"none\" stroke=\"#0b2f66\" stroke-width=\"1.6\""
#define BACKWARD "fill=\"none\" stroke=\"#b04a00\" stroke-width=\"1.6\" stroke-dasharray=\"5 3\""

/* What is to be added to the mean of a bin so that it is a delay, or the variation of one. */
typedef struct origin {
    double forward, backward;
} origin_t;

static origin_t origin_of(const series_t *series, const directions_summary_t *directions)
{
    origin_t origin = {(double)series->forward, (double)series->backward};

    if (directions->is_true) {
        return origin;
    }
    if (directions->is_estimated) {
        return (origin_t){(double)(series->forward - directions->offset),
                          (double)(series->backward + directions->offset)};
    }
    return (origin_t){(double)(series->forward - directions->forward.minimum),
                      (double)(series->backward - directions->backward.minimum)};
}

static double mean_of(const bin_t *bin, const origin_t *origin, int is_forward)
{
    return is_forward ? bin->forward / (double)bin->ways + origin->forward
                      : bin->backward / (double)bin->ways + origin->backward;
}

typedef struct extent {
    int is_known;
    double low, high;
} extent_t;

static void widen(extent_t *extent, double value)
{
    extent->low = !extent->is_known || value < extent->low ? value : extent->low;
    extent->high = !extent->is_known || value > extent->high ? value : extent->high;
    extent->is_known = 1;
}

static extent_t extent_of(const series_t *series, const origin_t *origin)
{
    extent_t extent = {0};

    for (unsigned i = 0; i < series->bins; i++) {
        if (series->bin[i].ways > 0) {
            widen(&extent, mean_of(&series->bin[i], origin, 1));
            widen(&extent, mean_of(&series->bin[i], origin, 0));
        }
    }
    return extent;
}

static void draw_line(const page_t *page, const series_t *series, const origin_t *origin,
                      int is_forward, const axis_t *times, const axis_t *values)
{
    char command = 'M';

    svg_add(page->svg, "<path %s d=\"", is_forward ? FORWARD : BACKWARD);
    for (unsigned i = 0; i < series->bins; i++) {
        if (series->bin[i].ways > 0) {
            svg_add(page->svg, "%c%.1f %.1f", command,
                    axis_at(times, (double)series->width * (i + 0.5)),
                    axis_at(values, mean_of(&series->bin[i], origin, is_forward)));
            command = 'L';
        }
    }
    svg_add(page->svg, "\"/>\n");
}

static void draw_key(const page_t *page, double top)
{
    static const char *const names[] = {"forward", "backward"};
    double right = PLOT_RIGHT;

    for (int i = 1; i >= 0; i--) {
        svg_text(page->svg, right, top - 9, "text-anchor=\"end\" fill=\"#333\"", names[i]);
        svg_line(page->svg, right - 90, top - 13, right - 60, top - 13,
                 i == 0 ? FORWARD : BACKWARD);
        right -= 110;
    }
}

void plot_ways(page_t *page, const series_t *series, const directions_summary_t *directions,
               apr_interval_time_t elapsed)
{
    if (!series->has_ways || directions == NULL) {
        return;
    }
    const time_unit_t *unit;
    axis_t times = axis_of_time(elapsed, PLOT_LEFT, PLOT_RIGHT, &unit);
    origin_t origin = origin_of(series, directions);
    extent_t extent = extent_of(series, &origin);
    int is_delay = directions->is_true || directions->is_estimated;
    double top = plot_frame(
        page, is_delay ? "Delay each way, mean, ms" : "Packet delay variation each way, mean, ms",
        HEIGHT);
    axis_t values =
        axis_for((apr_int64_t)extent.low, (apr_int64_t)extent.high + 1, page->y - 4, top + 4, 5);

    plot_bottom_grid(page, &times, top, page->y);
    plot_left_times(page, &values);
    draw_line(page, series, &origin, 1, &times, &values);
    draw_line(page, series, &origin, 0, &times, &values);
    draw_key(page, top);
    plot_elapsed(page, &times, unit);
}
