/*
 * USO and URO where the kernel refuses them, or where they are off: every datagram is then sent and
 * received by itself, and none is lost.
 */

#include "offload_fixture.h"
#include "unit.h"

/* ---- What is refused ---- */

static const int refusals[] = {WSAEINVAL, WSAEMSGSIZE, WSAENOPROTOOPT, WSAEOPNOTSUPP};

static void a_refused_message_is_sent_as_single_datagrams(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * sizeof refusals / sizeof refusals[0]; i++) {
        fixture_t *fixture = open_with_offloads("127.0.0.1", 1000);

        on_cut = (fault_t){.error = refusals[i / 2], .times = 1};
        for (unsigned round = 0; round < 2; round++) { /* nor is the next */
            if (i % 2 == 0) {
                send_many(fixture, 20, SEGMENT);
            } else {
                coalesced = SEGMENT;
                send_coalesced(fixture, 20 * SEGMENT);
            }
            assert_sent(answer_all(fixture, 20), 20, 20 * SEGMENT);
            if (i % 2 == 0) {
                expect_many(fixture, 20, SEGMENT);
            } else {
                expect_segments(fixture, 0, 20 * SEGMENT);
            }
        }
        assert_int_equal(on_cut.times, 0);
        assert_int_equal(cut_count, 0);
        end(fixture);
    }
}

static void a_message_that_fails_on_completion_is_sent_as_single_datagrams(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        fixture_t *fixture = open_with_offloads("127.0.0.1", 1000);

        on_cut_later = (fault_t){.error = WSAEINVAL, .times = 1};
        for (unsigned round = 0; round < 2; round++) {
            if (i == 0) {
                send_many(fixture, 20, SEGMENT);
            } else {
                coalesced = SEGMENT;
                send_coalesced(fixture, 20 * SEGMENT);
            }
            assert_sent(answer_all(fixture, 20), 20, 20 * SEGMENT);
            if (i == 0) {
                expect_many(fixture, 20, SEGMENT);
            } else {
                expect_segments(fixture, 0, 20 * SEGMENT);
            }
        }
        assert_int_equal(cut_count, 1);
        end(fixture);
    }
}

static void an_error_that_is_not_about_segmentation_does_not_disable_it(void **state)
{
    fixture_t *fixture = open_with_offloads("127.0.0.1", 1000);

    (void)state;
    on_cut = (fault_t){.error = WSAENOBUFS, .times = 1};
    for (unsigned round = 0; round < 2; round++) {
        send_many(fixture, 20, 32);
        assert_sent(answer_all(fixture, 20), 20, 640);
        expect_many(fixture, 20, 32);
        assert_int_equal(cut_count, round);
    }
    end(fixture);
}

/* An address that cannot be answered has this effect. */
static void failures_of_plain_sends_are_counted_and_do_not_disable_segmentation(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        fixture_t *fixture = open_with_offloads("127.0.0.1", 1000);

        on_send = (fault_t){.error = WSAEINVAL, .times = 21};
        if (i == 0) {
            send_many(fixture, 20, SEGMENT);
        } else {
            coalesced = SEGMENT;
            send_coalesced(fixture, 20 * SEGMENT);
        }
        send_outcome_t outcome = answer_all(fixture, 20);

        assert_int_equal(outcome.failed[SEND_EINVAL], 20);
        assert_int_equal(outcome.sent, 0);
        coalesced = 0;
        send_many(fixture, 20, SEGMENT);
        assert_sent(answer_all(fixture, 20), 20, 20 * SEGMENT);
        assert_int_equal(cut_count, 1);
        end(fixture);
    }
}

