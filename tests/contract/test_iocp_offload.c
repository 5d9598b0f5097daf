/*
 * Datagrams that go through the network stack of Windows together, over a kernel that knows USO and
 * URO: what is lent are datagrams, each is told of once, those to one peer leave together and in
 * order, and what the kernel refuses so leaves one by one.
 */

#include "iocp_calls.h"
#include "unit.h"

#define SEGMENT 10

static unsigned char sent[4000];

/* What each datagram holds tells where it lies in all that was sent. */
static void send_coalesced(fixture_t *fixture, apr_size_t length)
{
    for (apr_size_t i = 0; i < length; i++) {
        sent[i] = (unsigned char)(i * 167 >> 3);
    }
    client_send(fixture, sent, length);
}

static void send_many(fixture_t *fixture, unsigned count, apr_size_t length)
{
    for (unsigned char i = 0; i < count; i++) {
        memset(sent, i, length);
        client_send(fixture, sent, length);
    }
}

static void expect_many(fixture_t *fixture, unsigned count, apr_size_t length)
{
    unsigned char reply[1000];

    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(client_receive(fixture, reply, sizeof reply), length);
        assert_int_equal(reply[0], i);
        assert_int_equal(reply[length - 1], i);
    }
}

/* Datagrams of SEGMENT bytes, the last of which may be shorter. */
static void expect_segments(fixture_t *fixture, apr_size_t from, apr_size_t end)
{
    unsigned char reply[1000];

    while (from < end) {
        apr_size_t length = end - from < SEGMENT ? end - from : SEGMENT;

        assert_int_equal(client_receive(fixture, reply, sizeof reply), length);
        assert_memory_equal(reply, sent + from, length);
        from += length;
    }
}

/* Receives and answers all that waits. Returns what is told of the replies. */
static send_outcome_t answer_all(fixture_t *fixture, unsigned count)
{
    send_outcome_t sum = {.sent = 0};

    while (count > 0) {
        batch_t batch;

        assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
        assert_in_range(batch.count, 1, count);
        count -= batch.count;
        send_outcome_t outcome = give_back(fixture, &batch, VERDICT_ECHO);

        add_outcome(&sum, &outcome);
    }
    return sum;
}

static void assert_sent(send_outcome_t outcome, unsigned count, apr_size_t bytes)
{
    assert_int_equal(outcome.sent, count);
    assert_int_equal(outcome.sent_bytes, bytes);
    for (unsigned i = 0; i < SEND_ERROR_KINDS; i++) {
        assert_int_equal(outcome.failed[i], 0);
    }
}

static void assert_cut(unsigned number, unsigned parts, DWORD segment, apr_size_t length)
{
    assert_in_range(cut_count, number + 1, sizeof cuts / sizeof cuts[0]);
    assert_int_equal(cuts[number].parts, parts);
    assert_int_equal(cuts[number].segment, segment);
    assert_int_equal(cuts[number].length, length);
}

/* Nothing is left of it, and every receive is posted again. */
static void end(fixture_t *fixture)
{
    assert_nothing_waits(fixture);
    assert_int_equal(posted, fixture->listener_count * RECEIVES_POSTED);
    close_fixture(fixture);
}

/* ---- Receiving ---- */

static void datagrams_that_came_together_are_lent_one_by_one(void **state)
{
    static const char *const addresses[] = {"127.0.0.1", "::1"};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        fixture_t *fixture = open_with_offloads(addresses[i], 1000);
        batch_t batch;

        coalesced = SEGMENT;
        send_coalesced(fixture, 9 * SEGMENT + 7);
        assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
        assert_int_equal(batch.count, 10);
        for (unsigned j = 0; j < 10; j++) {
            assert_int_equal(batch.at[j]->length, j < 9 ? SEGMENT : 7);
            assert_memory_equal(batch.at[j]->data, sent + j * SEGMENT, batch.at[j]->length);
            assert_false(batch.at[j]->truncated);
            assert_true(endpoint_equal(&batch.at[j]->from, &batch.at[0]->from));
            assert_true(endpoint_equal(&batch.at[j]->to, &batch.at[0]->to));
        }
        assert_sent(give_back(fixture, &batch, VERDICT_ECHO), 10, 9 * SEGMENT + 7);
        expect_segments(fixture, 0, 9 * SEGMENT + 7);
        assert_int_equal(cut_count, 1);
        assert_cut(0, 1, SEGMENT, 9 * SEGMENT + 7);
        end(fixture);
    }
}

