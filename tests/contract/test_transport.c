/*
 * The contract of transport.h, held against every variant that this platform has. Only APR and the
 * contract itself are used, on the loopback, with ports that the kernel chooses.
 */

#include "fixture.h"
#include "scenes.h"

#include <apr_thread_proc.h>

#define MANY 200

/* ---- Payloads ---- */

static void assert_echo(fixture_t *fixture, apr_size_t length)
{
    static unsigned char sent[PAYLOAD_MAX_IPV6];
    static unsigned char received[PAYLOAD_MAX_IPV6 + 1];

    for (apr_size_t i = 0; i < length; i++) {
        sent[i] = (unsigned char)(i * 7 + length);
    }
    client_send(fixture, sent, length);
    assert_int_equal(serve(fixture, 1), 1);
    assert_int_equal(client_receive(fixture, received, sizeof received), length);
    assert_memory_equal(received, sent, length);
}

static void every_size_comes_back_intact_over_ipv4(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", PAYLOAD_MAX_IPV6);
    static const apr_size_t sizes[] = {0, 1, 2, 1471, 1472, 1473, 8000, PAYLOAD_MAX_IPV4, 0, 3};

    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_echo(fixture, sizes[i]);
    }
    close_fixture(fixture);
}

static void every_size_comes_back_intact_over_ipv6(void **state)
{
    fixture_t *fixture = open_fixture(*state, "::1", PAYLOAD_MAX_IPV6);
    static const apr_size_t sizes[] = {0, 1, 1452, 1453, 8000, PAYLOAD_MAX_IPV6, 0, 3};

    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_echo(fixture, sizes[i]);
    }
    close_fixture(fixture);
}

static void assert_truncated_beyond(fixture_t *fixture, apr_size_t limit)
{
    unsigned char payload[200] = {0};
    batch_t batch;

    client_send(fixture, payload, limit + 1);
    assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
    assert_int_equal(batch.count, 1);
    assert_true(batch.at[0]->truncated);
    assert_int_equal(batch.at[0]->length, limit);
    give_back(fixture, &batch, VERDICT_TRUNCATED);

    client_send(fixture, payload, limit);
    assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
    assert_int_equal(batch.count, 1);
    assert_false(batch.at[0]->truncated);
    assert_int_equal(batch.at[0]->length, limit);
    give_back(fixture, &batch, VERDICT_PAST_COUNT);
}

static void a_longer_datagram_is_marked_truncated(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 100);

    assert_truncated_beyond(fixture, 100); /* this one is there before the first receive */
    assert_truncated_beyond(fixture, 100);
    assert_client_gets_nothing(fixture);
    close_fixture(fixture);
}

/* ---- Batches ---- */

static void more_than_a_batch_is_answered_in_order(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 1000);

    for (unsigned i = 0; i < MANY; i++) {
        client_send(fixture, &i, sizeof i);
    }
    assert_int_equal(serve(fixture, MANY), MANY);
    for (unsigned i = 0; i < MANY; i++) {
        unsigned reply = MANY;

        assert_int_equal(client_receive(fixture, &reply, sizeof reply), sizeof reply);
        assert_int_equal(reply, i);
    }
    close_fixture(fixture);
}

#define ATTEMPTS_MAX 100

/* Sends until all that was sent is in one batch, so that a scene can tell apart its members. A
 * kernel may deliver some of it later than the rest; what comes in parts is received and not
 * answered. */
static void receive_together(fixture_t *fixture, batch_t *batch, unsigned count)
{
    for (unsigned attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        for (unsigned i = 0; i < count; i++) {
            client_send(fixture, &i, sizeof i);
        }
        assert_int_equal(receive(fixture, batch), APR_SUCCESS);
        if (batch->count == count) {
            return;
        }
        for (unsigned received = 0; received < count;) {
            received += batch->count;
            give_back(fixture, batch, VERDICT_PAST_COUNT);
            if (received < count) {
                assert_int_equal(receive(fixture, batch), APR_SUCCESS);
            }
        }
    }
    fail_msg("%u datagrams never came together", count);
}

static void only_what_is_judged_an_echo_is_answered(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 1000);
    send_outcome_t outcome;
    batch_t batch;
    unsigned reply;

    receive_together(fixture, &batch, 4);
    for (unsigned i = 0; i < 4; i++) {
        batch.at[i]->verdict = i == 2 ? VERDICT_ECHO : VERDICT_PAST_COUNT;
    }
    outcome = answer(fixture, &batch);
    assert_int_equal(outcome.sent, 1);
    assert_int_equal(outcome.sent_bytes, sizeof reply);
    assert_int_equal(batch.count, 0);
    assert_int_equal(client_receive(fixture, &reply, sizeof reply), sizeof reply);
    assert_int_equal(reply, 2);
    assert_client_gets_nothing(fixture);
    close_fixture(fixture);
}

typedef struct failures {
    unsigned count;
    unsigned char number; /* of the last one */
} failures_t;

static void note_failure(void *context, const datagram_t *reply)
{
    failures_t *failures = context;

    assert_int_equal(endpoint_port(&reply->from), 0);
    failures->count++;
    failures->number = reply->data[0];
}

