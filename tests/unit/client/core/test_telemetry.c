/* What a reflector reports about itself in TLVs. */

#include "unit.h"

#include "client/core/telemetry.h"

#define T3 APR_INT64_C(1800000000000000000)

/* Reply `number`, which says that the one before `left` so much later than its time stamp. */
static reflection_t reply_of(apr_uint32_t number, apr_int64_t left)
{
    return (reflection_t){.peer_number = number,
                          .t3 = T3 + number * 1000000,
                          .tlvs = {.has_follow_up = number > 0,
                                   .follow_up_number = number - 1,
                                   .follow_up = T3 + (number - 1) * 1000000 + left}};
}

static void add(telemetry_t *telemetry, apr_uint32_t number, apr_int64_t left)
{
    reflection_t reflection = reply_of(number, left);

    telemetry_add(telemetry, &reflection);
}

static void the_time_stamp_of_the_reply_before_is_compared(void **state)
{
    telemetry_t telemetry = {.count = 0};

    (void)state;
    add(&telemetry, 0, 0);
    assert_int_equal(telemetry.count, 0);
    assert_int_equal(telemetry_mean(&telemetry), 0);
    add(&telemetry, 1, 5000);
    add(&telemetry, 2, 9000);
    add(&telemetry, 3, 7000);
    assert_int_equal(telemetry.count, 3);
    assert_int_equal(telemetry.minimum, 5000);
    assert_int_equal(telemetry_mean(&telemetry), 7000);
    assert_int_equal(telemetry.maximum, 9000);
}

static void nothing_is_known_of_a_reply_that_did_not_come_before(void **state)
{
    telemetry_t telemetry = {.count = 0};

    (void)state;
    add(&telemetry, 0, 0);
    add(&telemetry, 2, 5000); /* 1 was lost */
    add(&telemetry, 1, 5000); /* or late */
    assert_int_equal(telemetry.count, 0);
}

static void counts_are_those_of_the_last_reply(void **state)
{
    telemetry_t telemetry = {.count = 0};
    reflection_t reflection = {.tlvs = {.has_counts = 1, .requests_there = 5, .replies_there = 4}};

    (void)state;
    telemetry_add(&telemetry, &reflection);
    reflection.tlvs.requests_there = 7;
    telemetry_add(&telemetry, &reflection);
    reflection.tlvs.has_counts = 0;
    telemetry_add(&telemetry, &reflection);
    assert_true(telemetry.has_counts);
    assert_int_equal(telemetry.requests, 7);
    assert_int_equal(telemetry.replies, 4);
}

static void sessions_are_summed_up(void **state)
{
    telemetry_t one = {.has_counts = 1, .requests = 5, .replies = 4};
    telemetry_t other = {.has_counts = 1, .requests = 10, .replies = 9};
    telemetry_t none = {.count = 0};
    telemetry_t sum = {.count = 0};

    (void)state;
    add(&one, 0, 0);
    add(&one, 1, 3000);
    add(&other, 0, 0);
    add(&other, 1, 1000);
    telemetry_merge(&sum, &none);
    telemetry_merge(&sum, &one);
    telemetry_merge(&sum, &other);
    assert_int_equal(sum.requests, 15);
    assert_int_equal(sum.replies, 13);
    assert_int_equal(sum.count, 2);
    assert_int_equal(sum.minimum, 1000);
    assert_int_equal(telemetry_mean(&sum), 2000);
    assert_int_equal(sum.maximum, 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_time_stamp_of_the_reply_before_is_compared),
        scene(nothing_is_known_of_a_reply_that_did_not_come_before),
        scene(counts_are_those_of_the_last_reply),
        scene(sessions_are_summed_up),
    };

    return run_group("telemetry", tests);
}