/* The system keeps to what a receive has room for. */
static void it_is_asked_for_no_more_than_there_is_room_for(void **state)
{
    fixture_t *fixture = open_with_offloads("127.0.0.1", 1000);

    (void)state;
    assert_int_equal(coalesced_max, 1000);
    close_fixture(fixture);
}

static void what_a_batch_cannot_hold_is_lent_by_the_next(void **state)
{
    fixture_t *fixture = open_with_offloads("127.0.0.1", 2000);
    send_outcome_t outcome;
    unsigned lent = 0;
    batch_t batch;

    (void)state;
    coalesced = SEGMENT;
    for (unsigned i = 0; i < 3; i++) {
        send_coalesced(fixture, 150 * SEGMENT);
    }
    send_outcome_t sum = {.sent = 0};

    while (lent < 450) {
        assert_int_equal(transport_receive(fixture->transport, &batch, 0), APR_SUCCESS);
        assert_in_range(batch.count, 1, BATCH_MAX);
        for (unsigned i = 0; i < batch.count; i++, lent++) {
            batch.at[i]->verdict = VERDICT_ECHO;
            assert_int_equal(batch.at[i]->length, SEGMENT);
            assert_memory_equal(batch.at[i]->data, sent + lent % 150 * SEGMENT, SEGMENT);
        }
        transport_reply(fixture->transport, &batch, &outcome);
        add_outcome(&sum, &outcome);
        transport_wake(fixture->transport); /* waits for the rest */
    }
    assert_true(APR_STATUS_IS_EINTR(transport_receive(fixture->transport, &batch, 0)));
    transport_finish(fixture->transport, PATIENCE_US, &outcome);
    add_outcome(&sum, &outcome);
    assert_sent(sum, 450, 450 * SEGMENT);
    for (unsigned i = 0; i < 3; i++) {
        expect_segments(fixture, 0, 150 * SEGMENT);
    }
    assert_int_equal(cut_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_cut(i, 1, SEGMENT, 150 * SEGMENT);
    }
    end(fixture);
}

/* Windows cuts no message into more than 512. */
static void what_a_message_cannot_hold_leaves_by_the_next(void **state)
{
    fixture_t *fixture = open_with_offloads("127.0.0.1", 2000);
    send_outcome_t sum = {.sent = 0};

    (void)state;
    coalesced = 1;
    send_coalesced(fixture, 1200);
    for (unsigned lent = 0; lent < 1200;) {
        send_outcome_t outcome;
        batch_t batch;

        assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
        lent += batch.count;
        for (unsigned i = 0; i < batch.count; i++) {
            batch.at[i]->verdict = VERDICT_ECHO;
        }
        transport_reply(fixture->transport, &batch, &outcome);
        add_outcome(&sum, &outcome);
    }
    send_outcome_t rest;

    transport_finish(fixture->transport, PATIENCE_US, &rest);
    add_outcome(&sum, &rest);
    assert_sent(sum, 1200, 1200);
    assert_int_equal(cut_count, 3);
    assert_cut(0, 1, 1, 512);
    assert_cut(1, 1, 1, 512);
    assert_cut(2, 1, 1, 176);
    end(fixture);
}