/* Port 0 can be no destination, so the kernel refuses the reply to it. */
static void a_failed_reply_loses_no_other_reply(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 1000);
    failures_t failures = {0};
    send_outcome_t outcome;
    batch_t batch;

    transport_on_failure(fixture->transport, note_failure, &failures);
    for (unsigned bad = 0; bad < 4; bad++) {
        receive_together(fixture, &batch, 4);
        unsigned char number = batch.at[bad]->data[0];

        batch.at[bad]->from.sa.v4.sin_port = 0;
        outcome = give_back(fixture, &batch, VERDICT_ECHO);
        assert_int_equal(outcome.sent, 3);
        assert_int_equal(outcome.failed[SEND_EINVAL], 1);
        assert_int_equal(failures.count, bad + 1);
        assert_int_equal(failures.number, number);
        for (unsigned i = 0; i < 4; i++) {
            unsigned reply;

            if (i != bad) {
                assert_int_equal(client_receive(fixture, &reply, sizeof reply), sizeof reply);
                assert_int_equal(reply, i);
            }
        }
    }
    close_fixture(fixture);
}

static void every_reply_of_a_batch_may_fail(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 1000);
    failures_t failures = {0};
    send_outcome_t outcome;
    batch_t batch;

    transport_on_failure(fixture->transport, note_failure, &failures);
    receive_together(fixture, &batch, 5);
    for (unsigned i = 0; i < 5; i++) {
        batch.at[i]->from.sa.v4.sin_port = 0;
    }
    outcome = give_back(fixture, &batch, VERDICT_ECHO);
    assert_int_equal(outcome.sent, 0);
    assert_int_equal(outcome.failed[SEND_EINVAL], 5);
    assert_int_equal(failures.count, 5);
    assert_echo(fixture, 10);
    close_fixture(fixture);
}

static void assert_nothing_told(const send_outcome_t *outcome)
{
    assert_int_equal(outcome->sent, 0);
    assert_int_equal(outcome->sent_bytes, 0);
    for (unsigned i = 0; i < SEND_ERROR_KINDS; i++) {
        assert_int_equal(outcome->failed[i], 0);
    }
}

static void outcomes_are_reported_once(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 1000);
    send_outcome_t outcome;
    batch_t none = {.count = 0};

    transport_finish(fixture->transport, 0, &outcome);
    assert_nothing_told(&outcome);
    assert_echo(fixture, 10);
    transport_reply(fixture->transport, &none, &outcome);
    assert_nothing_told(&outcome);
    transport_finish(fixture->transport, PATIENCE_US, &outcome);
    assert_nothing_told(&outcome);
    assert_echo(fixture, 10);
    close_fixture(fixture);
}

/* ---- Waiting ---- */

static void a_look_without_datagrams_comes_back_at_once(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 1000);
    batch_t batch = {.count = 1};

    assert_int_equal(transport_receive(fixture->transport, &batch, 0), APR_TIMEUP);
    assert_int_equal(batch.count, 0);
    assert_int_equal(transport_receive(fixture->transport, &batch, 1), APR_TIMEUP);
    assert_int_equal(transport_receive(fixture->transport, &batch, 2000), APR_TIMEUP);
    close_fixture(fixture);
}

static void a_wake_before_the_wait_ends_it(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 1000);
    batch_t batch;

    transport_wake(fixture->transport);
    transport_wake(fixture->transport); /* twice is once */
    assert_true(APR_STATUS_IS_EINTR(transport_receive(fixture->transport, &batch, -1)));
    assert_int_equal(batch.count, 0);
    assert_int_equal(transport_receive(fixture->transport, &batch, 0), APR_TIMEUP);
    close_fixture(fixture);
}

static void a_wake_loses_no_datagram(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 1000);
    batch_t batch;

    client_send(fixture, "x", 1);
    transport_wake(fixture->transport);
    assert_true(APR_STATUS_IS_EINTR(transport_receive(fixture->transport, &batch, -1)));
    assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
    assert_int_equal(batch.count, 1);
    give_back(fixture, &batch, VERDICT_ECHO);
    assert_int_equal(transport_receive(fixture->transport, &batch, 0), APR_TIMEUP);
    close_fixture(fixture);
}

static void *APR_THREAD_FUNC wake_later(apr_thread_t *thread, void *transport)
{
    (void)thread;
    apr_sleep(20000); /* most likely the wait has begun by then; the scene holds if it has not */
    transport_wake(transport);
    return NULL;
}

static void another_thread_ends_an_endless_wait(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 1000);
    apr_time_t end = apr_time_now() + PATIENCE_US;
    apr_thread_t *thread;
    apr_status_t status;
    batch_t batch;

    for (int i = 0; i < 5; i++) {
        assert_int_equal(
            apr_thread_create(&thread, NULL, wake_later, fixture->transport, fixture->pool),
            APR_SUCCESS);
        do {
            status = transport_receive(fixture->transport, &batch, -1);
        } while (APR_STATUS_IS_TIMEUP(status) && apr_time_now() < end);
        assert_true(APR_STATUS_IS_EINTR(status));
        apr_thread_join(&status, thread);
    }
    assert_echo(fixture, 10);
    close_fixture(fixture);
}

int main(void)
{
    static const scene_t scenes[] = {
        SCENE(every_size_comes_back_intact_over_ipv4),
        SCENE(every_size_comes_back_intact_over_ipv6),
        SCENE(a_longer_datagram_is_marked_truncated),
        SCENE(more_than_a_batch_is_answered_in_order),
        SCENE(only_what_is_judged_an_echo_is_answered),
        SCENE(a_failed_reply_loses_no_other_reply),
        SCENE(every_reply_of_a_batch_may_fail),
        SCENE(outcomes_are_reported_once),
        SCENE(a_look_without_datagrams_comes_back_at_once),
        SCENE(a_wake_before_the_wait_ends_it),
        SCENE(a_wake_loses_no_datagram),
        SCENE(another_thread_ends_an_endless_wait),
    };

    return run_scenes(scenes, sizeof scenes / sizeof scenes[0], variants, variant_count,
                      sizeof *variants);
}
