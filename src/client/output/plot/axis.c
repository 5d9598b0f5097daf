#include "client/output/plot/axis.h"

#include <assert.h>
#include <math.h>

#include "client/output/ranges.h"

#define TIME_TICKS 10

/* A logarithmic axis over more decades than this has ticks at powers of ten only, and over more
 * than the other one at powers of a hundred. */
#define DECADES_DIVIDED 4
#define DECADES_ALL     8

static void push_tick(axis_t *axis, apr_int64_t value)
{
    if (axis->ticks < AXIS_TICKS_MAX && value >= axis->low && value <= axis->high) {
        axis->tick[axis->ticks++] = value;
    }
}

static apr_int64_t step_for(apr_int64_t span, apr_int64_t first, unsigned most)
{
    apr_int64_t step = first;

    while (span / step >= most) {
        step = first * ranges_next_step(step / first);
    }
    return step;
}

static void tick_linearly(axis_t *axis, apr_int64_t step)
{
    for (apr_int64_t value = axis->low / step * step; value <= axis->high; value += step) {
        push_tick(axis, value);
    }
}

/* Otherwise a difference that is small compared with the values would look large. */
static void widen(apr_int64_t *low, apr_int64_t *high)
{
    if (*high - *low < *high / 10) {
        apr_int64_t by = (*high / 10 - (*high - *low)) / 2;

        *low -= by < *low ? by : *low;
        *high += by;
    }
}

static double decades_of(const axis_t *axis)
{
    return log10((double)axis->high / (double)axis->low);
}

static void tick_logarithmically(axis_t *axis)
{
    double decades = decades_of(axis);

    if (decades > DECADES_DIVIDED) {
        for (apr_int64_t value = 1; value <= axis->high;
             value *= decades > DECADES_ALL ? 100 : 10) {
            push_tick(axis, value);
        }
        return;
    }
    for (apr_int64_t value = 1; value <= axis->high; value = ranges_next_step(value)) {
        push_tick(axis, value);
    }
}

axis_t axis_between(int is_logarithmic, apr_int64_t low, apr_int64_t high, double from, double to,
                    unsigned most)
{
    axis_t axis = {
        .is_logarithmic = is_logarithmic, .low = low, .high = high, .from = from, .to = to};

    assert(high > low && most < AXIS_TICKS_MAX);
    if (is_logarithmic) {
        tick_logarithmically(&axis);
    } else {
        tick_linearly(&axis, step_for(high - low, 1, most));
    }
    return axis;
}

axis_t axis_for(apr_int64_t low, apr_int64_t high, double from, double to, unsigned most)
{
    int is_logarithmic = low > 0 && high / RANGES_LINEAR_FACTOR > low;
    apr_int64_t below = 1, above = 1;

    assert(low <= high);
    if (is_logarithmic) {
        for (apr_int64_t value = 1; above < high; value = ranges_next_step(value)) {
            below = value <= low ? value : below;
            above = value;
        }
    } else {
        widen(&low, &high);
        apr_int64_t step = step_for(high - low, 1, most);

        below = (low >= 0 ? low : low - step + 1) / step * step;
        above = (high / step + 1) * step;
    }
    return axis_between(is_logarithmic, below, above, from, to, most);
}

axis_t axis_of_counts(apr_uint64_t high, double from, double to, unsigned most)
{
    apr_int64_t top = high > 0 ? (apr_int64_t)high : 1;
    apr_int64_t step = step_for(top, 1, most);

    return axis_between(0, 0, (top + step - 1) / step * step, from, to, most);
}

axis_t axis_of_time(apr_interval_time_t high, double from, double to, const time_unit_t **unit)
{
    static const time_unit_t units[] = {
        {"days", 86400 * APR_USEC_PER_SEC},
        {"hours", 3600 * APR_USEC_PER_SEC},
        {"minutes", 60 * APR_USEC_PER_SEC},
        {"seconds", APR_USEC_PER_SEC},
        {"milliseconds", 1000},
    };
    axis_t axis = {.high = high > 1000 ? high : 1000, .from = from, .to = to};
    unsigned i = 0;

    while (i + 1 < sizeof units / sizeof units[0] && axis.high < 2 * units[i].length) {
        i++;
    }
    *unit = &units[i];
    tick_linearly(&axis, step_for(axis.high, units[i].length, TIME_TICKS));
    return axis;
}

double axis_at(const axis_t *axis, double value)
{
    double low = (double)axis->low, high = (double)axis->high;
    double clamped = value < low ? low : value > high ? high : value;
    double share = axis->is_logarithmic ? log(clamped / low) / log(high / low)
                                        : (clamped - low) / (high - low);

    return axis->from + share * (axis->to - axis->from);
}