static void each_datagram_of_an_unsent_message_is_counted(void **state)
{
    fixture_t *fixture = open_with_offloads("127.0.0.1", 2000);
    send_outcome_t outcome;
    batch_t batch;

    (void)state;
    are_replies_held = 1;
    coalesced = SEGMENT;
    send_coalesced(fixture, 100 * SEGMENT);
    assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
    assert_int_equal(batch.count, 100);
    for (unsigned i = 0; i < 100; i++) {
        batch.at[i]->verdict = VERDICT_ECHO;
    }
    transport_reply(fixture->transport, &batch, &outcome);
    assert_sent(outcome, 0, 0);
    transport_finish(fixture->transport, 1000, &outcome);
    assert_int_equal(outcome.failed[SEND_EAGAIN], 100);
    assert_int_equal(outcome.sent, 0);
    release_reply(); /* when it is too late to tell */
    expect_segments(fixture, 0, 100 * SEGMENT);
    are_replies_held = 0;
    assert_nothing_waits(fixture);
    transport_finish(fixture->transport, PATIENCE_US, &outcome);
    assert_sent(outcome, 0, 0);
    end(fixture);
}

/* ---- Where it is not to be ---- */

static void without_offload_replies_leave_one_by_one(void **state)
{
    fixture_t *fixture = open_with_offloads("127.0.0.1", 1000);

    (void)state;
    listener_set_offload(fixture->listeners[0], 0);
    send_many(fixture, 20, 32);
    assert_sent(answer_all(fixture, 20), 20, 640);
    expect_many(fixture, 20, 32);
    assert_int_equal(cut_count, 0);
    listener_set_offload(fixture->listeners[0], 1);
    send_many(fixture, 20, 32);
    assert_sent(answer_all(fixture, 20), 20, 640);
    expect_many(fixture, 20, 32);
    assert_int_equal(cut_count, 1);
    end(fixture);
}

/* Each has its own time, and room for a longer reply. */
static void arrival_times_disable_coalescing_and_segmentation(void **state)
{
    fixture_t *fixture = open_with_offloads("127.0.0.1", 1000);
    batch_t batch;

    (void)state;
    listener_set_details(fixture->listeners[0], DETAIL_TIMES);
    assert_int_equal(coalesced_max, 0);
    send_many(fixture, 20, 32);
    assert_sent(answer_all(fixture, 20), 20, 640);
    expect_many(fixture, 20, 32);
    coalesced = SEGMENT; /* as what waited before */
    send_coalesced(fixture, 100);
    assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
    assert_int_equal(batch.count, 1);
    assert_int_equal(batch.at[0]->length, 100);
    give_back(fixture, &batch, VERDICT_PAST_COUNT);
    assert_int_equal(cut_count, 0);
    listener_set_details(fixture->listeners[0], 0);
    assert_int_equal(coalesced_max, 1000);
    end(fixture);
}

/* Only the offloads are missing on a system that refuses their options, such as Wine. */
static void offloads_that_the_system_refuses_are_off(void **state)
{
    fixture_t *fixture = open_without_faults();

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        feature_t feature = i == 0 ? FEATURE_SEGMENTED_SEND : FEATURE_COALESCED_RECEIVE;
        apr_status_t status = fixture->platform.features[feature].status;

        assert_true(status == APR_SUCCESS || APR_STATUS_IS_ENOTIMPL(status));
    }
    if (!platform_has(&fixture->platform, FEATURE_SEGMENTED_SEND)) {
        send_many(fixture, 20, 32);
        assert_sent(answer_all(fixture, 20), 20, 640);
        expect_many(fixture, 20, 32);
        assert_int_equal(cut_count, 0);
    }
    assert_nothing_waits(fixture);
    close_fixture(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_refused_message_is_sent_as_single_datagrams),
        scene(a_message_that_fails_on_completion_is_sent_as_single_datagrams),
        scene(an_error_that_is_not_about_segmentation_does_not_disable_it),
        scene(failures_of_plain_sends_are_counted_and_do_not_disable_segmentation),
        scene(each_datagram_of_an_unsent_message_is_counted),
        scene(without_offload_replies_leave_one_by_one),
        scene(arrival_times_disable_coalescing_and_segmentation),
        scene(offloads_that_the_system_refuses_are_off),
    };

    return cmocka_run_group_tests_name("offload refusals", tests, NULL, NULL);
}
