/*
 * USO and URO of Windows: the datagrams of a coalesced receive are handed out one by one, and
 * replies to one peer are sent in one message, in order.
 */

#include "offload_fixture.h"
#include "unit.h"

/* ---- Receiving ---- */

static void coalesced_datagrams_are_handed_out_one_by_one(void **state)
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
static void coalescing_is_limited_to_the_receive_buffer(void **state)
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
static void replies_beyond_512_are_sent_in_the_next_message(void **state)
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

/* Replies that were held back are sent at once; datagrams not yet received are not lost. */
static void finishing_loses_no_datagram(void **state)
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

static void each_coalesced_datagram_has_its_own_verdict(void **state)
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

static void every_datagram_of_a_truncated_message_is_truncated(void **state)
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
static void coalescing_ends_after_a_message_without_segment_size(void **state)
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
static void replies_keep_the_order_of_coalesced_and_single_requests(void **state)
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(coalesced_datagrams_are_handed_out_one_by_one),
        scene(coalescing_is_limited_to_the_receive_buffer),
        scene(what_a_batch_cannot_hold_is_lent_by_the_next),
        scene(replies_beyond_512_are_sent_in_the_next_message),
        scene(finishing_loses_no_datagram),
        scene(each_coalesced_datagram_has_its_own_verdict),
        scene(every_datagram_of_a_truncated_message_is_truncated),
        scene(coalescing_ends_after_a_message_without_segment_size),
        scene(replies_to_one_peer_leave_together),
        scene(replies_to_others_and_of_other_lengths_do_not),
        scene(replies_keep_the_order_of_coalesced_and_single_requests),
    };

    return cmocka_run_group_tests_name("offload", tests, NULL, NULL);
}
