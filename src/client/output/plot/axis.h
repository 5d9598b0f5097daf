#ifndef UDPECHO_PLOT_AXIS_H
#define UDPECHO_PLOT_AXIS_H

/* How values become places on an axis, and its ticks. Pure functions; any thread. */

#include <apr.h>
#include <apr_time.h>

#define AXIS_TICKS_MAX 40

typedef struct axis {
    int is_logarithmic;
    apr_int64_t low, high; /* values; low is above 0 on a logarithmic axis */
    double from, to;       /* where these are, pixels */
    unsigned ticks;
    apr_int64_t tick[AXIS_TICKS_MAX]; /* values, round ones */
} axis_t;

/* An axis for values from `low` to `high`, with bounds at ticks. It is logarithmic if they are
 * above 0 and differ by more than RANGES_LINEAR_FACTOR. About `most` (2 to AXIS_TICKS_MAX - 1)
 * ticks. */
axis_t axis_for(apr_int64_t low, apr_int64_t high, double from, double to, unsigned most);

/* One of the scale and with exactly the bounds of a histogram's ranges. */
axis_t axis_between(int is_logarithmic, apr_int64_t low, apr_int64_t high, double from, double to,
                    unsigned most);

/* A linear one from 0 to `high`, with bounds at ticks. */
axis_t axis_of_counts(apr_uint64_t high, double from, double to, unsigned most);

/* A linear one of time that passed, `high` microseconds: with ticks at round numbers of `unit`. */
typedef struct time_unit {
    const char *name;
    apr_interval_time_t length;
} time_unit_t;
axis_t axis_of_time(apr_interval_time_t high, double from, double to, const time_unit_t **unit);

/* Where a value is; what lies beyond an end is at that end. */
double axis_at(const axis_t *axis, double value);

#endif
