#include "core/impair_schedule.h"

/* Whether exactly this many steps have begun. */
static int have_begun(const impair_schedule_t *schedule, unsigned begun, apr_int64_t position)
{
    const impair_step_t *steps = schedule->steps;

    return (begun == 0 || steps[begun - 1].after <= position) &&
           (begun == schedule->count || position < steps[begun].after);
}

static unsigned count_begun(const impair_schedule_t *schedule, apr_int64_t position)
{
    unsigned low = 0;
    unsigned high = schedule->count;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;

        if (schedule->steps[middle].after <= position) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const impair_profile_t *impair_schedule_at(const impair_schedule_t *schedule, apr_int64_t position,
                                           atomic_uint *begun)
{
    unsigned count = atomic_load_explicit(begun, memory_order_relaxed);

    if (schedule->period > 0) {
        position %= schedule->period;
    }
    if (!have_begun(schedule, count, position)) {
        count = count_begun(schedule, position);
        atomic_store_explicit(begun, count, memory_order_relaxed);
    }
    return count > 0 ? &schedule->steps[count - 1].profile : NULL;
}
