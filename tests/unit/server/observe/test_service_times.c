#include "unit.h"

#include "server/observe/service_times.h"

static void a_time_goes_to_the_first_bucket_that_holds_it(void **state)
{
    service_times_t times = {.total_us = 0};
    service_time_totals_t totals = {.total_us = 0};

    (void)state;
    service_times_add(&times, 0, 1);
    service_times_add(&times, 1, 2);
    service_times_add(&times, 2, 4);
    service_times_add(&times, 3, 8);
    service_times_add(&times, 1000000, 16);
    service_times_sum(&totals, &times);
    assert_int_equal(totals.datagrams[0], 3);
    assert_int_equal(totals.datagrams[1], 4);
    assert_int_equal(totals.datagrams[2], 8);
    assert_int_equal(totals.datagrams[SERVICE_TIME_BOUNDS - 1], 16);
    assert_int_equal(totals.datagrams[SERVICE_TIME_BOUNDS], 0);
}

static void what_is_above_all_bounds_is_kept_too(void **state)
{
    service_times_t times = {.total_us = 0};
    service_time_totals_t totals = {.total_us = 0};

    (void)state;
    service_times_add(&times, 1000001, 64);
    service_times_sum(&totals, &times);
    assert_int_equal(totals.datagrams[SERVICE_TIME_BOUNDS], 64);
}

static void every_datagram_of_a_batch_has_its_time(void **state)
{
    service_times_t times = {.total_us = 0};
    service_time_totals_t totals = {.total_us = 0};

    (void)state;
    service_times_add(&times, 30, 64);
    service_times_add(&times, 7, 1);
    service_times_sum(&totals, &times);
    service_times_sum(&totals, &times);
    assert_int_equal(totals.total_us, 2 * (30 * 64 + 7));
}

static void bounds_rise(void **state)
{
    (void)state;
    for (unsigned i = 1; i < SERVICE_TIME_BOUNDS; i++) {
        assert_true(service_time_bounds_us[i - 1] < service_time_bounds_us[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_time_goes_to_the_first_bucket_that_holds_it),
        scene(what_is_above_all_bounds_is_kept_too),
        scene(every_datagram_of_a_batch_has_its_time),
        scene(bounds_rise),
    };

    return cmocka_run_group_tests_name("service times", tests, NULL, NULL);
}
