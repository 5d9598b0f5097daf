/*
 * Replies that the kernel of Windows takes and sends later: none is lost, each is told of once, and
 * nobody waits for one that never leaves.
 */

#include "iocp_calls.h"
#include "unit.h"

#include <apr_thread_proc.h>

#include "udpecho/clock.h"

#define REPLIES 5

/* How long a test waits for what does not come. */
#define SHORT_US (20 * 1000)

/* Has the transport answer `count` datagrams of the client's. Returns what it tells at once. */
static send_outcome_t reply_to(fixture_t *fixture, unsigned count)
{
    send_outcome_t sum = {.sent = 0};

    for (unsigned i = 0; i < count; i++) {
        client_send(fixture, &i, sizeof i);
    }
    while (count > 0) {
        send_outcome_t outcome;
        batch_t batch;

        assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
        count -= batch.count;
        for (unsigned i = 0; i < batch.count; i++) {
            batch.at[i]->verdict = VERDICT_ECHO;
        }
        transport_reply(fixture->transport, &batch, &outcome);
        add_outcome(&sum, &outcome);
    }
    return sum;
}

static send_outcome_t finish(transport_t *transport, apr_interval_time_t timeout)
{
    send_outcome_t outcome;

    transport_finish(transport, timeout, &outcome);
    return outcome;
}

static unsigned failures(const send_outcome_t *outcome)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < SEND_ERROR_KINDS; i++) {
        sum += outcome->failed[i];
    }
    return sum;
}

static void assert_nothing_told(send_outcome_t outcome)
{
    assert_int_equal(outcome.sent, 0);
    assert_int_equal(outcome.sent_bytes, 0);
    assert_int_equal(failures(&outcome), 0);
}

static void assert_client_has(fixture_t *fixture, unsigned count)
{
    unsigned seen = 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned reply = REPLIES;

        assert_int_equal(client_receive(fixture, &reply, sizeof reply), sizeof reply);
        seen |= 1U << reply;
    }
    assert_int_equal(seen, (1U << count) - 1);
}

static void release_replies(unsigned count)
{
    while (count-- > 0) {
        release_reply();
    }
}

/* Takes the completion of a reply, which ends the wait, and returns what is told then. */
static send_outcome_t take_reply(transport_t *transport)
{
    send_outcome_t outcome = {0};
    batch_t batch;

    for (apr_time_t end = clock_now() + PATIENCE_US; clock_now() < end;) {
        assert_int_equal(transport_receive(transport, &batch, PATIENCE_US), APR_TIMEUP);
        transport_reply(transport, &batch, &outcome);
        if (outcome.sent + failures(&outcome) > 0) {
            return outcome;
        }
    }
    fail_msg("no reply left");
    return outcome;
}

static void a_reply_is_told_of_when_it_has_left(void **state)
{
    fixture_t *fixture = open_without_faults();

    (void)state;
    are_replies_held = 1;
    assert_nothing_told(reply_to(fixture, REPLIES));
    for (unsigned i = 0; i < REPLIES; i++) {
        release_reply();
        send_outcome_t outcome = take_reply(fixture->transport);

        assert_int_equal(outcome.sent, 1);
        assert_int_equal(outcome.sent_bytes, sizeof i);
        assert_int_equal(failures(&outcome), 0);
    }
    assert_client_has(fixture, REPLIES);
    assert_nothing_told(finish(fixture->transport, PATIENCE_US));
    close_fixture(fixture);
}

static void it_receives_again_with_what_has_left_only(void **state)
{
    fixture_t *fixture = open_without_faults();
    batch_t batch;

    (void)state;
    are_replies_held = 1;
    reply_to(fixture, REPLIES);
    assert_int_equal(transport_receive(fixture->transport, &batch, 1), APR_TIMEUP);
    assert_int_equal(posted, RECEIVES_POSTED - REPLIES);
    release_replies(REPLIES);
    assert_int_equal(finish(fixture->transport, PATIENCE_US).sent, REPLIES);
    assert_nothing_waits(fixture);
    assert_int_equal(posted, RECEIVES_POSTED);
    close_fixture(fixture);
}

static void *APR_THREAD_FUNC release_all_later(apr_thread_t *thread, void *unused)
{
    (void)thread, (void)unused;
    apr_sleep(SHORT_US); /* most likely the look has begun by then; the scene holds if it has not */
    release_replies(RECEIVES_POSTED);
    return NULL;
}