/* What was kept of it leaves at once, and what was not lent yet is not lost. */
static void to_finish_costs_nothing_of_the_rest(void **state)
{
    fixture_t *fixture = open_with_offloads("127.0.0.1", 2000);
    batch_t batch;

    (void)state;
    coalesced = SEGMENT;
    send_coalesced(fixture, 150 * SEGMENT);
    send_coalesced(fixture, 150 * SEGMENT);
    assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
    assert_int_equal(batch.count, BATCH_MAX);
    assert_sent(give_back(fixture, &batch, VERDICT_ECHO), BATCH_MAX, BATCH_MAX * SEGMENT);
    assert_sent(answer_all(fixture, 300 - BATCH_MAX), 300 - BATCH_MAX, (300 - BATCH_MAX) * SEGMENT);
    expect_segments(fixture, 0, 150 * SEGMENT);
    expect_segments(fixture, 0, 150 * SEGMENT);
    end(fixture);
}

static void each_is_judged_by_itself(void **state)
{
    fixture_t *fixture = open_with_offloads("127.0.0.1", 1000);
    batch_t batch;

    (void)state;
    coalesced = SEGMENT;
    send_coalesced(fixture, 40 * SEGMENT);
    assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
    assert_int_equal(batch.count, 40);
    for (unsigned i = 0; i < 40; i++) {
        batch.at[i]->verdict = i % 4 == 1 ? VERDICT_ECHO : VERDICT_RATE_LIMITED;
    }
    assert_sent(answer(fixture, &batch), 10, 10 * SEGMENT);
    for (unsigned i = 0; i < 10; i++) {
        apr_size_t place = (4 * i + 1) * SEGMENT;

        expect_segments(fixture, place, place + SEGMENT);
    }
    assert_int_equal(cut_count, 1);
    assert_cut(0, 1, SEGMENT, 10 * SEGMENT);
    end(fixture);
}

static void none_of_a_truncated_message_is_whole(void **state)
{
    fixture_t *fixture = open_with_offloads("127.0.0.1", 1000);
    batch_t batch;

    (void)state;
    coalesced = 100;
    send_coalesced(fixture, 1200);
    assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
    assert_int_equal(batch.count, 10);
    for (unsigned i = 0; i < 10; i++) {
        assert_true(batch.at[i]->truncated);
    }
    assert_sent(give_back(fixture, &batch, VERDICT_TRUNCATED), 0, 0);
    end(fixture);
}

/* Some adapters put datagrams together and do not say so. */
static void a_message_that_may_hide_several_is_the_last_one(void **state)
{
    fixture_t *fixture = open_with_offloads("127.0.0.1", PAYLOAD_MAX_IPV6);
    batch_t batch;

    (void)state;
    send_coalesced(fixture, 1472);
    assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
    assert_int_equal(coalesced_max, PAYLOAD_MAX_IPV6);
    give_back(fixture, &batch, VERDICT_PAST_COUNT);
    send_coalesced(fixture, 1473);
    assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
    assert_int_equal(coalesced_max, 0);
    give_back(fixture, &batch, VERDICT_PAST_COUNT);
    listener_set_details(fixture->listeners[0], DETAIL_TRAFFIC_CLASS);
    assert_int_equal(coalesced_max, 0);
    end(fixture);
}

/* ---- Sending ---- */

static void replies_to_one_peer_leave_together(void **state)
{
    static const char *const addresses[] = {"127.0.0.1", "::1", "0.0.0.0"};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        fixture_t *fixture = open_with_offloads(addresses[i], 1000);

        send_many(fixture, 20, 32);
        assert_sent(answer_all(fixture, 20), 20, 640);
        expect_many(fixture, 20, 32);
        assert_int_equal(cut_count, 1);
        assert_cut(0, 20, 32, 640);
        assert_int_equal(cuts[0].has_source, i == 2);
        end(fixture);
    }
}

