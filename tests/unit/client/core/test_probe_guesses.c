/* Which datagram is meant, where payloads tell little of it. The server and the network are
 * scripts. */

#include "scripted_probe.h"

static probe_t *probe_of_user(apr_interval_time_t interval, apr_interval_time_t timeout,
                              apr_pool_t *pool)
{
    probe_plan_t plan = plain_plan();

    plan.payload = (const unsigned char *)"hello";
    plan.size = 5;
    plan.random = NULL;
    plan.interval = interval;
    plan.timeout = timeout;
    return probe_of(plan, pool);
}

static void assert_untold(reply_t reply, reply_verdict_t verdict)
{
    assert_int_equal(reply.verdict, verdict);
    assert_false(reply.has_sequence);
    assert_false(reply.is_reordered);
}

/* Answers of a peer that takes longer than the timeout: each comes while the next is waited for. */
static void which_of_several_is_answered_is_not_told(void **state)
{
    probe_t *probe = probe_of_user(300 * MILLISECOND, 400 * MILLISECOND, *state);
    packet_t packet = sent_at(probe, START);
    probe_summary_t summary;

    sent_at(probe, START + 300 * MILLISECOND);
    assert_int_equal(probe_next(probe, START + 400 * MILLISECOND).step, PROBE_MISSING);
    assert_untold(echoed_at(probe, &packet, START + 500 * MILLISECOND), REPLY_ANSWER);
    sent_at(probe, START + 600 * MILLISECOND);
    assert_untold(echoed_at(probe, &packet, START + 800 * MILLISECOND), REPLY_ANSWER);
    summary = summary_at(probe, START + 800 * MILLISECOND);
    assert_int_equal(summary.received, 2);
    assert_int_equal(summary.timed, 0);
    assert_int_equal(summary.lost, 1);
}

static void two_that_are_outstanding_cannot_be_told_apart(void **state)
{
    probe_t *probe = probe_of_user(100 * MILLISECOND, SECOND, *state);
    packet_t packet = sent_at(probe, START);

    sent_at(probe, START + 100 * MILLISECOND);
    assert_untold(echoed_at(probe, &packet, START + 150 * MILLISECOND), REPLY_ANSWER);
    /* The first is taken for answered, but it may as well have been the second. */
    assert_untold(echoed_at(probe, &packet, START + 160 * MILLISECOND), REPLY_ANSWER);
    sent_at(probe, START + 2300 * MILLISECOND);
    assert_int_equal(echoed_at(probe, &packet, START + 2310 * MILLISECOND).round_trip,
                     10 * MILLISECOND);
}

static void a_late_answer_is_told_if_nothing_else_can_be_meant(void **state)
{
    probe_t *probe = probe_of_user(SECOND, 200 * MILLISECOND, *state);
    packet_t packet = sent_at(probe, START);
    reply_t reply;

    assert_int_equal(probe_next(probe, START + 200 * MILLISECOND).step, PROBE_MISSING);
    reply = echoed_at(probe, &packet, START + 500 * MILLISECOND);
    assert_int_equal(reply.verdict, REPLY_LATE);
    assert_true(reply.has_sequence);
    assert_int_equal(reply.round_trip, 500 * MILLISECOND);
}

/* Eight bits, 200 a second, and a peer that takes longer than the timeout: the answer to one comes
 * while one that has the same bits is waited for. */
static void a_slow_answer_is_not_told_as_that_to_a_later_datagram(void **state)
{
    probe_plan_t plan = plain_plan();
    packet_t packets[600];
    probe_t *probe;

    plan.size = 1;
    plan.interval = 5 * MILLISECOND;
    probe = probe_of(plan, *state);
    for (unsigned i = 0; i < 600; i++) {
        apr_time_t now = START + i * plan.interval;

        while (probe_is_overdue(probe, now)) {
            assert_int_equal(probe_next(probe, now).step, PROBE_MISSING);
        }
        packets[i] = sent_at(probe, now);
        if (i >= 280) {
            reply_t reply = echoed_at(probe, &packets[i - 280], now + 1);

            assert_true(!reply.has_sequence || reply.round_trip == 1400 * MILLISECOND + 1);
        }
    }
}

static void short_payloads_are_told_while_their_numbers_differ(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;
    packet_t first;

    plan.size = 1; /* eight bits of the number */
    plan.interval = 0;
    probe = probe_of(plan, *state);
    first = sent_at(probe, START);
    assert_int_equal(steps_at(probe, PROBE_SEND, START + 1, 255), 255);
    assert_int_equal(echoed_at(probe, &first, START + 5).round_trip, 5);
    assert_int_equal(steps_at(probe, PROBE_SEND, START + 6, 256), 256);
    assert_untold(echoed_at(probe, &first, START + 9), REPLY_ANSWER);
}