/* No receive is posted meanwhile, so that what waits cannot be seen. */
static void a_look_waits_for_replies_that_it_needs_to_receive(void **state)
{
    fixture_t *fixture = open_without_faults();
    apr_thread_t *thread;
    apr_status_t status;
    batch_t batch;

    are_replies_held = 1;
    reply_to(fixture, RECEIVES_POSTED);
    client_send(fixture, "waits", 5);
    assert_int_equal(apr_thread_create(&thread, NULL, release_all_later, NULL, *state),
                     APR_SUCCESS);
    assert_int_equal(transport_receive(fixture->transport, &batch, 0), APR_SUCCESS);
    assert_int_equal(batch.count, 1);
    apr_thread_join(&status, thread);
    are_replies_held = 0;
    assert_int_equal(give_back(fixture, &batch, VERDICT_ECHO).sent, RECEIVES_POSTED + 1);
    close_fixture(fixture);
}

static void nobody_waits_for_a_reply_that_never_leaves(void **state)
{
    fixture_t *fixture = open_without_faults();

    (void)state;
    are_replies_held = 1;
    reply_to(fixture, REPLIES);
    assert_nothing_waits(fixture); /* a look, which waits for a second */

    send_outcome_t outcome = finish(fixture->transport, SHORT_US);

    assert_int_equal(outcome.sent, 0);
    assert_int_equal(outcome.failed[SEND_EAGAIN], REPLIES);
    assert_int_equal(failures(&outcome), REPLIES);
    release_replies(REPLIES); /* when it is too late to tell */
    assert_client_has(fixture, REPLIES);
    assert_nothing_waits(fixture);
    assert_nothing_told(finish(fixture->transport, PATIENCE_US));
    assert_int_equal(posted, RECEIVES_POSTED);
    close_fixture(fixture);
}

static void a_reply_that_fails_later_is_counted(void **state)
{
    fixture_t *fixture = open_without_faults();

    (void)state;
    are_replies_held = 1;
    reply_to(fixture, REPLIES);
    on_reply = (fault_t){.error = WSAEHOSTUNREACH, .spared = 1, .times = 2};
    release_replies(REPLIES);

    send_outcome_t outcome = finish(fixture->transport, PATIENCE_US);

    assert_int_equal(outcome.sent, REPLIES - 2);
    assert_int_equal(outcome.sent_bytes, (REPLIES - 2) * sizeof(unsigned));
    assert_int_equal(outcome.failed[SEND_EHOSTUNREACH], 2);
    assert_int_equal(failures(&outcome), 2);
    assert_nothing_waits(fixture);
    assert_int_equal(posted, RECEIVES_POSTED);
    close_fixture(fixture);
}

static void note_service(void *context, const datagram_t *reply)
{
    struct service **failed = context;

    assert_null(*failed);
    *failed = reply->service;
}

/* In a batch of two services, the replies of one fail, also after they were given up. */
static void a_failed_reply_tells_its_service(void **state)
{
    (void)state;
    for (unsigned is_given_up = 0; is_given_up < 2; is_given_up++) {
        fixture_t *fixture = open_without_faults();
        struct service *services[] = {(struct service *)&are_replies_held,
                                      (struct service *)&posted};
        struct service *failed = NULL;

        transport_on_failure(fixture->transport, note_service, &failed);
        listener_set_service(fixture->listeners[0], services[0]);
        are_replies_held = 1;
        reply_to(fixture, 1);
        listener_set_service(fixture->listeners[0], services[1]);
        reply_to(fixture, 1);
        if (is_given_up) {
            assert_int_equal(finish(fixture->transport, 0).failed[SEND_EAGAIN], 2);
        }
        on_reply = (fault_t){.error = WSAEHOSTUNREACH, .times = 1}; /* the last one first */
        release_replies(2);
        finish(fixture->transport, PATIENCE_US);
        assert_nothing_waits(fixture);
        assert_ptr_equal(failed, services[1]);
        close_fixture(fixture);
    }
}

/* ---- Between workers ---- */

/* Opens another transport on the fixture's listeners. Returns the one that there was. */
static transport_t *open_another(fixture_t *fixture)
{
    transport_t *first = fixture->transport;

    reopen_transport(fixture);
    return first;
}

static void the_transport_that_takes_a_completion_tells_of_it(void **state)
{
    fixture_t *fixture = open_without_faults();
    transport_t *other = open_another(fixture);

    (void)state;
    are_replies_held = 1;
    reply_to(fixture, 1);
    release_reply();
    assert_int_equal(take_reply(other).sent, 1);
    assert_nothing_told(finish(fixture->transport, PATIENCE_US));
    assert_nothing_told(finish(other, PATIENCE_US));
    assert_client_has(fixture, 1);
    close_fixture(fixture);
}

typedef struct serving {
    transport_t *transport;
    unsigned sent;
} serving_t;

static void *APR_THREAD_FUNC release_and_take(apr_thread_t *thread, void *data)
{
    serving_t *serving = data;

    (void)thread;
    for (unsigned i = 0; i < REPLIES; i++) {
        send_outcome_t outcome;
        batch_t batch;

        release_reply();
        transport_receive(serving->transport, &batch, 1);
        transport_reply(serving->transport, &batch, &outcome);
        serving->sent += outcome.sent;
    }
    return NULL;
}

