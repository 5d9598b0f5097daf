/* How the client's core classifies replies. The server and the network are scripted. */

#include "scripted_probe.h"

/* ---- Verdicts ---- */

static void the_right_bytes_in_time_are_an_answer(void **state)
{
    probe_t *probe = flood(32, 1, *state);
    packet_t packet = sent_at(probe, START);
    reply_t reply = echoed_at(probe, &packet, START + SECOND - 1);
    probe_summary_t summary = summary_at(probe, START + SECOND);

    assert_int_equal(reply.verdict, REPLY_ANSWER);
    assert_true(reply.has_sequence);
    assert_int_equal(reply.sequence, 0);
    assert_int_equal(reply.expected, 32);
    assert_int_equal(reply.round_trip, SECOND - 1);
    assert_false(reply.is_reordered);
    assert_int_equal(summary.received, 1);
    assert_int_equal(summary.bytes, 32);
    assert_int_equal(summary.minimum, SECOND - 1);
    assert_int_equal(summary.maximum, SECOND - 1);
    assert_int_equal(summary.elapsed, SECOND - 1);
}

static void a_clock_that_is_a_little_behind_makes_no_negative_round_trip(void **state)
{
    probe_t *probe = flood(32, 1, *state);
    packet_t packet = sent_at(probe, START);

    assert_int_equal(echoed_at(probe, &packet, START - 1).round_trip, 0);
}

static void a_round_trip_begins_when_the_datagram_left(void **state)
{
    probe_t *probe = flood(32, 1, *state);
    request_t requests[2] = {probe_next(probe, START).request, probe_next(probe, START).request};
    packet_t first = packet_of(&requests[0]);
    packet_t second = packet_of(&requests[1]);

    probe_sent(probe, requests, 1, START + 300);
    probe_sent(probe, requests + 1, 1, START + 700);
    assert_int_equal(echoed_at(probe, &first, START + 1000).round_trip, 700);
    assert_int_equal(echoed_at(probe, &second, START + 1000).round_trip, 300);
    probe_sent(probe, requests, 1, START + 2000); /* it was answered: nothing changes */
    assert_int_equal(echoed_at(probe, &first, START + 3000).round_trip, 2700);
    assert_int_equal(summary_at(probe, START + 3000).maximum, 700);
}

static void a_timeout_begins_when_the_datagram_left(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;
    request_t request;

    plan.count = 1;
    probe = probe_of(plan, *state);
    request = probe_next(probe, START).request;
    probe_sent(probe, &request, 1, START + 300);
    assert_int_equal(probe_next(probe, START + SECOND).step, PROBE_WAIT);
    assert_int_equal(probe_next(probe, START + SECOND).until, START + SECOND + 300);
    assert_int_equal(probe_next(probe, START + SECOND + 300).step, PROBE_MISSING);
}

static void a_late_answer_was_lost_and_is_received(void **state)
{
    probe_t *probe = probe_of(plain_plan(), *state);
    packet_t packet = sent_at(probe, START);
    probe_summary_t summary;

    assert_int_equal(probe_next(probe, START + SECOND).step, PROBE_MISSING);
    assert_int_equal(summary_at(probe, START + SECOND).lost, 1);
    assert_int_equal(echoed_at(probe, &packet, START + 3 * SECOND).verdict, REPLY_LATE);
    assert_int_equal(echoed_at(probe, &packet, START + 4 * SECOND).verdict, REPLY_DUPLICATE);
    summary = summary_at(probe, START + 4 * SECOND);
    assert_int_equal(summary.lost, 0);
    assert_int_equal(summary.received, 1);
    assert_int_equal(summary.late, 1);
    assert_int_equal(summary.maximum, 3 * SECOND);
}

