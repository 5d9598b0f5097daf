#include "client/output/plot/series.h"

#include <assert.h>
#include <string.h>

/* The width of a bin at first, microseconds. */
#define WIDTH_FIRST 1000

series_t *series_create(unsigned bins, int has_details, apr_pool_t *pool)
{
    series_t *series = apr_pcalloc(pool, sizeof *series);

    assert(bins >= 2 && bins % 2 == 0);
    series->bins = bins;
    series->bin = apr_palloc(pool, bins * sizeof *series->bin);
    if (has_details) {
        series->round_trips = apr_palloc(pool, bins * sizeof *series->round_trips);
        series->point = apr_palloc(pool, POINTS_MAX * sizeof *series->point);
    }
    series_clear(series);
    return series;
}

void series_clear(series_t *series)
{
    *series = (series_t){.bins = series->bins,
                         .width = WIDTH_FIRST,
                         .bin = series->bin,
                         .round_trips = series->round_trips,
                         .point = series->point};
    memset(series->bin, 0, series->bins * sizeof *series->bin);
    if (series->round_trips != NULL) {
        memset(series->round_trips, 0, series->bins * sizeof *series->round_trips);
    }
}

/* A loss is told so much later than the timeout at most; numbers begin anew in another run. */
#define TOLD_LATER_MAX APR_USEC_PER_SEC

/* ---- Bins ---- */

static void add_bin(bin_t *bin, const bin_t *other)
{
    if (other->timed > 0) {
        bin->minimum =
            bin->timed == 0 || other->minimum < bin->minimum ? other->minimum : bin->minimum;
        bin->maximum = other->maximum > bin->maximum ? other->maximum : bin->maximum;
    }
    bin->answered += other->answered;
    bin->timed += other->timed;
    for (unsigned i = 0; i < MARKS; i++) {
        bin->marks[i] += other->marks[i];
    }
    bin->ways += other->ways;
    bin->forward += other->forward;
    bin->backward += other->backward;
}

/* Adds up every two bins. */
static void halve(series_t *series)
{
    for (unsigned i = 0; i < series->bins; i++) {
        bin_t bin = {0};

        if (i < series->bins / 2) {
            bin = series->bin[2 * (apr_size_t)i];
            add_bin(&bin, &series->bin[2 * (apr_size_t)i + 1]);
        }
        series->bin[i] = bin;
    }
    for (unsigned i = 0; series->round_trips != NULL && i < series->bins / 2; i++) {
        histogram_t *two = series->round_trips + 2 * (apr_size_t)i;

        histogram_merge(two, two + 1);
        memmove(series->round_trips + i, two, sizeof *two);
    }
    if (series->round_trips != NULL) {
        memset(series->round_trips + series->bins / 2, 0,
               series->bins / 2 * sizeof *series->round_trips);
    }
    series->width *= 2;
}

static unsigned bin_at(series_t *series, apr_interval_time_t at)
{
    apr_interval_time_t time = at > 0 ? at : 0;

    while (time / series->width >= series->bins) {
        halve(series);
    }
    return (unsigned)(time / series->width);
}

/* ---- Points ---- */

static void push_point(series_t *series, point_t point)
{
    if (series->point == NULL || series->points == POINTS_MAX) {
        series->is_cut = 1;
        return;
    }
    series->point[series->points++] = point;
}

/* ---- ---- */

void series_answer(series_t *series, apr_interval_time_t at, apr_int64_t round_trip,
                   apr_uint64_t sequence)
{
    unsigned i = bin_at(series, at);
    bin_t one = {.answered = 1};

    if (round_trip >= 0) {
        one.timed = 1;
        one.minimum = one.maximum = round_trip;
        if (series->round_trips != NULL) {
            histogram_add(&series->round_trips[i], round_trip);
        }
        push_point(series, (point_t){at, round_trip, MARKS, sequence});
    }
    add_bin(&series->bin[i], &one);
}

void series_mark(series_t *series, apr_interval_time_t at, mark_t mark, apr_uint64_t sequence)
{
    series->bin[bin_at(series, at)].marks[mark]++;
    push_point(series, (point_t){at, -1, (unsigned)mark, sequence});
}

void series_not_lost(series_t *series, apr_interval_time_t at, apr_uint64_t sequence)
{
    unsigned first = bin_at(series, at);

    /* It was told to be lost a little after the timeout had passed. */
    for (unsigned i = first; i < series->bins && i <= first + 1; i++) {
        if (series->bin[i].marks[MARK_LOST] > 0) {
            series->bin[i].marks[MARK_LOST]--;
            break;
        }
    }
    for (unsigned i = 0; i < series->points; i++) {
        apr_interval_time_t later = series->point[i].at - at;

        if (series->point[i].mark == MARK_LOST && series->point[i].sequence == sequence &&
            later < TOLD_LATER_MAX && later > -TOLD_LATER_MAX) {
            series->point[i] = series->point[--series->points];
            return;
        }
    }
}

void series_ways(series_t *series, apr_interval_time_t at, apr_int64_t forward,
                 apr_int64_t backward)
{
    if (!series->has_ways) {
        series->has_ways = 1;
        series->forward = forward;
        series->backward = backward;
    }
    bin_t one = {.ways = 1,
                 .forward = (double)(forward - series->forward),
                 .backward = (double)(backward - series->backward)};

    add_bin(&series->bin[bin_at(series, at)], &one);
}

apr_int64_t series_median(const series_t *series, unsigned bin)
{
    apr_int64_t median = histogram_quantile(&series->round_trips[bin], 0.5);
    const bin_t *extremes = &series->bin[bin];

    assert(extremes->timed > 0);
    return median < extremes->minimum   ? extremes->minimum
           : median > extremes->maximum ? extremes->maximum
                                        : median;
}
