#ifndef UDPECHO_LIVE_TABLE_H
#define UDPECHO_LIVE_TABLE_H

/*
 * The table of several peers on a terminal, which is drawn anew once a second: see table.h. What is
 * to stay scrolls by above it.
 *
 * The cursor rests at the beginning of its first line. Each line is written over and what it leaves
 * of the former one is erased, so that nothing flickers; "erase all below" (ECMA-48, ED) removes
 * the rest, without knowing how many rows a terminal that was made narrower has wrapped it to.
 */

#include "client/output/event.h"

typedef struct live_table live_table_t;

/* On the file of `output`; nothing is drawn while that is no terminal, or is slow to take what is
 * written. With `has_keys` the title names the keys. Lives as long as `pool`. */
live_table_t *live_table_create(output_t *output, int has_keys, int has_colour, apr_pool_t *pool);

/* Takes note of the event of one of several peers. The last EVENT_TOTAL ends the drawing. */
void live_table_take(live_table_t *live, const event_t *event);

/* What to write so that `lines` stay, and below them the table, if it is time to draw it by `now`,
 * in the time of event_t's now. From `pool`. */
const char *live_table_around(live_table_t *live, const char *lines, apr_time_t now,
                              apr_pool_t *pool);

/* 's' sorts by the next column, 'r' reverses the order; other keys have no effect. The next
 * live_table_around() draws it. Any thread. */
void live_table_key(live_table_t *live, char key);

#endif
