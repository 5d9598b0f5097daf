#include "server/observe/service_times.h"

#include <assert.h>

const apr_interval_time_t service_time_bounds_us[SERVICE_TIME_BOUNDS] = {
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10000, 100000, 1000000,
};

/* There is one writer, so a plain addition will do; it is atomic only for those who read. */
static void add(_Atomic apr_uint64_t *value, apr_uint64_t amount)
{
    apr_uint64_t old = atomic_load_explicit(value, memory_order_relaxed);

    atomic_store_explicit(value, old + amount, memory_order_relaxed);
}

void service_times_add(service_times_t *times, apr_interval_time_t took_us, unsigned datagrams)
{
    unsigned bucket = 0;

    assert(took_us >= 0);
    while (bucket < SERVICE_TIME_BOUNDS && took_us > service_time_bounds_us[bucket]) {
        bucket++;
    }
    add(&times->datagrams[bucket], datagrams);
    add(&times->total_us, (apr_uint64_t)took_us * datagrams);
}

void service_times_sum(service_time_totals_t *totals, const service_times_t *times)
{
    for (unsigned i = 0; i <= SERVICE_TIME_BOUNDS; i++) {
        totals->datagrams[i] += atomic_load_explicit(&times->datagrams[i], memory_order_relaxed);
    }
    totals->total_us += atomic_load_explicit(&times->total_us, memory_order_relaxed);
}
