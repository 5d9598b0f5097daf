/* Replies that leave later than their batch, over every transport. */

#include "fixture.h"
#include "scenes.h"

/* A copy of a datagram, made by a service that replies later. */
typedef struct copy {
    datagram_t datagram;
    unsigned char data[2000];
} copy_t;

static void keep(copy_t *copy, const datagram_t *datagram)
{
    copy->datagram = *datagram;
    copy->datagram.data = memcpy(copy->data, datagram->data, datagram->length);
    copy->datagram.verdict = VERDICT_ECHO;
}

/* Asks there, keeps what came, and gives the batch back unanswered. */
static void ask_and_keep(fixture_t *fixture, const char *address, copy_t *copy, const void *data,
                         apr_size_t length)
{
    batch_t batch;

    client_connect(fixture, address);
    client_send(fixture, data, length);
    assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
    keep(copy, batch.at[0]);
    give_back(fixture, &batch, VERDICT_WITHHELD);
}

static send_outcome_t send_copies(fixture_t *fixture, copy_t *copies, unsigned count)
{
    batch_t batch = {.count = count};
    send_outcome_t outcome;

    for (unsigned i = 0; i < count; i++) {
        batch.at[i] = &copies[i].datagram;
    }
    transport_send(fixture->transport, copies[0].datagram.listener, &batch, &outcome);
    return outcome;
}

static void the_listener_is_told_where_it_is_asked_for(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 1000);
    copy_t copy;

    ask_and_keep(fixture, "127.0.0.1", &copy, "a", 1);
    assert_null(copy.datagram.listener);
    listener_tell_itself(fixture->listeners[0], 1);
    ask_and_keep(fixture, "127.0.0.1", &copy, "b", 1);
    assert_ptr_equal(copy.datagram.listener, fixture->listeners[0]);
    listener_tell_itself(fixture->listeners[0], 0);
    ask_and_keep(fixture, "127.0.0.1", &copy, "c", 1);
    assert_null(copy.datagram.listener);
    close_fixture(fixture);
}

static void a_copy_leaves_whole_and_twice(void **state)
{
    static copy_t copies[2];
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 2000);
    unsigned char data[1200];
    unsigned char got[2000];

    listener_tell_itself(fixture->listeners[0], 1);
    memset(data, 0xa5, sizeof data);
    ask_and_keep(fixture, "127.0.0.1", &copies[0], data, sizeof data);
    keep(&copies[1], &copies[0].datagram);
    copies[1].datagram.length = 0;

    send_outcome_t outcome = send_copies(fixture, copies, 2);

    assert_int_equal(outcome.sent, 2);
    assert_int_equal(outcome.sent_bytes, sizeof data);
    assert_int_equal(client_receive(fixture, got, sizeof got), sizeof data);
    assert_memory_equal(got, data, sizeof data);
    assert_int_equal(client_receive(fixture, got, sizeof got), 0);
    assert_client_gets_nothing(fixture);
    close_fixture(fixture);
}

static void the_listener_named_sends_it(void **state)
{
    static copy_t copies[2];
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 1000);
    apr_port_t first = fixture->port;
    char got[10];

    add_listener(fixture, "127.0.0.1");
    reopen_transport(fixture);
    listener_tell_itself(fixture->listeners[0], 1);
    listener_tell_itself(fixture->listeners[1], 1);
    for (unsigned i = 0; i < 2; i++) {
        ask_and_keep(fixture, "127.0.0.1", &copies[i], "x", 1);
        send_outcome_t outcome = send_copies(fixture, &copies[i], 1);

        assert_int_equal(outcome.sent, 1);
        assert_int_equal(client_receive(fixture, got, sizeof got), 1); /* connected: from there */
        fixture->port = first;
    }
    close_fixture(fixture);
}

static void a_wildcard_sends_it_from_where_it_was_asked(void **state)
{
    static copy_t copy;
    char got[10];

    if (no_reply_source_here() != NULL) {
        skip_test(no_reply_source_here());
    }
    fixture_t *fixture = open_fixture(*state, "0.0.0.0", 1000);
    const char *address = is_local(fixture, "127.0.0.2") ? "127.0.0.2" : "127.0.0.1";

    listener_tell_itself(fixture->listeners[0], 1);
    ask_and_keep(fixture, address, &copy, "x", 1);
    assert_int_equal(send_copies(fixture, &copy, 1).sent, 1);
    assert_int_equal(client_receive(fixture, got, sizeof got), 1);
    close_fixture(fixture);
}

static void one_that_fails_costs_no_other(void **state)
{
    static copy_t copies[2];
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 1000);
    unsigned failed = 0;
    char got[10];

    listener_tell_itself(fixture->listeners[0], 1);
    ask_and_keep(fixture, "127.0.0.1", &copies[1], "x", 1);
    keep(&copies[0], &copies[1].datagram);
    copies[0].datagram.from.sa.v4.sin_port = 0; /* which nobody can be answered at */
    send_outcome_t outcome = send_copies(fixture, copies, 2);

    for (unsigned i = 0; i < SEND_ERROR_KINDS; i++) {
        failed += outcome.failed[i];
    }
    assert_int_equal(outcome.sent, 1);
    assert_int_equal(failed, 1);
    assert_int_equal(client_receive(fixture, got, sizeof got), 1);
    close_fixture(fixture);
}

int main(void)
{
    static const scene_t scenes[] = {
        SCENE(the_listener_is_told_where_it_is_asked_for),
        SCENE(a_copy_leaves_whole_and_twice),
        SCENE(the_listener_named_sends_it),
        SCENE(a_wildcard_sends_it_from_where_it_was_asked),
        SCENE(one_that_fails_costs_no_other),
    };

    return run_scenes(scenes, sizeof scenes / sizeof scenes[0], variants, variant_count,
                      sizeof *variants);
}