static void replies_to_others_and_of_other_lengths_do_not(void **state)
{
    fixture_t *fixture = open_with_offloads("127.0.0.1", 1000);
    apr_socket_t *first = fixture->client;

    (void)state;
    send_many(fixture, 3, 50);
    client_connect(fixture, "127.0.0.1");
    send_many(fixture, 1, 50);
    apr_socket_t *second = fixture->client;

    fixture->client = first;
    send_many(fixture, 1, 20); /* shorter: the last */
    send_many(fixture, 2, 60);
    client_send(fixture, "", 0);
    assert_sent(answer_all(fixture, 8), 8, 3 * 50 + 50 + 20 + 2 * 60);
    assert_int_equal(cut_count, 2);
    assert_cut(0, 4, 50, 170);
    assert_cut(1, 2, 60, 120);
    expect_many(fixture, 3, 50);
    expect_many(fixture, 1, 20);
    expect_many(fixture, 2, 60);
    assert_int_equal(client_receive(fixture, sent, sizeof sent), 0);
    fixture->client = second;
    expect_many(fixture, 1, 50);
    end(fixture);
}

/* Whether what one receive brought came together or not: replies leave in the order of the
 * requests.
 */
static void a_message_between_keeps_its_place(void **state)
{
    fixture_t *fixture = open_with_offloads("127.0.0.1", 1000);

    (void)state;
    coalesced = 100;
    send_many(fixture, 3, 32);
    client_send(fixture, sent, 300);
    send_many(fixture, 2, 32);
    assert_sent(answer_all(fixture, 8), 8, 3 * 32 + 300 + 2 * 32);
    expect_many(fixture, 3, 32);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(client_receive(fixture, sent, sizeof sent), 100);
    }
    expect_many(fixture, 2, 32);
    assert_int_equal(cut_count, 3);
    assert_cut(0, 3, 32, 96);
    assert_cut(1, 1, 100, 300);
    assert_cut(2, 2, 32, 64);
    end(fixture);
}

/* ---- What is refused ---- */

static const int refusals[] = {WSAEINVAL, WSAEMSGSIZE, WSAENOPROTOOPT, WSAEOPNOTSUPP};

static void what_is_refused_together_leaves_one_by_one(void **state)
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

static void what_is_refused_later_leaves_one_by_one(void **state)
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

static void what_is_not_for_that_sake_is_tried_again(void **state)
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

/* As where the address cannot be answered. */
static void where_plain_sends_fail_too_each_is_counted_and_nothing_learnt(void **state)
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

static void what_never_leaves_is_counted_datagram_by_datagram(void **state)
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
static void with_times_nothing_goes_together(void **state)
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

/* Where the system refuses the options, as Wine does, nothing is missed but that. */
static void a_system_that_refuses_them_has_neither(void **state)
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
        scene(datagrams_that_came_together_are_lent_one_by_one),
        scene(it_is_asked_for_no_more_than_there_is_room_for),
        scene(what_a_batch_cannot_hold_is_lent_by_the_next),
        scene(what_a_message_cannot_hold_leaves_by_the_next),
        scene(to_finish_costs_nothing_of_the_rest),
        scene(each_is_judged_by_itself),
        scene(none_of_a_truncated_message_is_whole),
        scene(a_message_that_may_hide_several_is_the_last_one),
        scene(replies_to_one_peer_leave_together),
        scene(replies_to_others_and_of_other_lengths_do_not),
        scene(a_message_between_keeps_its_place),
        scene(what_is_refused_together_leaves_one_by_one),
        scene(what_is_refused_later_leaves_one_by_one),
        scene(what_is_not_for_that_sake_is_tried_again),
        scene(where_plain_sends_fail_too_each_is_counted_and_nothing_learnt),
        scene(what_never_leaves_is_counted_datagram_by_datagram),
        scene(without_offload_replies_leave_one_by_one),
        scene(with_times_nothing_goes_together),
        scene(a_system_that_refuses_them_has_neither),
    };

    return cmocka_run_group_tests_name("offload", tests, NULL, NULL);
}
