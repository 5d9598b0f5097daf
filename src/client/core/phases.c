#include "client/core/phases.h"

#include <assert.h>
#include <string.h>

phases_t phases_create(apr_interval_time_t interval, apr_pool_t *pool)
{
    assert(interval > 0);
    return (phases_t){interval, apr_array_make(pool, 8, sizeof(apr_interval_time_t))};
}

static apr_interval_time_t at(const phases_t *phases, int index)
{
    return ((const apr_interval_time_t *)(const void *)phases->sorted->elts)[index];
}

/* How many are less than `phase`. */
static int rank(const phases_t *phases, apr_interval_time_t phase)
{
    int low = 0;
    int high = phases->sorted->nelts;

    while (low < high) {
        int middle = low + (high - low) / 2;

        if (at(phases, middle) < phase) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static apr_interval_time_t take(phases_t *phases, apr_interval_time_t phase)
{
    int place = rank(phases, phase);

    *(apr_interval_time_t *)apr_array_push(phases->sorted) = phase;
    apr_interval_time_t *sorted = (apr_interval_time_t *)(void *)phases->sorted->elts;
    apr_size_t behind = (apr_size_t)(phases->sorted->nelts - 1 - place);

    memmove(sorted + place + 1, sorted + place, behind * sizeof *sorted);
    sorted[place] = phase;
    return phase;
}

apr_interval_time_t phases_add_even(phases_t *phases, unsigned index, unsigned count)
{
    assert(index < count);
    /* Not interval * index / count, which may be larger than any time. */
    return take(phases,
                phases->interval / count * index + phases->interval % count * index / count);
}

apr_interval_time_t phases_add(phases_t *phases)
{
    int count = phases->sorted->nelts;
    apr_interval_time_t widest = -1;
    apr_interval_time_t start = 0;

    if (count == 0) {
        return take(phases, 0);
    }
    for (int i = 0; i < count; i++) {
        apr_interval_time_t next =
            i + 1 < count ? at(phases, i + 1) : at(phases, 0) + phases->interval;

        if (next - at(phases, i) > widest) {
            widest = next - at(phases, i);
            start = at(phases, i);
        }
    }
    return take(phases, (start + widest / 2) % phases->interval);
}

void phases_remove(phases_t *phases, apr_interval_time_t phase)
{
    int place = rank(phases, phase);
    apr_interval_time_t *sorted = (apr_interval_time_t *)(void *)phases->sorted->elts;

    assert(place < phases->sorted->nelts && sorted[place] == phase);
    phases->sorted->nelts--;
    memmove(sorted + place, sorted + place + 1,
            (apr_size_t)(phases->sorted->nelts - place) * sizeof *sorted);
}

apr_time_t phases_next(const phases_t *phases, apr_interval_time_t phase, apr_time_t origin,
                       apr_time_t now)
{
    assert(origin <= now && phase >= 0 && phase < phases->interval);
    apr_interval_time_t passed = (now - origin) % phases->interval;
    apr_time_t next = now - passed + phase;

    return next >= now ? next : next + phases->interval;
}
