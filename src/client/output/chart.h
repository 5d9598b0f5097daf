#ifndef UDPECHO_CHART_H
#define UDPECHO_CHART_H

/* Pictures made of characters: block elements (Unicode, U+2581 to U+258F) in UTF-8, or ASCII. Pure
 * functions; text from `pool`. A column is one character here, however many bytes it has. */

#include <apr_pools.h>
#include <apr_tables.h>

#include "client/core/histogram.h"

/* A bar as long as `count` of `most`, which fills `columns`. In UTF-8 exact to an eighth of a
 * column. "" for none, and never for some. */
const char *chart_bar(apr_uint64_t count, apr_uint64_t most, unsigned columns, int has_utf8,
                      apr_pool_t *pool);

/* A value that a sparkline marks as missing. */
#define CHART_MISSING (-1)

/* A column for each value, whose height is the position between the smallest and the largest, on
 * the scale of ranges.h. If there are more values than `columns`, only the last ones are drawn. */
const char *chart_sparkline(const apr_int64_t *values, unsigned count, unsigned columns,
                            int has_utf8, apr_pool_t *pool);

/*
 * A histogram of microseconds: lines (const char *, without line feed), at most `rows`. The first
 * is `title`, the unit and the scale; each of the others is a range of ranges.h, empty ones between
 * others too: its bounds in milliseconds, a bar, and how many values are in it. No line has more
 * than `columns` columns. Empty if the histogram is, or the space is too small: less than 3 rows or
 * 20 columns, or less than the numbers need.
 */
apr_array_header_t *chart_histogram(const histogram_t *histogram, const char *title, unsigned rows,
                                    unsigned columns, int has_utf8, apr_pool_t *pool);

#endif
