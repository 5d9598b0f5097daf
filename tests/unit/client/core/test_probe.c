/* The client's core, without a socket or a clock: what it sends, and when. What windows and flows
 * make of that is in test_probe_windows.c, what it makes of replies in test_probe_replies.c. */

#include "scripted_probe.h"

/* ---- Plans ---- */

static void a_plan_out_of_bounds_is_refused(void **state)
{
    const probe_plan_t good = plain_plan();
    probe_plan_t bad[15];
    probe_t *probe;

    for (unsigned i = 0; i < 15; i++) {
        bad[i] = good;
    }
    bad[0].size = PAYLOAD_MAX_IPV6 + 1;
    bad[1].flows = 0;
    bad[2].flows = FLOWS_MAX + 1;
    bad[3].burst = 0;
    bad[4].interval = -1;
    bad[5].interval = APR_INT64_MAX;
    bad[6].duration = -1;
    bad[7].timeout = 0;
    bad[8].timeout = -1;
    bad[9].timeout = APR_INT64_MAX;
    bad[10].random = NULL;
    bad[11].burst = 1u << 31;
    bad[11].interval = (apr_interval_time_t)1 << 32;
    bad[12].burst = 10000000; /* more can be outstanding than is remembered */
    bad[12].timeout = 60 * SECOND;
    bad[13].interval = 0;
    bad[13].flows = FLOWS_MAX;
    bad[13].window = PROBE_OUTSTANDING_MAX / FLOWS_MAX + 1;
    bad[14].window = 1;
    bad[14].shuffle = 1;
    for (unsigned i = 0; i < 15; i++) {
        assert_int_equal(probe_create(&probe, &bad[i], *state), APR_EINVAL);
    }
}

static void the_largest_plan_is_taken(void **state)
{
    probe_plan_t plan = plain_plan();

    plan.size = PAYLOAD_MAX_IPV6;
    plan.flows = FLOWS_MAX;
    plan.burst = ~0u;
    plan.timeout = 16 * SECOND;
    assert_int_equal(probe_next(probe_of(plan, *state), START).step, PROBE_SEND);
    plan.burst = 1;
    plan.interval = (apr_interval_time_t)1 << 62;
    assert_int_equal(probe_next(probe_of(plan, *state), START).step, PROBE_SEND);
    plan.interval = 0;
    plan.window = PROBE_OUTSTANDING_MAX / FLOWS_MAX;
    plan.timeout = (apr_interval_time_t)1 << 62;
    assert_int_equal(probe_next(probe_of(plan, *state), START).step, PROBE_SEND);
}

/* ---- When ---- */

static void one_datagram_a_second_is_one_a_second(void **state)
{
    probe_t *probe = probe_of(plain_plan(), *state);

    for (unsigned i = 0; i < 5; i++) {
        apr_time_t now = START + i * SECOND;
        packet_t packet = sent_at(probe, now);
        probe_next_t next;

        assert_int_equal(packet.sequence, i);
        assert_int_equal(echoed_at(probe, &packet, now + 300).round_trip, 300);
        next = probe_next(probe, now + 300);
        assert_int_equal(next.step, PROBE_WAIT);
        assert_int_equal(next.until, now + SECOND);
    }
}

static void the_count_is_sent_and_then_it_waits_for_what_is_to_come(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;
    packet_t packets[3];
    probe_next_t next;

    plan.count = 3;
    plan.interval = 0;
    probe = probe_of(plan, *state);
    for (unsigned i = 0; i < 3; i++) {
        packets[i] = sent_at(probe, START + i);
    }
    next = probe_next(probe, START + 2);
    assert_int_equal(next.step, PROBE_WAIT);
    assert_int_equal(next.until, START + SECOND); /* the first one's timeout */
    echoed_at(probe, &packets[0], START + 10);
    assert_int_equal(probe_next(probe, START + 10).until, START + 1 + SECOND);
    echoed_at(probe, &packets[1], START + 11);
    echoed_at(probe, &packets[2], START + 12);
    assert_int_equal(probe_next(probe, START + 12).step, PROBE_DONE);
    assert_int_equal(probe_next(probe, START + 13).step, PROBE_DONE);
    assert_int_equal(summary_at(probe, START + 99).elapsed, 12);
}

