/* How many datagrams the client has outstanding, and by which flows they go. */

#include "scripted_probe.h"

static void a_window_lets_no_more_be_outstanding(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;
    packet_t packet;

    plan.interval = 0;
    plan.window = 8;
    probe = probe_of(plan, *state);
    packet = sent_at(probe, START);
    assert_int_equal(steps_at(probe, PROBE_SEND, START, 99), 7);
    assert_int_equal(probe_next(probe, START).until, START + SECOND);
    echoed_at(probe, &packet, START + 1);
    echoed_at(probe, &packet, START + 1); /* a duplicate makes no room */
    assert_int_equal(steps_at(probe, PROBE_SEND, START + 1, 99), 1);
    assert_int_equal(steps_at(probe, PROBE_MISSING, START + SECOND, 7), 7);
    assert_int_equal(summary_at(probe, START + SECOND).outstanding, 1);
    assert_int_equal(steps_at(probe, PROBE_SEND, START + SECOND, 99), 7);
}

static void a_corrupt_reply_makes_room_too(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;
    packet_t packet;

    plan.interval = 0;
    plan.window = 1;
    probe = probe_of(plan, *state);
    packet = sent_at(probe, START);
    packet.data[20] ^= 1;
    echoed_at(probe, &packet, START + 1);
    assert_int_equal(steps_at(probe, PROBE_SEND, START + 1, 99), 1);
}

static void flows_are_used_in_turn(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;

    plan.flows = 5;
    plan.interval = 0;
    probe = probe_of(plan, *state);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(sent_at(probe, START).flow, i % 5);
    }
    assert_int_equal(probe_flow_summary(probe, 3, START).sent, 20);
}

static void shuffled_flows_have_one_turn_in_each_round(void **state)
{
    probe_plan_t plan = plain_plan();
    unsigned first[5] = {0};
    probe_t *probe;

    plan.flows = 5;
    plan.interval = 0;
    plan.shuffle = 1;
    probe = probe_of(plan, *state);
    for (unsigned round = 0; round < 1000; round++) {
        unsigned seen = 0;

        for (unsigned i = 0; i < 5; i++) {
            unsigned flow = sent_at(probe, START).flow;

            seen |= 1u << flow;
            first[flow] += i == 0;
        }
        assert_int_equal(seen, 0x1f);
    }
    for (unsigned i = 0; i < 5; i++) {
        assert_in_range(first[i], 150, 250);
    }
}

static void a_flow_keeps_its_turn_until_its_window_is_full(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;
    packet_t packets[8];

    plan.flows = 4;
    plan.window = 2;
    plan.interval = 0;
    probe = probe_of(plan, *state);
    for (unsigned i = 0; i < 8; i++) {
        packets[i] = sent_at(probe, START);
        assert_int_equal(packets[i].flow, i / 2);
    }
    assert_int_equal(probe_next(probe, START).step, PROBE_WAIT);
    echoed_at(probe, &packets[4], START + 1);
    echoed_at(probe, &packets[0], START + 1);
    echoed_at(probe, &packets[5], START + 1);
    assert_int_equal(sent_at(probe, START + 1).flow, 2);
    assert_int_equal(sent_at(probe, START + 1).flow, 2);
    assert_int_equal(sent_at(probe, START + 1).flow, 0);
    assert_int_equal(probe_next(probe, START + 1).step, PROBE_WAIT);
}

static void all_flows_there_can_be_have_their_windows(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;

    plan.flows = FLOWS_MAX;
    plan.window = 2;
    plan.interval = 0;
    plan.timeout = 1000; /* in which fewer could be sent */
    probe = probe_of(plan, *state);
    assert_int_equal(steps_at(probe, PROBE_SEND, START, 99999), 2 * FLOWS_MAX);
    assert_int_equal(probe_flow_summary(probe, FLOWS_MAX - 1, START).sent, 2);
}

