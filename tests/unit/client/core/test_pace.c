/* How many datagrams make a bitrate. */

#include "unit.h"

#include "client/core/pace.h"
#include "client/core/schedule.h"

static void assert_pace(apr_int64_t bits_per_second, apr_size_t length, unsigned burst,
                        apr_interval_time_t interval)
{
    pace_t pace = pace_of_bitrate(bits_per_second, length);

    assert_int_equal(pace.burst, burst);
    assert_int_equal(pace.interval, interval);
}

static void a_bitrate_is_so_many_datagrams_exactly(void **state)
{
    (void)state;
    assert_pace(8, 1, 1, APR_USEC_PER_SEC);
    assert_pace(1000, 84, 1, 672000);     /* 672 bits each */
    assert_pace(10000000, 1428, 5, 5712); /* 11,424 bits each */
    assert_pace(APR_INT64_C(10000000000), 1428, 625, 714);
    assert_pace(1000000, 1250, 1, 10000);
}

/* Primes and odd numbers have no divisor in common with anything. */
static void what_a_schedule_cannot_express_is_closer_than_a_millionth(void **state)
{
    static const apr_int64_t bitrates[] = {
        1, 3, 1009, 99999989, 999999937, APR_INT64_C(999999999989), APR_INT64_C(1000000000000)};
    static const apr_size_t lengths[] = {28, 48, 84, 1428, 1499, 65535, 65575};

    (void)state;
    for (unsigned i = 0; i < sizeof bitrates / sizeof bitrates[0]; i++) {
        for (unsigned j = 0; j < sizeof lengths / sizeof lengths[0]; j++) {
            pace_t pace = pace_of_bitrate(bitrates[i], lengths[j]);
            double bitrate =
                pace.burst * 8.0 * (double)lengths[j] * APR_USEC_PER_SEC / (double)pace.interval;
            double error = bitrate / (double)bitrates[i] - 1;

            schedule_make(pace.burst, pace.interval, 0); /* it asserts its bounds */
            if (error > 1e-6 || error < -1e-6) {
                fail_msg("%.0f bit/s of %u bytes are off by %g", (double)bitrates[i],
                         (unsigned)lengths[j], error);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_bitrate_is_so_many_datagrams_exactly),
        scene(what_a_schedule_cannot_express_is_closer_than_a_millionth),
    };

    return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
