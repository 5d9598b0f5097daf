#ifndef UDPECHO_LIVE_H
#define UDPECHO_LIVE_H

/*
 * The last lines of a terminal, which show the progress of a run and are overwritten: how far it
 * is, the latest round trips, and the histogram of all. Permanent lines scroll above them.
 *
 * The cursor rests at the beginning of the first of these lines, so that "erase all below"
 * (ECMA-48, ED) removes them without knowing how many rows they take: a terminal that has become
 * narrower has wrapped them.
 */

#include "client/core/histogram.h"
#include "client/output/event.h"

typedef struct live live_t;

/* On `file`; if that is no terminal, nothing is drawn, and what is to stay is written as it is.
 * `histogram` is the caller's, who goes on filling it; NULL: neither it nor the latest round trips
 * are drawn. Lives as long as `pool`. */
live_t *live_create(apr_file_t *file, const histogram_t *histogram, apr_pool_t *pool);

/* Takes note of the event. The one of the last summary ends the drawing. */
void live_take(live_t *live, const event_t *event);

/* What to write so that `lines` stay, and below them what is drawn: anew after 100 ms by `now`, in
 * the time of event_t's now; before that the same as the last time. From `pool`. */
const char *live_around(live_t *live, const char *lines, apr_time_t now, apr_pool_t *pool);

#endif
