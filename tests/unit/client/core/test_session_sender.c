/* The sender of a protocol whose requests have numbers and times, and the probe that asks by it.
 * The protocol is the test's own: four bytes that hold the number, in a reply followed by the
 * peer's number, and the microseconds for which the peer kept the request. */

#include "scripted_probe.h"

#include "client/core/session_sender.h"
#include "common/big_endian.h"

static unsigned char buffer[12];

static void write_packet(void *context, apr_uint32_t number, apr_int64_t time,
                         const own_clock_t *own)
{
    (void)context, (void)own;
    big_endian_put_32(buffer, number);
    big_endian_put_64(buffer + 4, (apr_uint64_t)time);
}

static int read_number(const unsigned char *data, apr_size_t length, apr_uint32_t *number)
{
    if (length < 4) {
        return 0;
    }
    *number = big_endian_32(data);
    return 1;
}

static int read_reply_number(void *context, const unsigned char *data, apr_size_t length,
                             apr_uint32_t *number)
{
    (void)context;
    return read_number(data, length, number);
}

static int read_packet(void *context, const unsigned char *data, apr_size_t length,
                       reflection_t *reflection)
{
    (void)context;
    if (length < 12) {
        return 0;
    }
    reflection->is_intact = data[11] != 0xff;
    reflection->peer_number = big_endian_32(data + 4);
    reflection->t3 = (apr_int64_t)big_endian_32(data + 8) * 1000;
    return 1;
}

static const session_format_t format = {.packet = buffer,
                                        .length = sizeof buffer,
                                        .write = write_packet,
                                        .read_request = read_number,
                                        .read_number = read_reply_number,
                                        .read_reply = read_packet};

static probe_t *probe_with(unsigned flows, apr_pool_t *pool)
{
    probe_plan_t plan = plain_plan();

    plan.format = &format;
    plan.size = format.length;
    plan.flows = flows;
    plan.interval = 0;
    return probe_of(plan, pool);
}

/* Has the probe send its next request, at `time`; returns it as it left. */
static packet_t leave(probe_t *probe, apr_int64_t time)
{
    probe_next_t next = probe_next(probe, START);

    assert_int_equal(next.step, PROBE_SEND);
    assert_int_equal(probe_prepare(probe, &next.request, 1, time), 1);
    packet_t left = packet_of(&next.request);

    probe_sent(probe, &next.request, 1, START);
    return left;
}

static reply_t reply_to(probe_t *probe, const packet_t *request, apr_uint32_t peer_number,
                        apr_uint32_t kept, apr_time_t now)
{
    packet_t reply = *request;

    big_endian_put_32(reply.data + 4, peer_number);
    big_endian_put_32(reply.data + 8, kept);
    return echoed_at(probe, &reply, now);
}

static void a_request_says_its_number_and_when_it_leaves(void **state)
{
    probe_t *probe = probe_with(1, *state);
    packet_t first = leave(probe, 1000000001), second = leave(probe, 2);

    assert_true(probe_tells_time(probe));
    assert_int_equal(first.length, 12);
    assert_int_equal(big_endian_32(first.data), 0);
    assert_int_equal(big_endian_64(first.data + 4), 1000000001);
    assert_int_equal(big_endian_32(second.data), 1);
}

static void plain_echo_tells_no_time_and_leaves_together(void **state)
{
    probe_t *probe = flood(32, 1, *state);
    request_t requests[3];

    for (unsigned i = 0; i < 3; i++) {
        requests[i] = probe_next(probe, START).request;
    }
    assert_false(probe_tells_time(probe));
    assert_int_equal(probe_prepare(probe, requests, 3, 0), 3);
}

static void each_flow_has_numbers_of_its_own(void **state)
{
    probe_t *probe = probe_with(2, *state);

    for (unsigned i = 0; i < 6; i++) {
        packet_t left = leave(probe, 0);

        assert_int_equal(left.sequence, i);
        assert_int_equal(left.flow, i % 2);
        assert_int_equal(big_endian_32(left.data), i / 2);
    }
}

static void what_this_host_refused_uses_no_number(void **state)
{
    probe_t *probe = probe_with(1, *state);
    request_t refused = probe_next(probe, START).request;
    packet_t next;
    reply_t reply;

    probe_prepare(probe, &refused, 1, 1);
    probe_not_sent(probe, &refused);
    next = leave(probe, 2);
    assert_int_equal(next.sequence, 1);
    assert_int_equal(big_endian_32(next.data), 0);
    reply = reply_to(probe, &next, 0, 0, START + 10);
    assert_int_equal(reply.verdict, REPLY_ANSWER);
    assert_int_equal(reply.sequence, 1);
}

static void a_reply_is_known_by_the_number_of_its_flow(void **state)
{
    probe_t *probe = probe_with(3, *state);
    packet_t left[9];

    for (unsigned i = 0; i < 9; i++) {
        left[i] = leave(probe, 100 + i);
    }
    for (unsigned i = 9; i-- > 0;) {
        reply_t reply = reply_to(probe, &left[i], 50 + i, 0, START + 10);

        assert_int_equal(reply.verdict, REPLY_ANSWER);
        assert_true(reply.has_sequence);
        assert_int_equal(reply.sequence, i);
        assert_int_equal(reply.reflection->number, i / 3);
        assert_int_equal(reply.reflection->peer_number, 50 + i);
        assert_int_equal(reply.reflection->t1, 100 + i);
        assert_false(reply.reflection->is_repeated);
    }
}

