/* Time stamps and error estimates of STAMP, beside figures that were worked out elsewhere. */

#include "unit.h"

#include "common/stamp_packet.h"

#define SECOND APR_INT64_C(1000000000)

/* 2026-01-01 00:00:00.2515 UTC, and the same as NTP and PTP write it. */
#define SOME_TIME APR_INT64_C(1767225600251500000)
#define SOME_NTP  APR_UINT64_C(0xed00378040624dd2)
#define SOME_PTP  APR_UINT64_C(0x6955b9000efd95e0)

/* The first second of the NTP era that begins in 2036, and of the one of PTP in 2106. */
#define NTP_ERA_1 APR_INT64_C(2085978496)
#define PTP_WRAPS (APR_INT64_C(1) << 32)

static void a_time_is_written_in_either_format(void **state)
{
    (void)state;
    assert_int_equal(stamp_timestamp(SOME_TIME, STAMP_CLOCK_NTP), SOME_NTP);
    assert_int_equal(stamp_timestamp(SOME_TIME, STAMP_CLOCK_PTP), SOME_PTP);
    assert_int_equal(stamp_timestamp(0, STAMP_CLOCK_NTP), APR_UINT64_C(2208988800) << 32);
    assert_int_equal(stamp_timestamp(999999999, STAMP_CLOCK_NTP) & 0xffffffff, 0xfffffffb);
    assert_int_equal(stamp_timestamp(-1, STAMP_CLOCK_NTP),
                     APR_UINT64_C(2208988799) << 32 | 0xfffffffb);
}

static void every_nanosecond_comes_back(void **state)
{
    (void)state;
    for (apr_int64_t ns = 0; ns < SECOND; ns += 7919) {
        apr_int64_t time = 1767225600 * SECOND + ns;

        assert_int_equal(
            stamp_unix_ns(stamp_timestamp(time, STAMP_CLOCK_NTP), STAMP_CLOCK_NTP, SOME_TIME),
            time);
        assert_int_equal(
            stamp_unix_ns(stamp_timestamp(time, STAMP_CLOCK_PTP), STAMP_CLOCK_PTP, SOME_TIME),
            time);
    }
}

static void an_era_ends_between_two_time_stamps(void **state)
{
    const apr_int64_t ends[] = {NTP_ERA_1, PTP_WRAPS};

    (void)state;
    for (unsigned clock = STAMP_CLOCK_NTP; clock <= STAMP_CLOCK_PTP; clock++) {
        apr_int64_t before = ends[clock] * SECOND - 250;
        apr_int64_t after = ends[clock] * SECOND + 500;
        apr_uint64_t earlier = stamp_timestamp(before, clock);
        apr_uint64_t later = stamp_timestamp(after, clock);

        assert_true(later < earlier);
        assert_int_equal(stamp_elapsed_ns(later, earlier, clock), 750);
        assert_int_equal(stamp_elapsed_ns(earlier, later, clock), -750);
        assert_int_equal(stamp_unix_ns(later, clock, before), after);
        assert_int_equal(stamp_unix_ns(earlier, clock, after), before);
    }
}

static void an_error_is_written_no_smaller_than_it_is(void **state)
{
    (void)state;
    assert_int_equal(stamp_error_encode(0, STAMP_CLOCK_NTP, 1000 * 1000), 0x0f84);
    assert_int_equal(stamp_error_encode(0, STAMP_CLOCK_NTP, 100 * 1000), 0x0bd2);
    assert_int_equal(stamp_error_encode(1, STAMP_CLOCK_PTP, SECOND), 0xc000 | 25 << 8 | 128);
    assert_int_equal(stamp_error_encode(0, STAMP_CLOCK_NTP, 0), 1);
    for (apr_int64_t error = 1; error < APR_INT64_MAX / 16; error = error * 3 + 1) {
        stamp_error_t read = stamp_error_decode(stamp_error_encode(0, STAMP_CLOCK_NTP, error));

        assert_true(read.is_valid);
        if (error < APR_INT64_C(0x7fffffff) * SECOND) {
            assert_true(read.error_ns >= error);
            assert_true(read.error_ns <= error + error / 64 + 1);
        }
    }
}

static void an_estimate_is_read(void **state)
{
    (void)state;
    stamp_error_t error = stamp_error_decode(0x8f84);

    assert_true(error.is_synchronised && error.is_valid);
    assert_int_equal(error.clock, STAMP_CLOCK_NTP);
    assert_int_equal(error.error_ns, 1007081); /* 132 / 2^17 seconds, rounded up */

    error = stamp_error_decode(0x4000 | 32 << 8 | 3);
    assert_false(error.is_synchronised);
    assert_int_equal(error.clock, STAMP_CLOCK_PTP);
    assert_int_equal(error.error_ns, 3 * SECOND);

    assert_int_equal(stamp_error_decode(0x3fff).error_ns, APR_INT64_MAX);
    assert_false(stamp_error_decode(0x8a00).is_valid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_time_is_written_in_either_format),
        scene(every_nanosecond_comes_back),
        scene(an_era_ends_between_two_time_stamps),
        scene(an_error_is_written_no_smaller_than_it_is),
        scene(an_estimate_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
