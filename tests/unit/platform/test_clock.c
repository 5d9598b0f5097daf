/* The wall clock, and what the system knows of it. */

#include "unit.h"

#include "udpecho/clock.h"

#define NS_PER_US ((apr_int64_t)1000)

/* How exact APR's wall clock is at the least: a tick of Windows. */
#define GRAIN_NS (16 * 1000 * NS_PER_US)

static void the_wall_clock_is_that_of_everybody(void **state)
{
    apr_int64_t before = apr_time_now() * NS_PER_US;
    apr_int64_t now = clock_wall();
    apr_int64_t after = apr_time_now() * NS_PER_US;

    (void)state;
    assert_true(now >= before - GRAIN_NS);
    assert_true(now <= after + GRAIN_NS);
}

static void it_is_finer_than_a_microsecond(void **state)
{
    int is_finer = 0;

    (void)state;
    for (int i = 0; i < 1000 && !is_finer; i++) {
        is_finer = clock_wall() % NS_PER_US != 0;
    }
    assert_true(is_finer);
}

/* What it is depends on the machine. */
static void a_synchronised_clock_has_an_error(void **state)
{
    clock_quality_t quality = clock_quality();

    (void)state;
    assert_true(quality.error_ns >= 0);
    assert_true(!quality.is_synchronised || quality.error_ns > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_wall_clock_is_that_of_everybody),
        scene(it_is_finer_than_a_microsecond),
        scene(a_synchronised_clock_has_an_error),
    };

    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
