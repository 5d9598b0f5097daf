/* When a core ends: by draining, at its time, or once its count is met. */

#include "unit.h"

#include "echo_batches.h"

static void draining_ends_with_an_empty_batch(void **state)
{
    echo_t *echo = endless_echo(*state);
    batch_t none = batch_of(0);
    batch_t some = batch_of(3);

    echo_drain(echo, NOW);
    assert_false(echo_done(echo));
    assert_int_equal(echo_timeout(echo, NOW), 0);

    echo_step(echo, &some, NOW);
    assert_int_equal(echoes_in(&some), 3); /* what the kernel holds is still answered */
    assert_false(echo_done(echo));

    echo_step(echo, &none, NOW);
    assert_true(echo_done(echo));
    assert_int_equal(echo_end(echo), ECHO_END_ASKED);
}

static void draining_ends_in_time_though_senders_never_pause(void **state)
{
    echo_t *echo = endless_echo(*state);
    batch_t batch = batch_of(1);

    echo_drain(echo, NOW);
    echo_step(echo, &batch, NOW + ECHO_DRAIN_MAX_US - 1);
    assert_false(echo_done(echo));
    echo_drain(echo, NOW + ECHO_DRAIN_MAX_US - 1); /* asking again gives no more time */
    echo_step(echo, &batch, NOW + ECHO_DRAIN_MAX_US);
    assert_true(echo_done(echo));
}

static void time_passes_without_datagrams_too(void **state)
{
    echo_t *echo = endless_echo(*state);

    echo_drain(echo, NOW);
    echo_pass_time(echo, NOW + ECHO_DRAIN_MAX_US - 1);
    assert_false(echo_done(echo));
    echo_pass_time(echo, NOW + ECHO_DRAIN_MAX_US);
    assert_true(echo_done(echo));

    echo = create(echo_quota_create(0, *state), 100, *state);
    echo_pass_time(echo, NOW + 100);
    assert_int_equal(echo_timeout(echo, NOW + 100), 0);
    assert_int_equal(echo_end(echo), ECHO_END_DURATION);
}

static void the_duration_bounds_the_wait_and_then_drains(void **state)
{
    apr_pool_t *pool = *state;
    echo_t *echo = create(echo_quota_create(0, pool), 5000, pool);
    batch_t none = batch_of(0);
    batch_t batch = batch_of(1);

    assert_int_equal(echo_timeout(echo, NOW + 1000), 4000);
    assert_int_equal(echo_timeout(echo, NOW + 6000), 0);
    echo_step(echo, &batch, NOW + 5000);
    assert_int_equal(echoes_in(&batch), 1);
    assert_false(echo_done(echo));
    echo_step(echo, &none, NOW + 5001);
    assert_true(echo_done(echo));
    assert_int_equal(echo_end(echo), ECHO_END_DURATION);
}

static void an_idle_server_looks_once_more_and_ends_at_its_duration(void **state)
{
    apr_pool_t *pool = *state;
    echo_t *echo = create(echo_quota_create(0, pool), 5000, pool);
    batch_t none = batch_of(0);

    echo_step(echo, &none, NOW + 4999); /* a wait that ended early changes nothing */
    assert_false(echo_done(echo));
    echo_step(echo, &none, NOW + 5000); /* the end of a wait, not a look */
    assert_false(echo_done(echo));
    assert_int_equal(echo_timeout(echo, NOW + 5000), 0);
    echo_step(echo, &none, NOW + 5000);
    assert_true(echo_done(echo));
}

static void a_failed_receive_ends_no_drain_before_its_time(void **state)
{
    echo_t *echo = endless_echo(*state);

    echo_receive_failed(echo, NOW);
    echo_drain(echo, NOW);
    echo_receive_failed(echo, NOW + ECHO_DRAIN_MAX_US - 1);
    assert_false(echo_done(echo));
    echo_receive_failed(echo, NOW + ECHO_DRAIN_MAX_US);
    assert_true(echo_done(echo));
    assert_int_equal(counted(echo, COUNTER_RECEIVE_ERRORS), 3);
}

static void a_receive_that_keeps_failing_is_left_alone_longer_and_longer(void **state)
{
    static const int milliseconds[] = {10, 20, 40, 80, 160, 320, 640, 1000, 1000};
    echo_t *echo = endless_echo(*state);
    batch_t none = batch_of(0);

    for (unsigned i = 0; i < sizeof milliseconds / sizeof *milliseconds; i++) {
        assert_int_equal(echo_receive_failed(echo, NOW), milliseconds[i] * 1000);
    }
    echo_step(echo, &none, NOW);
    assert_int_equal(echo_receive_failed(echo, NOW), ECHO_PAUSE_MIN_US);
}