/* A datagram that is not answered must be remembered until its timeout. */
static void a_window_forgets_nothing_that_is_outstanding(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;
    probe_next_t next;
    packet_t lost;
    unsigned sent = 1;

    plan.interval = 0;
    plan.window = 2;
    plan.timeout = 1000; /* 4096 datagrams are remembered */
    probe = probe_of(plan, *state);
    lost = sent_at(probe, START);
    for (next = probe_next(probe, START + 1); next.step == PROBE_SEND && sent < 99999; sent++) {
        packet_t packet = packet_of(&next.request);

        assert_int_equal(echoed_at(probe, &packet, START + 1).verdict, REPLY_ANSWER);
        next = probe_next(probe, START + 1);
    }
    assert_int_equal(sent, 4096);
    assert_int_equal(probe_next(probe, START + 1).until, START + 1000);
    assert_int_equal(echoed_at(probe, &lost, START + 2).verdict, REPLY_ANSWER);
    assert_int_equal(probe_next(probe, START + 2).step, PROBE_SEND);
}

static void a_lost_datagram_holds_up_no_others(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;

    plan.interval = 0;
    plan.window = 2;
    probe = probe_of(plan, *state);
    sent_at(probe, START);
    for (unsigned i = 0; i < 400000; i++) {
        packet_t packet = sent_at(probe, START + i);

        echoed_at(probe, &packet, START + i);
    }
}

static void late_answers_are_known_for_another_timeout(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;
    packet_t late;

    plan.burst = 10000;
    probe = probe_of(plan, *state);
    late = sent_at(probe, START);
    for (apr_time_t now = START; now < START + 2 * SECOND; now += MILLISECOND) {
        for (probe_next_t next = probe_next(probe, now); next.step != PROBE_WAIT;) {
            next = probe_next(probe, now);
        }
    }
    assert_int_equal(echoed_at(probe, &late, START + 2 * SECOND).verdict, REPLY_LATE);
}

/* The number that a long, fast path has in flight. Each is answered in time. */
static void millions_can_be_outstanding(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;
    packet_t first;
    unsigned sent = 1;

    plan.burst = 1000000;
    plan.timeout = 6 * SECOND;
    probe = probe_of(plan, *state);
    first = sent_at(probe, START);
    for (apr_time_t now = START; now < START + 5 * SECOND + 1000; now += MILLISECOND) {
        for (probe_next_t next; (next = probe_next(probe, now)).step != PROBE_WAIT; sent++) {
            assert_int_equal(next.step, PROBE_SEND);
        }
    }
    assert_true(sent > 5000000);
    assert_int_equal(summary_at(probe, START + 5 * SECOND).missed, 0);
    assert_int_equal(echoed_at(probe, &first, START + 5 * SECOND).verdict, REPLY_ANSWER);
}

/* A host that sends more than was thought possible forgets nothing that is outstanding either. */
static void what_cannot_be_remembered_is_not_sent_but_missed(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;
    packet_t first;
    unsigned sent;

    plan.burst = 4000000000;
    plan.timeout = 5 * MILLISECOND;
    plan.duration = 3 * MILLISECOND;
    probe = probe_of(plan, *state);
    first = sent_at(probe, START);
    sent = 1 + steps_at(probe, PROBE_SEND, START + 2 * MILLISECOND, 10000000);
    assert_in_range(sent, 4 * 15000, 1 << 18);
    assert_int_equal(echoed_at(probe, &first, START + 2 * MILLISECOND).verdict, REPLY_ANSWER);
    assert_int_equal(probe_next(probe, START + 2 * MILLISECOND).step, PROBE_SEND);
    assert_int_equal(steps_at(probe, PROBE_MISSING, START + 8 * MILLISECOND, 10000000), sent);
    assert_int_equal(probe_next(probe, START + 8 * MILLISECOND).step, PROBE_DONE);

    probe_summary_t summary = summary_at(probe, START + 8 * MILLISECOND);

    assert_int_equal(summary.sent + summary.missed, 3 * 4000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_window_lets_no_more_be_outstanding),
        scene(a_corrupt_reply_makes_room_too),
        scene(flows_are_used_in_turn),
        scene(shuffled_flows_have_one_turn_in_each_round),
        scene(a_flow_keeps_its_turn_until_its_window_is_full),
        scene(all_flows_there_can_be_have_their_windows),
        scene(a_window_forgets_nothing_that_is_outstanding),
        scene(a_lost_datagram_holds_up_no_others),
        scene(late_answers_are_known_for_another_timeout),
        scene(millions_can_be_outstanding),
        scene(what_cannot_be_remembered_is_not_sent_but_missed),
    };

    return cmocka_run_group_tests_name("probe windows", tests, NULL, NULL);
}
