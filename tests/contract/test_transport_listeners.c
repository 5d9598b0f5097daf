/*
 * Listeners and their addresses by the contract of transport.h, for each variant on this platform.
 */

#include "common/endpoint_text.h"
#include "fixture.h"
#include "scenes.h"

#define MANY 200

/* ---- Addresses ---- */

/* Tests use those that this host has; every host has the first. */
static const char *const loopbacks[] = {"127.0.0.1", "127.0.0.2", "127.1.2.3"};

/* Asks at `destination`, and lends what arrived there in `batch`. */
static void ask_at(fixture_t *fixture, const char *destination, batch_t *batch)
{
    char text[ENDPOINT_TEXT_MAX];
    endpoint_t local = client_connect(fixture, destination);

    client_send(fixture, "x", 1);
    assert_int_equal(receive(fixture, batch), APR_SUCCESS);
    assert_int_equal(batch->count, 1);
    assert_true(endpoint_equal(&batch->at[0]->from, &local));
    assert_int_equal(endpoint_port(&batch->at[0]->to), fixture->port);
    endpoint_format(text, &batch->at[0]->to);
    assert_non_null(strstr(text, destination));
}

static void assert_arrival(fixture_t *fixture, const char *destination)
{
    batch_t batch;

    ask_at(fixture, destination, &batch);
    give_back(fixture, &batch, VERDICT_PAST_COUNT);
}

/* The client is connected: it takes the reply only if it leaves from where it asked. */
static void assert_reply_source(fixture_t *fixture, const char *destination)
{
    unsigned char reply[2];
    batch_t batch;

    ask_at(fixture, destination, &batch);
    assert_int_equal(give_back(fixture, &batch, VERDICT_ECHO).sent, 1);
    assert_int_equal(client_receive(fixture, reply, sizeof reply), 1);
}

static void a_bound_address_is_where_datagrams_arrive(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 1000);

    assert_arrival(fixture, "127.0.0.1");
    assert_reply_source(fixture, "127.0.0.1");
    close_fixture(fixture);
}

static void a_wildcard_listener_reports_the_destination_address(void **state)
{
    fixture_t *fixture = open_fixture(*state, "0.0.0.0", 1000);

    for (unsigned i = 0; i < sizeof loopbacks / sizeof loopbacks[0]; i++) {
        if (is_local(fixture, loopbacks[i])) {
            assert_arrival(fixture, loopbacks[i]);
        }
    }
    close_fixture(fixture);
    fixture = open_fixture(*state, "::", 1000);
    assert_arrival(fixture, "::1");
    close_fixture(fixture);
}

static void a_wildcard_answers_from_the_address_asked(void **state)
{
    if (no_reply_source_here() != NULL) {
        skip_test(no_reply_source_here());
    }
    fixture_t *fixture = open_fixture(*state, "0.0.0.0", 1000);

    for (unsigned i = 0; i < sizeof loopbacks / sizeof loopbacks[0]; i++) {
        if (is_local(fixture, loopbacks[i])) {
            assert_reply_source(fixture, loopbacks[i]);
        }
    }
    close_fixture(fixture);
    fixture = open_fixture(*state, "::", 1000);
    assert_reply_source(fixture, "::1");
    close_fixture(fixture);
}

static void each_datagram_names_its_listener(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 1000);
    apr_port_t first = fixture->port;
    batch_t batch;

    add_listener(fixture, "::1");
    add_listener(fixture, "127.0.0.1");
    reopen_transport(fixture);

    client_connect(fixture, "127.0.0.1");
    client_send(fixture, "c", 1);
    assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
    assert_int_equal(endpoint_port(&batch.at[0]->to), fixture->port);
    give_back(fixture, &batch, VERDICT_ECHO);

    fixture->port = first;
    client_connect(fixture, "127.0.0.1");
    client_send(fixture, "a", 1);
    assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
    assert_int_equal(endpoint_port(&batch.at[0]->to), first);
    give_back(fixture, &batch, VERDICT_ECHO);
    close_fixture(fixture);
}

static void assert_served(fixture_t *fixture, apr_port_t port)
{
    batch_t batch;

    fixture->port = port;
    client_connect(fixture, "127.0.0.1");
    client_send(fixture, "a", 1);
    assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
    assert_int_equal(batch.count, 1);
    assert_int_equal(endpoint_port(&batch.at[0]->to), port);
    give_back(fixture, &batch, VERDICT_ECHO);
    assert_int_equal(client_receive(fixture, &batch, 1), 1);
}

static void listeners_come_and_go_and_those_that_stay_lose_nothing(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 1000);
    apr_port_t first = fixture->port;
    char payload = 0;

    add_listener(fixture, "127.0.0.1");
    apr_port_t second = fixture->port;

    client_send(fixture, "w", 1); /* to the first, where it waits */
    assert_int_equal(transport_listen(fixture->transport, fixture->listeners, 2), APR_SUCCESS);
    assert_int_equal(serve(fixture, 1), 1);
    assert_int_equal(client_receive(fixture, &payload, 1), 1);
    assert_served(fixture, first);
    assert_served(fixture, second);

    assert_int_equal(transport_listen(fixture->transport, fixture->listeners + 1, 1), APR_SUCCESS);
    assert_served(fixture, second);
    assert_int_equal(transport_listen(fixture->transport, fixture->listeners, 2), APR_SUCCESS);
    assert_served(fixture, first);

    assert_int_equal(transport_listen(fixture->transport, fixture->listeners + 1, 1), APR_SUCCESS);
    listener_close(fixture->listeners[0]);
    assert_served(fixture, second);
    close_fixture(fixture);
}

static void no_listener_starves_another(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 1000);
    unsigned seen[2] = {0, 0};
    batch_t batch;

    for (int i = 0; i < MANY; i++) {
        client_send(fixture, "a", 1);
    }
    add_listener(fixture, "127.0.0.1");
    reopen_transport(fixture);
    client_connect(fixture, "127.0.0.1");
    client_send(fixture, "b", 1);
    for (int i = 0; i < 2; i++) { /* two batches are enough to see something of each */
        assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
        for (unsigned j = 0; j < batch.count; j++) {
            seen[endpoint_port(&batch.at[j]->to) == fixture->port]++;
        }
        give_back(fixture, &batch, VERDICT_PAST_COUNT);
    }
    assert_true(seen[0] > 0);
    assert_int_equal(seen[1], 1);
    close_fixture(fixture);
}

int main(void)
{
    static const scene_t scenes[] = {
        SCENE(a_bound_address_is_where_datagrams_arrive),
        SCENE(a_wildcard_listener_reports_the_destination_address),
        SCENE(a_wildcard_answers_from_the_address_asked),
        SCENE(each_datagram_names_its_listener),
        SCENE(listeners_come_and_go_and_those_that_stay_lose_nothing),
        SCENE(no_listener_starves_another),
    };

    return run_scenes(scenes, sizeof scenes / sizeof scenes[0], variants, variant_count,
                      sizeof *variants);
}
