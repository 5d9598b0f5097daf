#ifndef UDPECHO_TABLE_H
#define UDPECHO_TABLE_H

/*
 * The layout of the table that shows on a terminal how several peers do: a title, a heading, and a
 * row for each peer, as many columns and rows as there is room for. Pure functions; text from
 * `pool`. Targets are taken to have a column for each byte; what is too long ends with a mark, an
 * ellipsis or "+".
 */

#include <apr_pools.h>
#include <apr_tables.h>

#include "client/core/probe.h"

/* What the rows are sorted by. The worst comes first; rows that are equal keep their order. */
typedef enum table_order {
    ORDER_LOSS,
    ORDER_P99,
    ORDER_LAST,
    ORDER_TARGET, /* in the order of the characters */
    TABLE_ORDERS
} table_order_t;

/* How many of the latest round trips a row has. */
#define TABLE_LATEST 64

typedef struct table_row {
    apr_uint64_t number; /* of its own, lower than those of peers that came later */
    const char *target;
    const char *address; /* "": the target is it */
    const char *error;   /* why there is no address to ask; NULL: it is asked, and has the rest: */
    probe_summary_t summary;
    apr_int64_t
        latest[TABLE_LATEST]; /* round trips, microseconds, or CHART_MISSING; oldest first */
    unsigned latest_count;
} table_row_t;

typedef struct table_view {
    unsigned columns, rows; /* the room available */
    int has_utf8;
    int has_colour;
    int has_keys; /* the title names the keys */
    table_order_t order;
    int is_reversed;
    apr_interval_time_t elapsed; /* since the first peer was asked, microseconds */
} table_view_t;

/* Sorts `rows`, an array of const table_row_t *, as the view says, and returns the lines of the
 * table, an array of const char *, without line feeds. No line has more columns than the view,
 * and there are at most as many lines as it has rows. */
apr_array_header_t *table_lines(const table_view_t *view, apr_array_header_t *rows,
                                apr_pool_t *pool);

#endif