static void the_duration_runs_from_the_first_datagram(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;
    unsigned sent = 0;

    plan.interval = SECOND / 10;
    plan.duration = 2 * SECOND;
    probe = probe_of(plan, *state);
    for (apr_time_t now = START; now < START + 9 * SECOND; now += MILLISECOND) {
        while (probe_next(probe, now).step == PROBE_SEND) {
            sent++;
        }
    }
    assert_int_equal(sent, 20);
    assert_int_equal(probe_next(probe, START + 9 * SECOND).step, PROBE_DONE);
}

static void a_stall_past_the_duration_sends_no_more(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;

    plan.duration = 10 * SECOND;
    probe = probe_of(plan, *state);
    sent_at(probe, START);
    assert_int_equal(probe_next(probe, START + 60 * SECOND).step, PROBE_MISSING);
    assert_int_equal(probe_next(probe, START + 60 * SECOND).step, PROBE_DONE);
}

static void what_was_due_in_time_is_not_sent_after_it(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;

    plan.duration = SECOND + MILLISECOND;
    plan.timeout = 10 * SECOND;
    probe = probe_of(plan, *state);
    sent_at(probe, START);
    assert_int_equal(probe_next(probe, START + SECOND + 2 * MILLISECOND).step, PROBE_WAIT);
    assert_int_equal(summary_at(probe, START + 2 * SECOND).sent, 1);
}

static void after_a_stall_it_goes_on_instead_of_flooding(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;

    plan.burst = 100000;
    probe = probe_of(plan, *state);
    assert_int_equal(steps_at(probe, PROBE_SEND, START, 9999), 1);
    assert_int_equal(steps_at(probe, PROBE_SEND, START + MILLISECOND, 9999), 100);
    assert_int_equal(steps_at(probe, PROBE_MISSING, START + 5 * SECOND, 101), 101);
    assert_int_equal(steps_at(probe, PROBE_SEND, START + 5 * SECOND, 9999), 1000);
    assert_int_equal(steps_at(probe, PROBE_SEND, START + 5 * SECOND + MILLISECOND, 9999), 100);
}

static void asked_to_finish_it_sends_no_more_and_waits(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;
    packet_t packet;

    plan.interval = 0;
    probe = probe_of(plan, *state);
    packet = sent_at(probe, START);
    probe_finish(probe);
    assert_int_equal(probe_next(probe, START + 1).step, PROBE_WAIT);
    assert_int_equal(echoed_at(probe, &packet, START + 2).verdict, REPLY_ANSWER);
    assert_int_equal(probe_next(probe, START + 2).step, PROBE_DONE);
}

static void finished_before_it_began_it_is_done(void **state)
{
    probe_t *probe = probe_of(plain_plan(), *state);

    probe_finish(probe);
    assert_int_equal(probe_next(probe, START).step, PROBE_DONE);
    assert_int_equal(summary_at(probe, START).elapsed, 0);
}

/* ---- What is not sent, missing, resized ---- */

static void what_this_host_refuses_is_not_sent_nor_awaited(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;
    probe_next_t next;
    packet_t packet;
    probe_summary_t summary;

    plan.count = 3;
    plan.interval = 0;
    plan.window = 1;
    probe = probe_of(plan, *state);
    next = probe_next(probe, START);
    packet = packet_of(&next.request);
    probe_not_sent(probe, &next.request);
    probe_not_sent(probe, &next.request); /* once more is no more */
    assert_int_equal(echoed_at(probe, &packet, START + 1).verdict, REPLY_UNKNOWN);

    packet = sent_at(probe, START + 1);
    assert_int_equal(packet.sequence, 1);
    assert_int_equal(echoed_at(probe, &packet, START + 2).verdict, REPLY_ANSWER);
    probe_not_sent(probe, &(request_t){.sequence = 1}); /* it was */
    next = probe_next(probe, START + 3);
    probe_not_sent(probe, &next.request);
    assert_int_equal(probe_next(probe, START + 3).step, PROBE_DONE);

    summary = summary_at(probe, START + 3);
    assert_int_equal(summary.sent, 1);
    assert_int_equal(summary.received, 1);
    assert_int_equal(summary.not_sent, 2);
}