/* Whichever of the two takes it. */
static void a_reply_is_told_of_once_while_one_finishes_and_one_serves(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20; round++) {
        fixture_t *fixture = open_without_faults();
        serving_t serving = {.transport = open_another(fixture)};
        transport_t *finishing = fixture->transport;
        apr_thread_t *thread;
        apr_status_t status;

        are_replies_held = 1;
        reply_to(fixture, REPLIES);
        assert_int_equal(
            apr_thread_create(&thread, NULL, release_and_take, &serving, fixture->pool),
            APR_SUCCESS);
        unsigned sent = finish(finishing, PATIENCE_US).sent;

        apr_thread_join(&status, thread);
        assert_int_equal(sent + serving.sent, REPLIES);
        assert_client_has(fixture, REPLIES);
        close_fixture(fixture);
    }
}

static void what_comes_while_one_finishes_is_left_to_others(void **state)
{
    fixture_t *fixture = open_without_faults();
    transport_t *other = open_another(fixture);
    batch_t batch;

    (void)state;
    are_replies_held = 1;
    reply_to(fixture, 1);
    for (unsigned i = 0; i < REPLIES; i++) {
        client_send(fixture, &i, sizeof i);
    }
    assert_int_equal(finish(fixture->transport, SHORT_US).failed[SEND_EAGAIN], 1);
    release_reply();
    assert_client_has(fixture, 1);
    are_replies_held = 0;
    fixture->transport = other;
    for (unsigned next = 0; next < REPLIES;) {
        assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
        for (unsigned i = 0; i < batch.count; i++, next++) {
            assert_memory_equal(batch.at[i]->data, &next, sizeof next);
        }
        give_back(fixture, &batch, VERDICT_ECHO);
    }
    assert_client_has(fixture, REPLIES);
    close_fixture(fixture);
}

static void a_reply_by_a_listener_that_was_left_is_counted(void **state)
{
    fixture_t *fixture = open_without_faults();

    (void)state;
    add_listener(fixture, "127.0.0.1");
    assert_int_equal(transport_listen(fixture->transport, fixture->listeners, 2), APR_SUCCESS);
    client_connect(fixture, "127.0.0.1");
    are_replies_held = 1;
    reply_to(fixture, 3);
    on_reply = (fault_t){.error = WSA_OPERATION_ABORTED, .times = 1};
    assert_int_equal(transport_listen(fixture->transport, fixture->listeners, 1), APR_SUCCESS);
    release_replies(3);

    send_outcome_t outcome = finish(fixture->transport, PATIENCE_US);

    assert_int_equal(outcome.sent, 2);
    assert_int_equal(outcome.failed[SEND_OTHER], 1);
    assert_client_has(fixture, 3);
    listener_close(fixture->listeners[1]);
    close_fixture(fixture);
}

/* Its service may be gone. Nobody takes the completions until it is closed. */
static void a_failed_reply_by_a_listener_that_was_closed_tells_no_service(void **state)
{
    fixture_t *fixture = open_without_faults();
    struct service *failed = NULL;

    (void)state;
    add_listener(fixture, "127.0.0.1");
    assert_int_equal(transport_listen(fixture->transport, fixture->listeners, 2), APR_SUCCESS);
    client_connect(fixture, "127.0.0.1");
    transport_on_failure(fixture->transport, note_service, &failed);
    listener_set_service(fixture->listeners[1], (struct service *)&posted);
    are_replies_held = 1;
    reply_to(fixture, 2);
    on_reply = (fault_t){.error = WSA_OPERATION_ABORTED, .times = 2};
    assert_int_equal(transport_listen(fixture->transport, fixture->listeners, 1), APR_SUCCESS);
    release_replies(2);
    listener_close(fixture->listeners[1]);

    send_outcome_t outcome = finish(fixture->transport, PATIENCE_US);

    assert_int_equal(outcome.failed[SEND_OTHER], 2);
    assert_null(failed);
    close_fixture(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_reply_is_told_of_when_it_has_left),
        scene(it_receives_again_with_what_has_left_only),
        scene(a_look_waits_for_replies_that_it_needs_to_receive),
        scene(nobody_waits_for_a_reply_that_never_leaves),
        scene(a_reply_that_fails_later_is_counted),
        scene(a_failed_reply_tells_its_service),
        scene(the_transport_that_takes_a_completion_tells_of_it),
        scene(a_reply_is_told_of_once_while_one_finishes_and_one_serves),
        scene(what_comes_while_one_finishes_is_left_to_others),
        scene(a_reply_by_a_listener_that_was_left_is_counted),
        scene(a_failed_reply_by_a_listener_that_was_closed_tells_no_service),
    };

    return cmocka_run_group_tests_name("replies", tests, NULL, NULL);
}
