#include "core/counters.h"

void counters_sum(counter_totals_t *totals, const counters_t *counters)
{
    for (unsigned i = 0; i < COUNTER_KINDS; i++) {
        totals->value[i] += atomic_load_explicit(&counters->value[i], memory_order_relaxed);
    }
}