static void the_rest_of_a_batch_can_be_refused_in_any_order(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;
    probe_next_t next[8];

    plan.interval = 0;
    plan.window = 4;
    plan.flows = 2;
    probe = probe_of(plan, *state);
    for (unsigned i = 0; i < 8; i++) {
        next[i] = probe_next(probe, START);
    }
    assert_int_equal(probe_next(probe, START).step, PROBE_WAIT);
    probe_not_sent(probe, &next[7].request);
    probe_not_sent(probe, &next[3].request);
    probe_not_sent(probe, &next[5].request);
    assert_int_equal(summary_at(probe, START).sent, 5);
    assert_int_equal(steps_at(probe, PROBE_SEND, START, 99), 3);
}

static void a_missing_datagram_is_told_once_and_in_time(void **state)
{
    probe_t *probe = probe_of(plain_plan(), *state);
    probe_next_t next;

    sent_at(probe, START);
    assert_int_equal(probe_next(probe, START + SECOND - 1).step, PROBE_WAIT);
    next = probe_next(probe, START + SECOND);
    assert_int_equal(next.step, PROBE_MISSING);
    assert_int_equal(next.request.sequence, 0);
    assert_int_equal(next.request.flow, 0);
    assert_int_equal(next.request.length, 32);
    assert_int_equal(probe_next(probe, START + SECOND).step, PROBE_SEND);
    assert_int_equal(summary_at(probe, START + SECOND).lost, 1);
}

static void a_new_size_is_that_of_the_datagrams_to_come(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;
    packet_t small, large;

    plan.interval = 0;
    probe = probe_of(plan, *state);
    small = sent_at(probe, START);
    probe_resize(probe, 1400);
    large = sent_at(probe, START);
    assert_int_equal(small.length, 32);
    assert_int_equal(large.length, 1400);
    assert_int_equal(echoed_at(probe, &small, START + 1).verdict, REPLY_ANSWER);
    assert_int_equal(echoed_at(probe, &large, START + 1).expected, 1400);
    assert_int_equal(summary_at(probe, START + 1).bytes, 1432);
}

static void what_the_user_wrote_grows_no_longer(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;

    plan.payload = (const unsigned char *)"hello";
    plan.size = 5;
    plan.interval = 0;
    probe = probe_of(plan, *state);
    probe_resize(probe, 4);
    assert_int_equal(sent_at(probe, START).length, 4);
    probe_resize(probe, 6);
    assert_int_equal(sent_at(probe, START).length, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_plan_out_of_bounds_is_refused),
        scene(the_largest_plan_is_taken),
        scene(one_datagram_a_second_is_one_a_second),
        scene(the_count_is_sent_and_then_it_waits_for_what_is_to_come),
        scene(the_duration_runs_from_the_first_datagram),
        scene(a_stall_past_the_duration_sends_no_more),
        scene(what_was_due_in_time_is_not_sent_after_it),
        scene(after_a_stall_it_goes_on_instead_of_flooding),
        scene(asked_to_finish_it_sends_no_more_and_waits),
        scene(finished_before_it_began_it_is_done),
        scene(what_this_host_refuses_is_not_sent_nor_awaited),
        scene(the_rest_of_a_batch_can_be_refused_in_any_order),
        scene(a_missing_datagram_is_told_once_and_in_time),
        scene(a_new_size_is_that_of_the_datagrams_to_come),
        scene(what_the_user_wrote_grows_no_longer),
    };

    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
