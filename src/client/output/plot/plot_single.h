#ifndef UDPECHO_PLOT_SINGLE_H
#define UDPECHO_PLOT_SINGLE_H

/* The picture of one target. One thread at a time. */

#include "client/output/plot/panels.h"

/* One target alone. Its name may stand for one address after the other, each of them a run. */
typedef struct plot_single {
    series_t *series;
    histogram_t round_trips;
    histogram_t loaded;     /* those with load, which are not in round_trips */
    load_result_t load;     /* has_load is 0: not measured, or not yet */
    const char *load_text;  /* what the text tells of that; NULL: nothing */
    sweep_result_t *sweep;  /* NULL: none, or not yet */
    const void *latest;     /* the run that began last */
    unsigned addresses;     /* asked so far */
    probe_summary_t former; /* what the runs that are over came to, as far as it is drawn */
} plot_single_t;

/* Takes note of the round trip of an EVENT_REPLY, if it has one; `at` is when, microseconds since
 * the start. */
void plot_single_reply(plot_single_t *single, const event_t *event, apr_interval_time_t at);

/* A run of another address than the latest ended with this summary. */
void plot_single_is_over(plot_single_t *single, const probe_summary_t *summary);

/* The document, as of an EVENT_SUMMARY of the latest run. `span` says from when to when; `elapsed`
 * is how long that is. From `pool`. */
const char *plot_single_draw(const plot_single_t *single, const event_t *event, const char *span,
                             apr_interval_time_t elapsed, apr_pool_t *pool);

/* The lines of the text below the first, which is a heading of its own. A part of `lines`. */
const char *plot_below_heading(const char *lines);

#endif