static void a_pause_is_over_when_it_is_time_to_end(void **state)
{
    apr_pool_t *pool = *state;
    echo_policy_t policy = {.quota = echo_quota_create(0, pool), .duration_us = 60000};
    echo_t *echo = echo_create(&policy, NOW, pool);

    for (int i = 0; i < 4; i++) {
        echo_receive_failed(echo, NOW);
    }
    assert_int_equal(echo_receive_failed(echo, NOW + 30000), 30000);
    assert_int_equal(echo_receive_failed(echo, NOW + 60000), ECHO_PAUSE_MIN_US); /* it drains */
    assert_int_equal(echo_receive_failed(echo, NOW + 60000), ECHO_PAUSE_MIN_US);
}

static void it_is_degraded_until_a_receive_does_not_fail(void **state)
{
    echo_t *echo = endless_echo(*state);
    batch_t none = batch_of(0);

    assert_false(echo_is_degraded(echo));
    echo_receive_failed(echo, NOW);
    assert_true(echo_is_degraded(echo));
    assert_int_equal(echo_timeout(echo, NOW), ECHO_PAUSE_MAX_US); /* not without limit */
    echo_step(echo, &none, NOW);
    assert_false(echo_is_degraded(echo));
    assert_int_equal(echo_timeout(echo, NOW), -1);
}

static void the_count_is_met_and_not_passed_within_a_batch(void **state)
{
    apr_pool_t *pool = *state;
    echo_t *echo = create(echo_quota_create(3, pool), 0, pool);
    batch_t batch = batch_of(10);

    echo_step(echo, &batch, NOW);
    assert_int_equal(echoes_in(&batch), 3);
    assert_int_equal(counted(echo, COUNTER_DROPPED + VERDICT_PAST_COUNT), 7);
    assert_false(echo_done(echo));
    settle_sent(echo, 3);
    assert_true(echo_done(echo));
    assert_int_equal(echo_end(echo), ECHO_END_COUNT);
}

static void a_failed_reply_is_no_echo_and_goes_back_to_the_count(void **state)
{
    apr_pool_t *pool = *state;
    echo_t *echo = create(echo_quota_create(2, pool), 0, pool);
    batch_t batch = batch_of(2);
    send_outcome_t outcome = {.sent = 1, .sent_bytes = 10, .failed[SEND_EPERM] = 1};

    echo_step(echo, &batch, NOW);
    echo_settle(echo, &outcome);
    assert_false(echo_done(echo));
    assert_int_equal(counted(echo, COUNTER_FAILED + SEND_EPERM), 1);

    batch = batch_of(2);
    echo_step(echo, &batch, NOW);
    assert_int_equal(echoes_in(&batch), 1);
    settle_sent(echo, 1);
    assert_true(echo_done(echo));
}

static void workers_share_one_count(void **state)
{
    apr_pool_t *pool = *state;
    echo_quota_t *quota = echo_quota_create(5, pool);
    echo_t *one = create(quota, 0, pool);
    echo_t *other = create(quota, 0, pool);
    batch_t batch = batch_of(4);

    echo_step(one, &batch, NOW);
    assert_int_equal(echoes_in(&batch), 4);
    batch = batch_of(4);
    echo_step(other, &batch, NOW);
    assert_int_equal(echoes_in(&batch), 1);
    settle_sent(other, 1);
    assert_false(echo_done(other)); /* four claimed by the other worker are not out yet */
    settle_sent(one, 4);
    assert_true(echo_done(one));
    assert_int_equal(echo_end(one), ECHO_END_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(draining_ends_with_an_empty_batch),
        scene(draining_ends_in_time_though_senders_never_pause),
        scene(time_passes_without_datagrams_too),
        scene(the_duration_bounds_the_wait_and_then_drains),
        scene(an_idle_server_looks_once_more_and_ends_at_its_duration),
        scene(a_failed_receive_ends_no_drain_before_its_time),
        scene(a_receive_that_keeps_failing_is_left_alone_longer_and_longer),
        scene(a_pause_is_over_when_it_is_time_to_end),
        scene(it_is_degraded_until_a_receive_does_not_fail),
        scene(the_count_is_met_and_not_passed_within_a_batch),
        scene(a_failed_reply_is_no_echo_and_goes_back_to_the_count),
        scene(workers_share_one_count),
    };

    return cmocka_run_group_tests_name("end of an echo", tests, NULL, NULL);
}
