/* Replies whose payload is too short, or too uniform, to name the datagram that they answer. */

#include "scripted_probe.h"

/* ---- Payloads that tell little ---- */

static void short_payloads_are_told_apart_by_what_fits_in(void **state)
{
    for (apr_size_t size = 1; size <= 12; size++) {
        probe_t *probe = flood(size, 1, *state);
        packet_t packets[200];

        for (unsigned i = 0; i < 200; i++) {
            packets[i] = sent_at(probe, START + i);
        }
        for (unsigned i = 200; i-- > 0;) {
            reply_t reply = echoed_at(probe, &packets[i], START + 1000);

            assert_int_equal(reply.verdict, REPLY_ANSWER);
            assert_int_equal(reply.sequence, i);
            assert_int_equal(reply.is_reordered, i < 199);
            assert_int_equal(echoed_at(probe, &packets[i], START + 1000).verdict, REPLY_DUPLICATE);
        }
        assert_int_equal(summary_at(probe, START + 1000).reordered, 199);
    }
}

static void one_byte_is_enough_for_any_number_of_datagrams_in_order(void **state)
{
    static packet_t packets[3000];
    probe_t *probe = flood(1, 3, *state);

    for (unsigned i = 0; i < 3000; i++) {
        packets[i] = sent_at(probe, START + i);
    }
    for (unsigned i = 0; i < 3000; i++) {
        reply_t reply = echoed_at(probe, &packets[i], START + 5000);

        assert_int_equal(reply.verdict, REPLY_ANSWER);
        assert_int_equal(reply.sequence, i);
    }
}

static void a_longer_reply_is_corrupt_however_short_the_datagram(void **state)
{
    for (apr_size_t size = 0; size <= 9; size++) {
        for (apr_size_t length = size + 1; length <= 60; length += 1 + length / 9) {
            probe_t *probe = flood(size, 1, *state);
            packet_t packets[2];

            for (unsigned i = 0; i < 2; i++) {
                packets[i] = sent_at(probe, START);
                packets[i].length = length;
                memset(packets[i].data + size, '!', length - size);
            }
            for (unsigned i = 0; i < 2; i++) {
                reply_t reply = echoed_at(probe, &packets[i], START + 10);

                assert_int_equal(reply.verdict, REPLY_CORRUPT);
                assert_int_equal(reply.expected, size);
                assert_int_equal(reply.has_sequence, size > 0);
                assert_true(size == 0 || reply.sequence == i);
            }
            assert_int_equal(summary_at(probe, START + 10).corrupted, 2);
        }
    }
}

static void a_reply_that_is_too_short_to_be_matched_answers_no_request(void **state)
{
    probe_t *probe = flood(32, 1, *state);
    packet_t first = sent_at(probe, START);
    packet_t second = sent_at(probe, START);
    packet_t empty = {.length = 0};
    reply_t reply = echoed_at(probe, &empty, START + 10);

    assert_int_equal(reply.verdict, REPLY_CORRUPT);
    assert_false(reply.has_sequence);
    assert_int_equal(summary_at(probe, START + 10).outstanding, 2);
    assert_int_equal(echoed_at(probe, &first, START + 20).verdict, REPLY_ANSWER);
    reply = echoed_at(probe, &empty, START + 30);
    assert_true(reply.has_sequence); /* there is only one left */
    assert_int_equal(reply.sequence, second.sequence);
    assert_int_equal(summary_at(probe, START + 30).corrupted, 1);

    probe = flood(32, 1, *state);
    sent_at(probe, START);
    second = sent_at(probe, START);
    second.length = 1;
    assert_int_equal(echoed_at(probe, &second, START + 10).sequence, 1);
    assert_int_equal(summary_at(probe, START + 10).corrupted, 1);
}

static void an_empty_reply_is_to_the_oldest_outstanding_or_a_duplicate(void **state)
{
    probe_t *probe = flood(0, 2, *state);
    packet_t packets[4];

    for (unsigned i = 0; i < 4; i++) {
        packets[i] = sent_at(probe, START + i);
        assert_int_equal(packets[i].length, 0);
    }
    assert_int_equal(echoed_at(probe, &packets[1], START + 10).sequence, 1);
    assert_int_equal(echoed_at(probe, &packets[1], START + 10).sequence, 3);
    assert_int_equal(echoed_at(probe, &packets[1], START + 10).verdict, REPLY_DUPLICATE);
    assert_int_equal(echoed_at(probe, &packets[0], START + 10).sequence, 0);
    assert_int_equal(summary_at(probe, START + 10).received, 3);
}

static void a_payload_of_the_user_is_compared_and_matched_in_order(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;
    packet_t packet;

    plan.payload = (const unsigned char *)"hello";
    plan.size = 5;
    plan.random = NULL;
    probe = probe_of(plan, *state);
    packet = sent_at(probe, START);
    assert_memory_equal(packet.data, "hello", 5);
    assert_int_equal(echoed_at(probe, &packet, START + 5).verdict, REPLY_ANSWER);

    assert_int_equal(sent_at(probe, START + SECOND).sequence, 1);
    packet.data[0] = 'j';
    assert_int_equal(echoed_at(probe, &packet, START + SECOND + 5).verdict, REPLY_CORRUPT);
    packet.data[0] = 'h';
    assert_int_equal(echoed_at(probe, &packet, START + SECOND + 6).sequence, 1);
    assert_int_equal(echoed_at(probe, &packet, START + SECOND + 7).verdict, REPLY_DUPLICATE);
}

/* Otherwise each answer after a lost datagram would be matched to the wrong request. */
static void a_missing_datagram_does_not_take_the_answers_of_the_next(void **state)
{
    probe_t *probe;
    probe_plan_t plan = plain_plan();
    packet_t packet;

    plan.size = 0;
    probe = probe_of(plan, *state);
    sent_at(probe, START);
    assert_int_equal(probe_next(probe, START + SECOND).step, PROBE_MISSING);
    packet = sent_at(probe, START + SECOND);
    assert_int_equal(echoed_at(probe, &packet, START + SECOND + 5).verdict, REPLY_ANSWER);
    assert_int_equal(summary_at(probe, START + SECOND + 5).lost, 1);
    packet = sent_at(probe, START + 2 * SECOND);
    assert_int_equal(echoed_at(probe, &packet, START + 2 * SECOND + 5).round_trip, 5);
    assert_int_equal(summary_at(probe, START + 2 * SECOND + 5).lost, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(short_payloads_are_told_apart_by_what_fits_in),
        scene(one_byte_is_enough_for_any_number_of_datagrams_in_order),
        scene(a_longer_reply_is_corrupt_however_short_the_datagram),
        scene(a_reply_that_is_too_short_to_be_matched_answers_no_request),
        scene(an_empty_reply_is_to_the_oldest_outstanding_or_a_duplicate),
        scene(a_payload_of_the_user_is_compared_and_matched_in_order),
        scene(a_missing_datagram_does_not_take_the_answers_of_the_next),
    };

    return cmocka_run_group_tests_name("probe payloads", tests, NULL, NULL);
}
