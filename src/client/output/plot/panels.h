#ifndef UDPECHO_PLOT_PANELS_H
#define UDPECHO_PLOT_PANELS_H

/* What a plot consists of, from top to bottom. Colours differ in brightness as well, and what may
 * be mixed up differs in shape, so that a plot can be read in black and white. One thread at a
 * time. */

#include "client/output/event.h"
#include "client/output/plot/axis.h"
#include "client/output/plot/series.h"
#include "client/output/plot/svg.h"

#define PLOT_WIDTH 1000
#define PLOT_LEFT  110 /* of the frames */
#define PLOT_RIGHT 975

typedef struct page {
    svg_t *svg;
    double y; /* where the next panel begins */
    apr_pool_t *pool;
} page_t;

/* ---- plot_page.c ---- */

/* The frame of a panel of that height, with its title above. `page` goes on below it. Returns the
 * top of the frame. */
double plot_frame(page_t *page, const char *title, double height);

/* The ticks of an axis of microseconds at the left of a frame, or of counts. */
void plot_left_times(const page_t *page, const axis_t *axis);
void plot_left_counts(const page_t *page, const axis_t *axis);

/* The lines of the ticks of an axis at the bottom, to be drawn before what may cover them. */
void plot_bottom_grid(const page_t *page, const axis_t *axis, double top, double bottom);

/* A tick of such an axis, whose label stands below page->y. */
void plot_bottom_tick(const page_t *page, double x, const char *label);

/* The ticks and the name of an axis of time that passed; `page` goes on below. */
void plot_elapsed(page_t *page, const axis_t *axis, const time_unit_t *unit);

/* The name of a target, and its address unless that is the name; at most `most` characters, the
 * last of which is an ellipsis if it is truncated. */
const char *plot_name(const char *host, const char *address, unsigned most, apr_pool_t *pool);

/* Microseconds in milliseconds with the decimals that they need. */
const char *plot_bound(apr_int64_t microseconds, apr_pool_t *pool);

/* A heading of the page, in smaller letters if it is long, and lines of text with fixed columns. */
void plot_heading(page_t *page, const char *title, const char *subtitle);
void plot_lines(page_t *page, const char *lines);

/* ---- The panels ---- */

/* Round trips over time, and below what was wrong with datagrams; `elapsed` is until when. */
void plot_round_trips(page_t *page, const series_t *series, const probe_summary_t *summary,
                      apr_interval_time_t elapsed);

/* Delays each way over time, if they are known. */
void plot_ways(page_t *page, const series_t *series, const directions_summary_t *directions,
               apr_interval_time_t elapsed);

/* How the round trips of `histogram` are spread, whose percentiles are in `summary`, in the ranges
 * that suit `all`. */
void plot_histogram(page_t *page, const char *title, const histogram_t *all,
                    const histogram_t *histogram, const probe_summary_t *summary);

/* The source ports of a sweep side by side. */
void plot_sweep(page_t *page, const sweep_result_t *sweep);

/* ---- plot_peers.c ---- */

/* One of several peers. */
typedef struct plot_peer {
    const char *host;
    const char *address;
    probe_summary_t summary;
    series_t *series; /* of all peers from the same time on */
} plot_peer_t;

/* A row for each; `peers` is an array of plot_peer_t *, and put into order, the worst first. `more`
 * were asked that are not in it. */
void plot_peers(page_t *page, apr_array_header_t *peers, unsigned more,
                apr_interval_time_t elapsed);

#endif