/* A process that was stopped may give up a datagram before it looks at what arrived. */
static void lateness_is_decided_by_the_arrival_time(void **state)
{
    probe_t *probe = probe_of(plain_plan(), *state);
    packet_t packet = sent_at(probe, START);
    packet_t other;

    probe_next(probe, START + 5 * SECOND);
    assert_int_equal(echoed_at(probe, &packet, START + 10).verdict, REPLY_ANSWER);
    other = sent_at(probe, START + 5 * SECOND);
    assert_int_equal(echoed_at(probe, &other, START + 6 * SECOND).verdict, REPLY_LATE);
    assert_int_equal(summary_at(probe, START + 6 * SECOND).late, 1);
}

static void hundreds_of_duplicates_are_one_answer(void **state)
{
    probe_t *probe = flood(32, 1, *state);
    packet_t packet = sent_at(probe, START);
    probe_summary_t summary;

    echoed_at(probe, &packet, START + 10);
    for (unsigned i = 0; i < 500; i++) {
        reply_t reply = echoed_at(probe, &packet, START + 20 + i);

        assert_int_equal(reply.verdict, REPLY_DUPLICATE);
        assert_int_equal(reply.round_trip, 20 + i);
        assert_false(reply.is_reordered);
    }
    summary = summary_at(probe, START + SECOND);
    assert_int_equal(summary.received, 1);
    assert_int_equal(summary.replies[REPLY_DUPLICATE], 500);
    assert_int_equal(summary.maximum, 10);
    assert_int_equal(summary.elapsed, 10);
}

static void any_other_byte_or_length_is_corrupt(void **state)
{
    probe_t *probe = flood(32, 1, *state);
    packet_t packet = sent_at(probe, START);
    probe_summary_t summary;

    for (apr_size_t length = 1; length <= 2000; length++) {
        packet_t other = packet;

        other.length = length;
        other.data[length < 9 ? 9 : length - 1] ^= 0x80;
        assert_int_equal(echoed_at(probe, &other, START + 10).verdict, REPLY_CORRUPT);
    }
    summary = summary_at(probe, START + 10);
    assert_int_equal(summary.corrupted, 1);
    assert_int_equal(summary.received, 0);
    assert_int_equal(summary.replies[REPLY_CORRUPT], 2000);
    assert_int_equal(summary.maximum, 0);
}

static void a_correct_reply_replaces_a_corrupt_one_but_not_vice_versa(void **state)
{
    probe_t *probe = flood(32, 1, *state);
    packet_t packet = sent_at(probe, START);
    packet_t bad = packet;
    probe_summary_t summary;

    bad.data[31] ^= 1;
    assert_int_equal(echoed_at(probe, &bad, START + 10).verdict, REPLY_CORRUPT);
    assert_int_equal(echoed_at(probe, &packet, START + 20).verdict, REPLY_ANSWER);
    assert_int_equal(echoed_at(probe, &bad, START + 30).verdict, REPLY_CORRUPT);
    summary = summary_at(probe, START + 30);
    assert_int_equal(summary.corrupted, 0);
    assert_int_equal(summary.received, 1);
}

static void what_was_corrupt_is_not_missing_and_what_was_missing_can_be_corrupt(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;
    packet_t first, second;

    plan.count = 2;
    plan.interval = 0;
    probe = probe_of(plan, *state);
    first = sent_at(probe, START);
    second = sent_at(probe, START);
    first.data[10] ^= 1;
    second.data[10] ^= 1;
    echoed_at(probe, &first, START + 10);
    assert_int_equal(probe_next(probe, START + SECOND).request.sequence, 1);
    assert_int_equal(probe_next(probe, START + SECOND).step, PROBE_DONE);
    echoed_at(probe, &second, START + 2 * SECOND);
    assert_int_equal(summary_at(probe, START + 2 * SECOND).corrupted, 2);
}

