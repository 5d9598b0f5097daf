#include "client/output/ranges.h"

#include <assert.h>

/* The share of values at each end that may be out of the ranges, ... */
#define SHARE_OUTSIDE 0.01

/* ... if there is room for ranges of their own. */
#define RANGES_WITH_OUTSIDE 6

/* ---- Logarithmic ---- */

/* The bounds in one decade, in hundredths: `count` numbers, every `stride`th of the table. The
 * next decade begins at `decade` times the first of them. */
typedef struct series {
    const int *numbers;
    unsigned count, stride;
    apr_int64_t decade;
} series_t;

/* ISO 3:1973: R 20. Every second number is R 10, every fourth R 5. */
static const int preferred[] = {100, 112, 125, 140, 160, 180, 200, 224, 250, 280,
                                315, 355, 400, 450, 500, 560, 630, 710, 800, 900};
static const int one_two_five[] = {100, 200, 500};

/* From fine to coarse. The last one has a single range for whatever a histogram holds. */
static const series_t all_series[] = {
    {preferred, 20, 1, 10},   {preferred, 10, 2, 10},     {preferred, 5, 4, 10},
    {one_two_five, 3, 1, 10}, {preferred, 1, 1, 10},      {preferred, 1, 1, 100},
    {preferred, 1, 1, 1000},  {preferred, 1, 1, 1000000}, {preferred, 1, 1, 1000000000000},
};

#define SERIES (sizeof all_series / sizeof all_series[0])

/* The bounds are whole microseconds. Where one is not, and its range is narrower than this,
 * rounding would make ranges next to each other differ by too much. */
#define ROUNDED_MIN 2

/* Returns 0 if it takes more than `most` ranges, or some would be too narrow. */
static int divide(ranges_t *ranges, const series_t *series, apr_int64_t low, apr_int64_t high,
                  unsigned most)
{
    ranges->count = 0;
    for (apr_int64_t decade = 1;; decade *= series->decade) {
        for (unsigned i = 0; i < series->count; i++) {
            apr_int64_t exact = series->numbers[(apr_size_t)i * series->stride] * decade;
            apr_int64_t bound = (exact + 50) / 100;
            apr_int64_t width = bound - ranges->bound[ranges->count];

            if (bound <= low) {
                ranges->bound[0] = bound;
                continue;
            }
            if (ranges->count == most || width < (exact % 100 == 0 ? 1 : ROUNDED_MIN)) {
                return 0;
            }
            ranges->bound[++ranges->count] = bound;
            if (bound > high) {
                return 1;
            }
        }
    }
}

static void divide_logarithmically(ranges_t *ranges, apr_int64_t low, apr_int64_t high,
                                   unsigned most)
{
    ranges->is_logarithmic = 1;
    for (unsigned i = 0; i < SERIES && !divide(ranges, &all_series[i], low, high, most); i++) {
    }
    assert(ranges->count > 0 && ranges->bound[ranges->count] > high);
}

/* ---- Linear ---- */

apr_int64_t ranges_next_step(apr_int64_t step)
{
    apr_int64_t leading = step;

    while (leading >= 10) {
        leading /= 10;
    }
    return leading == 2 ? step / 2 * 5 : step * 2;
}

/* How wide the bucket of a value is. */
static apr_int64_t bucket_width(apr_int64_t value)
{
    apr_int64_t width = 1;

    while (value / width >= HISTOGRAM_EXACT) {
        width *= 2;
    }
    return width;
}

/* A range with fewer than two buckets would have now one and now two of them, and look like a comb,
 * unless buckets begin where ranges do. */
static int suits_buckets(apr_int64_t step, apr_int64_t width)
{
    return step >= 2 * width || step % width == 0;
}

static void divide_linearly(ranges_t *ranges, apr_int64_t low, apr_int64_t high, unsigned most)
{
    apr_int64_t width = bucket_width(high);
    apr_int64_t step = 1;

    while (high / step - low / step >= most || !suits_buckets(step, width)) {
        step = ranges_next_step(step);
    }
    ranges->count = (unsigned)(high / step - low / step) + 1;
    for (unsigned i = 0; i <= ranges->count; i++) {
        ranges->bound[i] = (low / step + i) * step;
    }
}

/* ---- ---- */

static void note_most(ranges_t *ranges, apr_uint64_t count)
{
    ranges->most = count > ranges->most ? count : ranges->most;
}

static void count_all(ranges_t *ranges, const histogram_t *histogram)
{
    ranges->below = histogram_between(histogram, 0, ranges->bound[0]);
    ranges->above = histogram_between(histogram, ranges->bound[ranges->count], APR_INT64_MAX);
    note_most(ranges, ranges->below);
    note_most(ranges, ranges->above);
    for (unsigned i = 0; i < ranges->count; i++) {
        ranges->in[i] = histogram_between(histogram, ranges->bound[i], ranges->bound[i + 1]);
        note_most(ranges, ranges->in[i]);
    }
}

ranges_t ranges_with(const ranges_t *ranges, const histogram_t *histogram)
{
    ranges_t same = *ranges;

    same.most = 0;
    if (same.count > 0) {
        count_all(&same, histogram);
    }
    return same;
}

ranges_t ranges_of(const histogram_t *histogram, unsigned most)
{
    ranges_t ranges = {0};
    double outside = most < RANGES_WITH_OUTSIDE ? 0 : SHARE_OUTSIDE;

    assert(most >= 2 && most <= RANGES_MAX + 2);
    if (histogram_total(histogram) == 0) {
        return ranges;
    }
    apr_int64_t minimum = histogram_quantile(histogram, 0);
    apr_int64_t maximum = histogram_quantile(histogram, 1);
    apr_int64_t low = histogram_quantile(histogram, outside);
    apr_int64_t high = histogram_quantile(histogram, 1 - outside);

    /* What is not far away needs no range of its own. */
    if (maximum - minimum <= 2 * (high - low)) {
        low = minimum;
        high = maximum;
    }
    if (high > RANGES_LINEAR_FACTOR * (low > 0 ? low : 1)) {
        low = minimum > 0 && minimum * RANGES_LINEAR_FACTOR >= low ? minimum : low > 0 ? low : 1;
        divide_logarithmically(&ranges, low, maximum, most - (minimum < low));
    } else {
        divide_linearly(&ranges, low, high, most - (minimum < low) - (maximum > high));
    }
    count_all(&ranges, histogram);
    return ranges;
}