/* Eight bits, and an answer that is later than those to thousands of datagrams. */
static void a_single_late_answer_is_not_told_as_that_to_a_much_later_datagram(void **state)
{
    probe_plan_t plan = plain_plan();
    packet_t first;
    probe_t *probe;

    plan.size = 1;
    plan.interval = MILLISECOND / 10;
    probe = probe_of(plan, *state);
    first = sent_at(probe, START);
    for (unsigned i = 1; i <= 40 * 256; i++) {
        apr_time_t now = START + i * plan.interval;

        while (probe_is_overdue(probe, now)) {
            assert_int_equal(probe_next(probe, now).step, PROBE_MISSING);
        }
        packet_t packet = sent_at(probe, now);

        if (i < 40 * 256) {
            assert_int_equal(echoed_at(probe, &packet, now + 1).verdict, REPLY_ANSWER);
        }
    }
    assert_false(echoed_at(probe, &first, START + 40 * 256 * plan.interval + 1).has_sequence);
}

/* ---- Refusals ---- */

static int is_refusal_told(probe_t *probe, const packet_t *packet, apr_uint64_t *sequence)
{
    return probe_refused(probe, packet->flow, packet->data, packet->length, sequence);
}

static void the_refusal_of_one_that_alone_can_be_meant_is_told(void **state)
{
    probe_t *probe = probe_of_user(SECOND, 2 * SECOND, *state);
    packet_t packet = sent_at(probe, START);
    apr_uint64_t sequence = 99;

    assert_true(is_refusal_told(probe, &packet, &sequence));
    assert_int_equal(sequence, 0);
    assert_int_equal(echoed_at(probe, &packet, START + 1).verdict, REPLY_ANSWER);
    sent_at(probe, START + SECOND);
    assert_true(is_refusal_told(probe, &packet, &sequence));
    assert_int_equal(sequence, 1);
}

/* The first is swallowed, the second refused, while the first is waited for and after that. */
static void the_refusal_of_one_of_several_is_not_told(void **state)
{
    probe_t *probe = probe_of_user(200 * MILLISECOND, 300 * MILLISECOND, *state);
    packet_t packet = sent_at(probe, START);
    apr_uint64_t sequence;

    sent_at(probe, START + 200 * MILLISECOND);
    assert_false(is_refusal_told(probe, &packet, &sequence));
    assert_int_equal(probe_next(probe, START + 300 * MILLISECOND).step, PROBE_MISSING);
    assert_false(is_refusal_told(probe, &packet, &sequence));
    assert_int_equal(summary_at(probe, START + SECOND).refused, 2);
}

/* Which may take a router seconds, until it gives up asking for a neighbour. */
static void the_refusal_of_an_answered_one_or_one_of_long_ago_is_not_told(void **state)
{
    probe_t *probe = probe_of_user(SECOND, 100 * MILLISECOND, *state);
    packet_t packet = sent_at(probe, START);
    apr_uint64_t sequence;

    assert_int_equal(echoed_at(probe, &packet, START + 1).verdict, REPLY_ANSWER);
    assert_false(is_refusal_told(probe, &packet, &sequence));
    sent_at(probe, START + SECOND);
    assert_int_equal(probe_next(probe, START + 1100 * MILLISECOND).step, PROBE_MISSING);
    for (unsigned i = 2; i < 5; i++) {
        sent_at(probe, START + i * SECOND);
        assert_int_equal(echoed_at(probe, &packet, START + i * SECOND + 1).verdict, REPLY_ANSWER);
    }
    assert_false(is_refusal_told(probe, &packet, &sequence));
}

static void a_refusal_is_told_by_the_whole_number_whatever_became_of_it(void **state)
{
    probe_t *probe = flood(32, 1, *state);
    packet_t first = sent_at(probe, START);
    packet_t second = sent_at(probe, START);
    apr_uint64_t sequence;

    echoed_at(probe, &second, START + 1);
    assert_true(is_refusal_told(probe, &second, &sequence));
    assert_int_equal(sequence, 1);
    assert_true(is_refusal_told(probe, &first, &sequence));
    assert_int_equal(sequence, 0);
}

static void the_refusal_of_a_short_payload_is_told_while_numbers_differ(void **state)
{
    probe_t *probe = flood(1, 1, *state);
    packet_t first = sent_at(probe, START);
    packet_t second = sent_at(probe, START);
    apr_uint64_t sequence;

    assert_true(is_refusal_told(probe, &second, &sequence));
    assert_int_equal(sequence, 1);
    assert_int_equal(steps_at(probe, PROBE_SEND, START + 6, 256), 256);
    assert_false(is_refusal_told(probe, &first, &sequence));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(which_of_several_is_answered_is_not_told),
        scene(two_that_are_outstanding_cannot_be_told_apart),
        scene(a_late_answer_is_told_if_nothing_else_can_be_meant),
        scene(a_slow_answer_is_not_told_as_that_to_a_later_datagram),
        scene(short_payloads_are_told_while_their_numbers_differ),
        scene(a_single_late_answer_is_not_told_as_that_to_a_much_later_datagram),
        scene(the_refusal_of_one_that_alone_can_be_meant_is_told),
        scene(the_refusal_of_one_of_several_is_not_told),
        scene(the_refusal_of_an_answered_one_or_one_of_long_ago_is_not_told),
        scene(a_refusal_is_told_by_the_whole_number_whatever_became_of_it),
        scene(the_refusal_of_a_short_payload_is_told_while_numbers_differ),
    };

    return cmocka_run_group_tests_name("probe_guesses", tests, NULL, NULL);
}