static void the_right_answer_to_the_last_datagram_is_awaited_after_a_corrupt_one(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;
    packet_t packet, bad;
    probe_next_t next;

    plan.count = 1;
    probe = probe_of(plan, *state);
    packet = bad = sent_at(probe, START);
    bad.data[10] ^= 1;
    echoed_at(probe, &bad, START + 10);
    next = probe_next(probe, START + 10);
    assert_int_equal(next.step, PROBE_WAIT);
    assert_int_equal(next.until, START + SECOND);
    assert_false(probe_is_overdue(probe, START + SECOND - 1));
    assert_true(probe_is_overdue(probe, START + SECOND)); /* it may have arrived */
    assert_int_equal(echoed_at(probe, &packet, START + 20).verdict, REPLY_ANSWER);
    assert_false(probe_is_overdue(probe, START + SECOND));
    assert_int_equal(probe_next(probe, START + 20).step, PROBE_DONE);
    assert_int_equal(summary_at(probe, START + 20).corrupted, 0);

    probe = probe_of(plan, *state);
    sent_at(probe, START);
    echoed_at(probe, &bad, START + 10);
    assert_int_equal(probe_next(probe, START + SECOND).step, PROBE_DONE);
    assert_int_equal(summary_at(probe, START + SECOND).corrupted, 1);
}

static void a_reply_to_another_flow_is_misdelivered(void **state)
{
    probe_t *probe = flood(32, 2, *state);
    packet_t packet = sent_at(probe, START);
    reply_t reply;

    packet.flow = 1;
    reply = echoed_at(probe, &packet, START + 10);
    assert_int_equal(reply.verdict, REPLY_MISDELIVERED);
    assert_int_equal(reply.flow, 1);
    assert_true(reply.has_sequence);
    assert_int_equal(summary_at(probe, START + 10).outstanding, 1);
    assert_int_equal(probe_flow_summary(probe, 1, START).replies[REPLY_MISDELIVERED], 1);
    packet.flow = 0;
    assert_int_equal(echoed_at(probe, &packet, START + 20).verdict, REPLY_ANSWER);
}

static void a_reply_from_another_address_or_port_is_reported_and_not_received(void **state)
{
    probe_t *probe = flood(32, 1, *state);
    packet_t packet = sent_at(probe, START);
    packet_t garbage = {.length = 32};
    reply_t reply = echoed_from(probe, ipv4(0xc0000202, 7), &packet, START + 10);

    assert_int_equal(reply.verdict, REPLY_ELSEWHERE);
    assert_true(reply.has_sequence);
    assert_int_equal(reply.round_trip, 10);
    reply = echoed_from(probe, ipv4(0xc0000201, 8), &packet, START + 10);
    assert_int_equal(reply.verdict, REPLY_ELSEWHERE);
    reply = echoed_from(probe, ipv6(0x20, 0x01, 1, 7), &garbage, START + 10);
    assert_int_equal(reply.verdict, REPLY_ELSEWHERE);
    assert_false(reply.has_sequence);
    assert_int_equal(summary_at(probe, START + 10).outstanding, 1);
    assert_int_equal(echoed_at(probe, &packet, START + 20).verdict, REPLY_ANSWER);
}

static void any_member_of_a_group_may_reply_from_the_port(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;
    packet_t packet;

    plan.peer = ipv4(0xe0000001, 7);
    plan.any_peer = 1;
    probe = probe_of(plan, *state);
    packet = sent_at(probe, START);
    assert_int_equal(echoed_from(probe, ipv4(0xc0000201, 9), &packet, START + 1).verdict,
                     REPLY_ELSEWHERE);
    assert_int_equal(echoed_from(probe, ipv4(0xc0000201, 7), &packet, START + 1).verdict,
                     REPLY_ANSWER);
    assert_int_equal(echoed_from(probe, ipv4(0xc0000202, 7), &packet, START + 2).verdict,
                     REPLY_DUPLICATE);
}