static void a_reply_to_nothing_that_was_sent_is_unknown(void **state)
{
    probe_t *probe = probe_with(1, *state);
    packet_t left = leave(probe, 0);

    big_endian_put_32(left.data, 1);
    assert_int_equal(echoed_at(probe, &left, START + 1).verdict, REPLY_UNKNOWN);
    big_endian_put_32(left.data, 0xffffffff);
    assert_int_equal(echoed_at(probe, &left, START + 1).verdict, REPLY_UNKNOWN);
    left.length = 3;
    assert_int_equal(echoed_at(probe, &left, START + 1).verdict, REPLY_UNKNOWN);
    assert_int_equal(summary_at(probe, START + 2).received, 0);
}

static void the_time_that_the_peer_kept_it_is_no_part_of_a_round_trip(void **state)
{
    probe_t *probe = probe_with(1, *state);
    packet_t first = leave(probe, 0), second = leave(probe, 0);
    reply_t reply = reply_to(probe, &first, 0, 30, START + 100);

    assert_int_equal(reply.kept, 30);
    assert_int_equal(reply.round_trip, 70);
    /* A time at the peer beyond the whole round trip is not subtracted. */
    reply = reply_to(probe, &second, 1, 101, START + 100);
    assert_int_equal(reply.kept, 0);
    assert_int_equal(reply.round_trip, 100);
    assert_int_equal(summary_at(probe, START + 100).minimum, 70);
}

static void an_answer_is_late_however_long_the_peer_kept_the_request(void **state)
{
    probe_t *probe = probe_with(1, *state);
    packet_t left = leave(probe, 0);

    assert_int_equal(reply_to(probe, &left, 0, SECOND - 1, START + SECOND).verdict, REPLY_LATE);
}

static void a_duplicate_tells_what_answered_before(void **state)
{
    probe_t *probe = probe_with(1, *state);
    packet_t left = leave(probe, 0);
    reply_t reply;

    reply_to(probe, &left, 7, 0, START + 1);
    reply = reply_to(probe, &left, 8, 0, START + 2);
    assert_int_equal(reply.verdict, REPLY_DUPLICATE);
    assert_true(reply.reflection->is_repeated);
    assert_int_equal(reply.reflection->repeats, 7);
    assert_int_equal(reply.reflection->peer_number, 8);
}

static void what_is_not_intact_is_corrupt_and_tells_nothing(void **state)
{
    probe_t *probe = probe_with(1, *state);
    packet_t left = leave(probe, 0);
    reply_t reply = reply_to(probe, &left, 0, 0xff, START + 1);

    assert_int_equal(reply.verdict, REPLY_CORRUPT);
    assert_null(reply.reflection);
    assert_int_equal(summary_at(probe, START + 1).corrupted, 1);
    assert_int_equal(reply_to(probe, &left, 0, 0, START + 2).verdict, REPLY_ANSWER);
}

static void a_refusal_quotes_the_request(void **state)
{
    probe_t *probe = probe_with(2, *state);
    apr_uint64_t sequence = 0;
    packet_t left[4];

    for (unsigned i = 0; i < 4; i++) {
        left[i] = leave(probe, 0);
    }
    assert_true(probe_refused(probe, 1, left[3].data, 8, &sequence));
    assert_int_equal(sequence, 3);
    assert_false(probe_refused(probe, 1, left[3].data, 3, &sequence));
}

static void what_is_forgotten_is_unknown(void **state)
{
    probe_t *probe = probe_with(1, *state);
    packet_t first = leave(probe, 0), last = first;

    assert_int_equal(reply_to(probe, &first, 0, 0, START + 1).verdict, REPLY_ANSWER);
    for (unsigned i = 1; i <= 1 << 20; i++) {
        last = leave(probe, 0);
        assert_int_equal(reply_to(probe, &last, i, 0, START + 1).verdict, REPLY_ANSWER);
    }
    assert_int_equal(big_endian_32(last.data), 1 << 20);
    assert_int_equal(reply_to(probe, &last, 0, 0, START + 2).verdict, REPLY_DUPLICATE);
    assert_int_equal(reply_to(probe, &first, 0, 0, START + 2).verdict, REPLY_UNKNOWN);
}

static void a_plan_must_have_the_size_of_the_format(void **state)
{
    probe_plan_t plan = plain_plan();
    probe_t *probe;

    plan.format = &format;
    assert_int_equal(probe_create(&probe, &plan, *state), APR_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_request_says_its_number_and_when_it_leaves),
        scene(plain_echo_tells_no_time_and_leaves_together),
        scene(each_flow_has_numbers_of_its_own),
        scene(what_this_host_refused_uses_no_number),
        scene(a_reply_is_known_by_the_number_of_its_flow),
        scene(a_reply_to_nothing_that_was_sent_is_unknown),
        scene(the_time_that_the_peer_kept_it_is_no_part_of_a_round_trip),
        scene(an_answer_is_late_however_long_the_peer_kept_the_request),
        scene(a_duplicate_tells_what_answered_before),
        scene(what_is_not_intact_is_corrupt_and_tells_nothing),
        scene(a_refusal_quotes_the_request),
        scene(what_is_forgotten_is_unknown),
        scene(a_plan_must_have_the_size_of_the_format),
    };

    return cmocka_run_group_tests_name("session_sender", tests, NULL, NULL);
}
