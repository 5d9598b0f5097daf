#include <apr_strings.h>
#include <string.h>

#include "client/output/format.h"
#include "client/output/plot/panels.h"

#define TITLE_HEIGHT 26
#define LINE_HEIGHT  15
#define TICK_HEIGHT  20

/* How many characters of the largest size fit. */
#define HEADING_SIZE       18
#define HEADING_CHARACTERS 85

#define GRID  "stroke=\"#ddd\""
#define LABEL "text-anchor=\"end\" fill=\"#333\""
#define BELOW "text-anchor=\"middle\" fill=\"#333\""

double plot_frame(page_t *page, const char *title, double height)
{
    double top = page->y + TITLE_HEIGHT;

    svg_text(page->svg, PLOT_LEFT, top - 9, "font-weight=\"bold\" font-size=\"13\"", title);
    svg_rectangle(page->svg, PLOT_LEFT, top, PLOT_RIGHT - PLOT_LEFT, height,
                  "fill=\"none\" stroke=\"#333\"");
    page->y = top + height;
    return top;
}

static void left_tick(const page_t *page, double y, const char *label)
{
    svg_line(page->svg, PLOT_LEFT, y, PLOT_RIGHT, y, GRID);
    svg_text(page->svg, PLOT_LEFT - 6, y + 4, LABEL, label);
}

void plot_left_times(const page_t *page, const axis_t *axis)
{
    unsigned decimals = 0;

    for (unsigned i = 0; i < axis->ticks; i++) {
        unsigned needed = decimals_needed(axis->tick[i]);

        decimals = needed > decimals ? needed : decimals;
    }
    for (unsigned i = 0; i < axis->ticks; i++) {
        apr_int64_t tick = axis->tick[i];
        unsigned own = axis->is_logarithmic ? decimals_needed(tick) : decimals;

        left_tick(page, axis_at(axis, (double)tick),
                  apr_pstrcat(page->pool, tick < 0 ? "-" : "",
                              milliseconds(tick < 0 ? -tick : tick, own, page->pool), NULL));
    }
}

void plot_left_counts(const page_t *page, const axis_t *axis)
{
    for (unsigned i = 0; i < axis->ticks; i++) {
        left_tick(page, axis_at(axis, (double)axis->tick[i]),
                  apr_psprintf(page->pool, "%" APR_INT64_T_FMT, axis->tick[i]));
    }
}

void plot_bottom_grid(const page_t *page, const axis_t *axis, double top, double bottom)
{
    for (unsigned i = 0; i < axis->ticks; i++) {
        double x = axis_at(axis, (double)axis->tick[i]);

        svg_line(page->svg, x, top, x, bottom, GRID);
    }
}

void plot_bottom_tick(const page_t *page, double x, const char *label)
{
    svg_line(page->svg, x, page->y, x, page->y + 4, "stroke=\"#333\"");
    svg_text(page->svg, x, page->y + 16, BELOW, label);
}

void plot_elapsed(page_t *page, const axis_t *axis, const time_unit_t *unit)
{
    for (unsigned i = 0; i < axis->ticks; i++) {
        plot_bottom_tick(
            page, axis_at(axis, (double)axis->tick[i]),
            apr_psprintf(page->pool, "%" APR_INT64_T_FMT, axis->tick[i] / unit->length));
    }
    page->y += TICK_HEIGHT;
    svg_text(page->svg, (axis->from + axis->to) / 2, page->y + 12, BELOW,
             apr_pstrcat(page->pool, unit->name, " since the start", NULL));
    page->y += TICK_HEIGHT;
}

static unsigned characters_of(const char *text)
{
    unsigned characters = 0;

    for (; *text != '\0'; text++) {
        characters += (*text & 0xc0) != 0x80;
    }
    return characters;
}

const char *plot_name(const char *host, const char *address, unsigned most, apr_pool_t *pool)
{
    const char *name =
        strstr(address, host) != NULL ? address : apr_pstrcat(pool, host, " (", address, ")", NULL);
    apr_size_t end = 0;
    unsigned characters = 0;

    if (characters_of(name) <= most) {
        return name;
    }
    for (; characters < most; end++) {
        characters += (name[end] & 0xc0) != 0x80;
    }
    return apr_pstrcat(pool, apr_pstrmemdup(pool, name, end - 1), "\xe2\x80\xa6", NULL);
}

const char *plot_bound(apr_int64_t microseconds, apr_pool_t *pool)
{
    return milliseconds(microseconds, decimals_needed(microseconds), pool);
}

void plot_heading(page_t *page, const char *title, const char *subtitle)
{
    unsigned characters = characters_of(title);
    unsigned size = characters > HEADING_CHARACTERS ? HEADING_SIZE * HEADING_CHARACTERS / characters
                                                    : HEADING_SIZE;

    svg_text(page->svg, 16, page->y + 26,
             apr_psprintf(page->pool, "font-size=\"%u\" font-weight=\"bold\"", size), title);
    svg_text(page->svg, 16, page->y + 45, "fill=\"#333\"", subtitle);
    page->y += 54;
}

void plot_lines(page_t *page, const char *lines)
{
    while (*lines != '\0') {
        apr_size_t length = strcspn(lines, "\n");

        page->y += LINE_HEIGHT;
        svg_text(page->svg, 16, page->y, "font-family=\"monospace\" xml:space=\"preserve\"",
                 apr_pstrmemdup(page->pool, lines, length));
        lines += length + (lines[length] == '\n');
    }
    page->y += LINE_HEIGHT;
}
