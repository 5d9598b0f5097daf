#ifndef UDPECHO_REPORT_PLOT_H
#define UDPECHO_REPORT_PLOT_H

/* The plot of a run: one SVG file, which is written anew with each summary through a temporary
 * file beside it. */

#include "client/output/event.h"

typedef struct report_plot report_plot_t;

/* A plot to be written to `path`, which must outlive it. Lives as long as `pool`. Returns NULL,
 * or why no file can be written there, as a sentence without the name of the option. */
const char *report_plot_create(report_plot_t **plot, const char *path, apr_pool_t *pool);

/* What to tell the events to. One thread. It has no output. */
report_t *report_plot_report(report_plot_t *plot);

/* Why the plot could not be written the last time; APR_SUCCESS: it was. In the thread of the
 * events, or after it ended. */
apr_status_t report_plot_status(const report_plot_t *plot);

#endif