static void the_interface_counts_only_if_one_was_named(void **state)
{
    probe_plan_t plan = plain_plan();
    endpoint_t from = ipv6(0xfe, 0x80, 1, 7);
    probe_t *probe;
    packet_t packet;

    from.sa.v6.sin6_scope_id = 2;
    plan.interval = 0;
    plan.peer = ipv6(0xfe, 0x80, 1, 7);
    probe = probe_of(plan, *state);
    packet = sent_at(probe, START);
    assert_int_equal(echoed_from(probe, from, &packet, START + 1).verdict, REPLY_ANSWER);

    plan.peer.sa.v6.sin6_scope_id = 3;
    probe = probe_of(plan, *state);
    packet = sent_at(probe, START);
    assert_int_equal(echoed_from(probe, from, &packet, START + 1).verdict, REPLY_ELSEWHERE);
    from.sa.v6.sin6_scope_id = 3;
    assert_int_equal(echoed_from(probe, from, &packet, START + 1).verdict, REPLY_ANSWER);
}

static void garbage_and_other_runs_are_unknown(void **state)
{
    probe_t *probe = flood(32, 1, *state);
    packet_t packet = sent_at(probe, START);
    packet_t other = packet;
    reply_t reply;

    for (unsigned i = 4; i < 8; i++) { /* another key */
        other.data[i] ^= 0x40;
        assert_int_equal(echoed_at(probe, &other, START + 1).verdict, REPLY_UNKNOWN);
        other.data[i] ^= 0x40;
    }
    other.data[0] = 1; /* not sent yet */
    reply = echoed_at(probe, &other, START + 1);
    assert_int_equal(reply.verdict, REPLY_UNKNOWN);
    assert_false(reply.has_sequence);
    memset(other.data, 0xff, sizeof other.data);
    for (other.length = 1; other.length <= sizeof other.data; other.length++) {
        assert_int_equal(echoed_at(probe, &other, START + 1).verdict, REPLY_UNKNOWN);
    }
    assert_int_equal(summary_at(probe, START + 1).outstanding, 1);
}

static void before_anything_is_sent_everything_is_unknown(void **state)
{
    packet_t packet = {.length = 0};
    probe_t *probe = flood(32, 1, *state);

    for (; packet.length < 40; packet.length++) {
        assert_int_equal(echoed_at(probe, &packet, START).verdict, REPLY_UNKNOWN);
    }
}

static void an_answer_of_long_ago_is_unknown(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;
    packet_t first;

    plan.interval = MILLISECOND; /* 4096 datagrams are remembered */
    probe = probe_of(plan, *state);
    first = sent_at(probe, START);
    for (apr_time_t now = START; now < START + 5 * SECOND; now += MILLISECOND) {
        steps_at(probe, PROBE_MISSING, now, 1);
        steps_at(probe, PROBE_SEND, now, 9);
    }
    assert_int_equal(echoed_at(probe, &first, START + 5 * SECOND).verdict, REPLY_UNKNOWN);
    assert_true(summary_at(probe, START + 5 * SECOND).lost > 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_right_bytes_in_time_are_an_answer),
        scene(a_clock_that_is_a_little_behind_makes_no_negative_round_trip),
        scene(a_round_trip_begins_when_the_datagram_left),
        scene(a_timeout_begins_when_the_datagram_left),
        scene(a_late_answer_was_lost_and_is_received),
        scene(lateness_is_decided_by_the_arrival_time),
        scene(hundreds_of_duplicates_are_one_answer),
        scene(any_other_byte_or_length_is_corrupt),
        scene(a_correct_reply_replaces_a_corrupt_one_but_not_vice_versa),
        scene(what_was_corrupt_is_not_missing_and_what_was_missing_can_be_corrupt),
        scene(the_right_answer_to_the_last_datagram_is_awaited_after_a_corrupt_one),
        scene(a_reply_to_another_flow_is_misdelivered),
        scene(a_reply_from_another_address_or_port_is_reported_and_not_received),
        scene(any_member_of_a_group_may_reply_from_the_port),
        scene(the_interface_counts_only_if_one_was_named),
        scene(garbage_and_other_runs_are_unknown),
        scene(before_anything_is_sent_everything_is_unknown),
        scene(an_answer_of_long_ago_is_unknown),
    };

    return cmocka_run_group_tests_name("probe_replies", tests, NULL, NULL);
}
