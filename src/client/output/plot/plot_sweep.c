#include <apr_strings.h>

#include "client/output/format.h"
#include "client/output/plot/panels.h"

#define HEIGHT       220
#define LOSS_HEIGHT  50
#define PORTS_HEIGHT 48

/* Only this many ports are drawn, the worst. */
#define PORTS_MAX 48

/* No column is wider. */
#define COLUMN_MAX 60

/* The size of the text of a loss, if its column is not too narrow for five characters: how wide
 * these are, in sizes. */
#define LOSS_SIZE  11
#define LOSS_WIDTH 2.9

#define SUSPECT "fill=\"#f0d9d9\" stroke=\"#b00020\" stroke-width=\"0.7\" stroke-dasharray=\"4 2\""
#define RANGE   "stroke=\"#0b2f66\" stroke-width=\"1.4\""
#define MEDIAN  "fill=\"#0b2f66\""
#define LINE    "stroke=\"#0b2f66\" stroke-width=\"2\""
#define LOST    "fill=\"#b00020\""

/* Where the columns of the ports stand. */
typedef struct space {
    double top;    /* of the frame of the times */
    double middle; /* its bottom, and the top of that of the losses */
    double bottom; /* of that one */
    double width;  /* of a column */
    axis_t values;
} space_t;

static unsigned count_shown(const sweep_result_t *sweep)
{
    return sweep->count < PORTS_MAX ? sweep->count : PORTS_MAX;
}

static axis_t axis_of(const sweep_result_t *sweep, unsigned shown, double from, double to)
{
    apr_int64_t low = APR_INT64_MAX, high = 0;

    for (unsigned i = 0; i < shown; i++) {
        const probe_summary_t *summary = &sweep->rows[i].summary;

        if (summary->timed > 0) {
            low = summary->minimum < low ? summary->minimum : low;
            high = summary->maximum > high ? summary->maximum : high;
        }
    }
    return axis_for(low < high ? low : high, high, from, to, 6);
}

static void draw_times(const page_t *page, const probe_summary_t *summary, const space_t *space,
                       double middle)
{
    double half = space->width / 2;
    double at50 = axis_at(&space->values, (double)summary->p50);
    double at99 = axis_at(&space->values, (double)summary->p99);

    if (summary->timed == 0) {
        return;
    }
    svg_line(page->svg, middle, axis_at(&space->values, (double)summary->minimum), middle,
             axis_at(&space->values, (double)summary->maximum), RANGE);
    svg_rectangle(page->svg, middle - half * 0.5, at50 - 2.5, half, 5, MEDIAN);
    svg_line(page->svg, middle - half * 0.3, at99, middle + half * 0.3, at99, LINE);
}

static void draw_loss(const page_t *page, const probe_summary_t *summary, const space_t *space,
                      double middle)
{
    double fitting = space->width / LOSS_WIDTH;
    double size = fitting < LOSS_SIZE ? fitting : LOSS_SIZE;
    double known = (double)(summary->sent - summary->outstanding);
    double height = known > 0 ? (double)summary->lost / known * (LOSS_HEIGHT - 14) : 0;

    if (height > 0) {
        svg_rectangle(page->svg, middle - space->width * 0.25, space->bottom - height,
                      space->width * 0.5, height, LOST);
    }
    svg_text(page->svg, middle, space->bottom - height - 3,
             apr_psprintf(page->pool, "text-anchor=\"middle\" font-size=\"%.1f\"", size),
             short_loss(summary, page->pool));
}

static void draw_port(const page_t *page, const sweep_row_t *row, const space_t *space,
                      double middle)
{
    double y = space->bottom + 6;

    if (row->is_suspect) {
        svg_rectangle(page->svg, middle - space->width / 2, space->top, space->width,
                      space->bottom - space->top, SUSPECT);
    }
    draw_times(page, &row->summary, space, middle);
    draw_loss(page, &row->summary, space, middle);
    svg_add(page->svg,
            "<text transform=\"translate(%.1f %.1f) rotate(-90)\" text-anchor=\"end\" "
            "font-size=\"11\" font-weight=\"%s\">%s%u</text>\n",
            middle + 4, y, row->is_suspect ? "bold" : "normal", row->is_suspect ? "! " : "",
            (unsigned)row->port);
}

void plot_sweep(page_t *page, const sweep_result_t *sweep)
{
    unsigned shown = count_shown(sweep);
    double width = (double)(PLOT_RIGHT - PLOT_LEFT) / shown;
    space_t space = {.width = width < COLUMN_MAX ? width : COLUMN_MAX};

    svg_text(page->svg, PLOT_RIGHT, page->y + 17, "text-anchor=\"end\" fill=\"#333\"",
             "line: minimum to maximum, block: p50, dash: p99, dashed frame and !: suspect");
    space.top = plot_frame(page, "Round trip by source port, ms", HEIGHT);
    space.middle = page->y;
    space.bottom = space.middle + LOSS_HEIGHT;
    space.values = axis_of(sweep, shown, space.middle - 4, space.top + 4);
    plot_left_times(page, &space.values);
    svg_rectangle(page->svg, PLOT_LEFT, space.middle, PLOT_RIGHT - PLOT_LEFT, LOSS_HEIGHT,
                  "fill=\"none\" stroke=\"#333\"");
    svg_text(page->svg, PLOT_LEFT - 6, space.middle + LOSS_HEIGHT / 2.0 + 4,
             "text-anchor=\"end\" fill=\"#333\"", "lost, %");
    for (unsigned i = 0; i < shown; i++) {
        draw_port(page, &sweep->rows[i], &space, PLOT_LEFT + space.width * (i + 0.5));
    }
    page->y = space.bottom + PORTS_HEIGHT;
    svg_text(page->svg, PLOT_LEFT, page->y + 14, "",
             apr_pstrcat(page->pool, sweep->verdict,
                         shown < sweep->count
                             ? apr_psprintf(page->pool, " (and %u ports more, not drawn)",
                                            sweep->count - shown)
                             : "",
                         NULL));
    page->y += 24;
}
