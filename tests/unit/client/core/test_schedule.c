/* When datagrams are due. The test owns the clock. */

#include "unit.h"

#include "client/core/schedule.h"

#define START  apr_time_from_sec(1000)
#define SECOND APR_USEC_PER_SEC

/* How many are due at `now`, each of which is sent. */
static unsigned send_due(schedule_t *schedule, apr_time_t now)
{
    unsigned sent = 0;

    while (sent < 1000000 && schedule_due(schedule, now) <= now) {
        schedule_advance(schedule);
        sent++;
    }
    return sent;
}

static void the_first_is_due_at_once_and_the_others_one_interval_apart(void **state)
{
    schedule_t schedule = schedule_make(1, SECOND, START);

    (void)state;
    assert_int_equal(send_due(&schedule, START), 1);
    assert_int_equal(schedule_due(&schedule, START), START + SECOND);
    assert_int_equal(send_due(&schedule, START + SECOND - 1), 0);
    assert_int_equal(send_due(&schedule, START + SECOND), 1);
    assert_int_equal(schedule_due(&schedule, START + SECOND), START + 2 * SECOND);
}

static void a_burst_is_spread_evenly_over_its_interval(void **state)
{
    schedule_t schedule = schedule_make(3, 100, START);

    (void)state;
    for (int turn = 0; turn < 3; turn++) {
        for (int i = 0; i < 3; i++) {
            apr_time_t due = START + turn * 100 + i * 100 / 3;

            assert_int_equal(schedule_due(&schedule, due), due);
            schedule_advance(&schedule);
        }
    }
}

static void rates_above_one_in_a_microsecond_are_kept_in_groups(void **state)
{
    schedule_t schedule = schedule_make(3000000, SECOND, START);

    (void)state;
    assert_int_equal(send_due(&schedule, START), 3);
    assert_int_equal(send_due(&schedule, START + 1), 3);
    assert_int_equal(send_due(&schedule, START + 1000), 999 * 3);
}

/* 7 in 10 ms, for a day, by a sender that looks every 9 ms: a microsecond lost in each interval
 * would be 8.6 seconds. */
static void rounding_does_not_add_up(void **state)
{
    schedule_t schedule = schedule_make(7, 10000, START);
    apr_time_t day = (apr_time_t)86400 * SECOND;
    unsigned sent = 0;

    (void)state;
    for (apr_time_t now = START; now < START + day; now += 9000) {
        sent += send_due(&schedule, now);
    }
    sent += send_due(&schedule, START + day - 1);
    assert_int_equal(sent, 7 * 100 * 86400);
    assert_int_equal(schedule_due(&schedule, START + day - 1), START + day);
}

static void a_slightly_late_caller_catches_up(void **state)
{
    schedule_t schedule = schedule_make(1000, SECOND, START);

    (void)state;
    assert_int_equal(send_due(&schedule, START), 1);
    assert_int_equal(send_due(&schedule, START + 9500), 9);
    assert_int_equal(schedule_due(&schedule, START + 9500), START + 10000);
}

static void who_was_stopped_sends_what_was_due_in_ten_milliseconds_and_goes_on(void **state)
{
    schedule_t fast = schedule_make(300000, SECOND, START);
    schedule_t slow = schedule_make(1, SECOND, START);
    apr_time_t later = START + 3600 * SECOND;

    (void)state;
    assert_int_equal(send_due(&fast, START), 1);
    assert_int_equal(send_due(&fast, later), 3000);
    assert_in_range(send_due(&fast, later + 1000), 299, 301);

    assert_int_equal(send_due(&slow, START), 1);
    assert_int_equal(send_due(&slow, later), 1);
    assert_int_equal(schedule_due(&slow, later), later + SECOND);
    assert_int_equal(slow.missed, 3599);
}

/* However late a sender comes, the times do not move, and each datagram is sent or missed. */
static void who_comes_late_does_not_move_the_schedule(void **state)
{
    static const struct {
        unsigned burst;
        apr_interval_time_t interval;
    } paces[] = {{1, SECOND},    {1, 200000}, {50, SECOND}, {1, 20000},         {7, 10000},
                 {1000, SECOND}, {3, 100},    {1, 1},       {4096, 3 * SECOND}, {3000000, SECOND}};
    apr_uint32_t number = 1;

    (void)state;
    for (unsigned i = 0; i < sizeof paces / sizeof paces[0]; i++) {
        schedule_t schedule = schedule_make(paces[i].burst, paces[i].interval, START);
        apr_uint64_t sent = 0;
        apr_time_t now = START;

        for (unsigned turn = 0; turn < 60; turn++) {
            sent += send_due(&schedule, now);
            apr_int64_t position = (apr_int64_t)(sent + schedule.missed);

            assert_int_equal(schedule_due(&schedule, now),
                             START + position * paces[i].interval / paces[i].burst);
            assert_true(schedule_due(&schedule, now) > now);
            number = number * 1664525 + 1013904223;
            now += number >> 24 << (number >> 20) % 10;
        }
    }
}

static void a_gap_of_less_than_an_interval_misses_nothing(void **state)
{
    schedule_t schedule = schedule_make(50, SECOND, START);
    unsigned sent = 0;

    (void)state;
    for (apr_time_t now = START; now < START + 10 * SECOND; now += 19000) {
        sent += send_due(&schedule, now);
    }
    assert_in_range(sent, 499, 500);
    assert_int_equal(schedule.missed, 0);
}

static void what_was_due_before_the_end_and_not_sent_is_missed(void **state)
{
    schedule_t schedule = schedule_make(50, SECOND, START);

    (void)state;
    assert_int_equal(send_due(&schedule, START), 1);
    schedule_end(&schedule, START + SECOND);
    assert_int_equal(schedule.missed, 49);
    schedule_end(&schedule, START + SECOND);
    assert_int_equal(schedule.missed, 49);
    schedule_end(&schedule, START + SECOND + 1);
    assert_int_equal(schedule.missed, 50);
}

static void one_each_ten_milliseconds_is_never_two(void **state)
{
    schedule_t schedule = schedule_make(1, SCHEDULE_CATCH_UP_US, START);

    (void)state;
    assert_int_equal(send_due(&schedule, START), 1);
    assert_int_equal(send_due(&schedule, START + 2 * SCHEDULE_CATCH_UP_US), 1);
    assert_int_equal(send_due(&schedule, START + 5 * SECOND), 1);
}

static void without_an_interval_it_is_always_time(void **state)
{
    schedule_t schedule = schedule_make(0, 0, START);

    (void)state;
    assert_int_equal(send_due(&schedule, START), 1000000);
    assert_int_equal(schedule_due(&schedule, START + 5), START + 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_first_is_due_at_once_and_the_others_one_interval_apart),
        scene(a_burst_is_spread_evenly_over_its_interval),
        scene(rates_above_one_in_a_microsecond_are_kept_in_groups),
        scene(rounding_does_not_add_up),
        scene(a_slightly_late_caller_catches_up),
        scene(who_was_stopped_sends_what_was_due_in_ten_milliseconds_and_goes_on),
        scene(who_comes_late_does_not_move_the_schedule),
        scene(a_gap_of_less_than_an_interval_misses_nothing),
        scene(what_was_due_before_the_end_and_not_sent_is_missed),
        scene(one_each_ten_milliseconds_is_never_two),
        scene(without_an_interval_it_is_always_time),
    };

    return cmocka_run_group_tests_name("schedule", tests, NULL, NULL);
}
