/* The contract of flows.h where flows come and go while others are in use. */

#include "flows_fixture.h"
#include "scenes.h"

#include <errno.h>

#include "udpecho/machine.h"

/* Flows to none, which are added to. */
static fixture_t *open_without_flows(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");
    flows_error_t error;

    fixture->options.count = 0;
    assert_int_equal(flows_open(&fixture->flows, NULL, &fixture->options, &error, fixture->pool),
                     APR_SUCCESS);
    return fixture;
}

/* A datagram of the flow gets to the peer of this fixture, and back by the same flow. */
static void assert_talks_to(fixture_t *fixture, unsigned flow, fixture_t *other)
{
    endpoint_t peer = endpoint_of(other->peer_address);
    request_t request = request_of(flow, flow + 1, 56);

    send_all(fixture, &request, 1);
    peer_echo(other, 1);
    assert_int_equal(other->client_address->port, flows_port(fixture->flows, flow));

    const arrival_t *arrival = receive_one(fixture);

    assert_int_equal(arrival->flow, flow);
    assert_int_equal(arrival->refused, APR_SUCCESS);
    assert_true(endpoint_equal(&arrival->from, &peer));
    assert_holds(arrival, &request, request.length);
}

/* ---- Adding ---- */

static void flows_without_sockets_wait_and_are_woken(void **state)
{
    fixture_t *fixture = open_without_flows(state);

    assert_nothing_is_left(fixture);
    assert_int_equal(flows_receive(fixture->flows, &fixture->arrivals, 10 * 1000), APR_TIMEUP);
    flows_wake(fixture->flows);
    assert_int_equal(flows_receive(fixture->flows, &fixture->arrivals, -1), APR_EINTR);
    close_fixture(fixture);
}

static void each_flow_has_a_peer_of_its_own_of_either_family(void **state)
{
    fixture_t *ipv4 = open_without_flows(state);
    fixture_t *ipv6 = open_fixture(*state, "::1");

    assert_int_equal(add_flow(ipv4, ipv4->peer_address), 0);
    assert_int_equal(add_flow(ipv4, ipv6->peer_address), 1);
    assert_int_equal(add_flow(ipv4, ipv4->peer_address), 2);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned flow = 0; flow < 3; flow++) {
            assert_talks_to(ipv4, flow, flow == 1 ? ipv6 : ipv4);
        }
    }
    assert_nothing_is_left(ipv4);
    close_fixture(ipv6);
    close_fixture(ipv4);
}

static void a_flow_can_be_added_to_those_opened_together(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");
    fixture_t *other = open_fixture(*state, "127.0.0.1");

    fixture->options.count = 2;
    open_flows(fixture);
    assert_int_equal(add_flow(fixture, other->peer_address), 2);
    assert_talks_to(fixture, 2, other);
    assert_talks_to(fixture, 1, fixture);
    close_fixture(other);
    close_fixture(fixture);
}

static void a_source_port_in_use_adds_nothing(void **state)
{
    fixture_t *fixture = open_without_flows(state);
    apr_port_t port = find_free_ports(fixture, 1);
    const apr_sockaddr_t *source = address_of(fixture, "127.0.0.1", port);
    flows_error_t error;
    unsigned flow;

    assert_int_equal(flows_add(fixture->flows, fixture->peer_address, source, NULL, &flow, &error),
                     APR_SUCCESS);
    assert_int_equal(flow, 0);
    assert_int_equal(flows_port(fixture->flows, 0), port);
    assert_int_not_equal(
        flows_add(fixture->flows, fixture->peer_address, source, NULL, &flow, &error), APR_SUCCESS);
    assert_string_equal(error.step, "bind");
    assert_int_equal(error.flow, 1);
    assert_talks_to(fixture, 0, fixture);

    flows_remove(fixture->flows, 0);
    assert_int_equal(flows_add(fixture->flows, fixture->peer_address, source, NULL, &flow, &error),
                     APR_SUCCESS);
    assert_int_equal(flow, 0);
    close_fixture(fixture);
}

/* The datagram exceeds the MTU of Linux's loopback. */
static void a_flow_added_keeps_datagrams_whole_if_that_was_changed(void **state)
{
    fixture_t *fixture = open_without_flows(state);
    fixture_t *ipv6 = open_fixture(*state, "::1");
    request_t request = request_of(0, 1, PAYLOAD_MAX_IPV6);
    apr_status_t failure;

    skip_if(no_fragments_here());
    assert_int_equal(flows_keep_whole(fixture->flows, 1), APR_SUCCESS);
    add_flow(fixture, ipv6->peer_address);
    assert_int_equal(flows_send(fixture->flows, &request, 1, &failure), 0);
    assert_int_equal(failure, EMSGSIZE);
    assert_int_equal(flows_keep_whole(fixture->flows, 0), APR_SUCCESS);
    send_all(fixture, &request, 1);
    close_fixture(ipv6);
    close_fixture(fixture);
}

static void there_are_no_more_flows_than_numbers(void **state)
{
    fixture_t *fixture = open_without_flows(state);
    flows_error_t error;
    unsigned allowed, flow;

    if (host_raise_descriptors(FLOWS_MAX + 64, &allowed) != APR_SUCCESS) {
        skip_test("this process may not have so many descriptors");
    }
    for (unsigned i = 0; i < FLOWS_MAX; i++) {
        assert_int_equal(add_flow(fixture, fixture->peer_address), i);
    }
    assert_int_equal(flows_add(fixture->flows, fixture->peer_address, NULL, NULL, &flow, &error),
                     APR_ENOSPC);
    assert_string_equal(error.step, "open more sockets than a client may have");
    assert_talks_to(fixture, FLOWS_MAX - 1, fixture);
    flows_remove(fixture->flows, 1234);
    assert_int_equal(add_flow(fixture, fixture->peer_address), 1234);
    assert_talks_to(fixture, 1234, fixture);
    close_fixture(fixture);
}

/* ---- Removing ---- */

static void the_lowest_free_number_is_used_again(void **state)
{
    fixture_t *fixture = open_without_flows(state);

    for (unsigned i = 0; i < 5; i++) {
        add_flow(fixture, fixture->peer_address);
    }
    flows_remove(fixture->flows, 3);
    flows_remove(fixture->flows, 1);
    flows_remove(fixture->flows, 4);
    assert_talks_to(fixture, 2, fixture);
    assert_int_equal(add_flow(fixture, fixture->peer_address), 1);
    assert_int_equal(add_flow(fixture, fixture->peer_address), 3);
    assert_int_equal(add_flow(fixture, fixture->peer_address), 4);
    assert_int_equal(add_flow(fixture, fixture->peer_address), 5);
    for (unsigned i = 0; i < 6; i++) {
        flows_remove(fixture->flows, i);
    }
    assert_nothing_is_left(fixture);
    assert_int_equal(add_flow(fixture, fixture->peer_address), 0);
    assert_talks_to(fixture, 0, fixture);
    close_fixture(fixture);
}

/* Datagrams wait in the sockets of two flows; one of them is removed before they are received. */
static void nothing_sent_to_a_removed_flow_arrives(void **state)
{
    fixture_t *fixture = open_without_flows(state);
    fixture_t *other = open_fixture(*state, "127.0.0.1");

    for (unsigned removed = 0; removed < 2; removed++) {
        add_flow(fixture, fixture->peer_address);
        add_flow(fixture, fixture->peer_address);
        for (unsigned i = 0; i < 20; i++) {
            request_t request = request_of(i % 2, i, 10);

            send_all(fixture, &request, 1);
            peer_echo(fixture, 1);
        }
        flows_remove(fixture->flows, removed);
        assert_int_equal(add_flow(fixture, other->peer_address), removed);
        for (unsigned received = 0; received < 10;) {
            receive_some(fixture);
            for (unsigned i = 0; i < fixture->arrivals.count; i++, received++) {
                assert_int_equal(fixture->arrivals.at[i]->flow, 1 - removed);
                assert_int_equal(fixture->arrivals.at[i]->data[0], 2 * received + 1 - removed);
            }
        }
        assert_nothing_is_left(fixture);
        assert_talks_to(fixture, removed, other);
        flows_remove(fixture->flows, 0);
        flows_remove(fixture->flows, 1);
    }
    close_fixture(other);
    close_fixture(fixture);
}

/* Between two calls of flows_receive(), when the next flow that is known to be readable goes. */
static void a_flow_can_be_removed_between_receives(void **state)
{
    enum { COUNT = 10 };

    fixture_t *fixture = open_without_flows(state);
    unsigned char seen[COUNT] = {0};
    unsigned left = COUNT;

    for (unsigned i = 0; i < COUNT; i++) {
        add_flow(fixture, fixture->peer_address);
    }
    for (unsigned i = 0; i < COUNT * BATCH_MAX; i++) {
        request_t request = request_of(i % COUNT, i, 10);

        send_all(fixture, &request, 1);
        peer_echo(fixture, 1);
    }
    while (left > 0) {
        receive_some(fixture);
        for (unsigned i = 0; i < fixture->arrivals.count; i++) {
            const arrival_t *arrival = fixture->arrivals.at[i];

            assert_int_equal(sequence_of(arrival->data) % COUNT, arrival->flow);
            assert_int_not_equal(seen[arrival->flow], 2);
            seen[arrival->flow] = 1;
        }
        for (unsigned i = 0; i < COUNT; i++) {
            if (seen[i] == 1) {
                flows_remove(fixture->flows, i);
                seen[i] = 2;
                left--;
            }
        }
        assert_int_equal(sequence_of(fixture->arrivals.at[0]->data) % COUNT,
                         fixture->arrivals.at[0]->flow); /* lent still */
    }
    assert_nothing_is_left(fixture);
    close_fixture(fixture);
}

/* ---- Refusals ---- */

/* Connected elsewhere, the socket takes nothing of the flows', as if it were closed, and its port
 * is given to nobody else. */
static void deafen(fixture_t *fixture)
{
    assert_int_equal(apr_socket_connect(fixture->peer, address_of(fixture, "127.0.0.1", 1)),
                     APR_SUCCESS);
}

static void a_refusal_is_told_of_the_flow_whose_peer_refused(void **state)
{
    fixture_t *fixture = open_without_flows(state);
    fixture_t *deaf = open_fixture(*state, "127.0.0.1");
    request_t request = request_of(1, 1, 56);

    skip_if(no_refusals_here());
    deafen(deaf);
    add_flow(fixture, fixture->peer_address);
    add_flow(fixture, deaf->peer_address);
    add_flow(fixture, fixture->peer_address);
    send_all(fixture, &request, 1);

    const arrival_t *arrival = receive_one(fixture);

    assert_true(APR_STATUS_IS_ECONNREFUSED(arrival->refused));
    assert_int_equal(arrival->flow, 1);
    assert_talks_to(fixture, 0, fixture);
    assert_talks_to(fixture, 2, fixture);
    close_fixture(deaf);
    close_fixture(fixture);
}

static void no_refusal_of_a_removed_flow_is_told(void **state)
{
    fixture_t *fixture = open_without_flows(state);
    fixture_t *deaf = open_fixture(*state, "127.0.0.1");
    request_t request = request_of(0, 1, 56);

    deafen(deaf);
    add_flow(fixture, deaf->peer_address);
    for (unsigned i = 0; i < 10; i++) {
        send_all(fixture, &request, 1);
    }
    flows_remove(fixture->flows, 0);
    assert_int_equal(add_flow(fixture, fixture->peer_address), 0);
    assert_nothing_is_left(fixture);
    assert_talks_to(fixture, 0, fixture);
    assert_nothing_is_left(fixture);
    close_fixture(deaf);
    close_fixture(fixture);
}

int main(void)
{
    static const scene_t scenes[] = {
        SCENE(flows_without_sockets_wait_and_are_woken),
        SCENE(each_flow_has_a_peer_of_its_own_of_either_family),
        SCENE(a_flow_can_be_added_to_those_opened_together),
        SCENE(a_source_port_in_use_adds_nothing),
        SCENE(a_flow_added_keeps_datagrams_whole_if_that_was_changed),
        SCENE(there_are_no_more_flows_than_numbers),
        SCENE(the_lowest_free_number_is_used_again),
        SCENE(nothing_sent_to_a_removed_flow_arrives),
        SCENE(a_flow_can_be_removed_between_receives),
        SCENE(a_refusal_is_told_of_the_flow_whose_peer_refused),
        SCENE(no_refusal_of_a_removed_flow_is_told),
    };

    return run_scenes(scenes, sizeof scenes / sizeof scenes[0], flows_variants, flows_variant_count,
                      sizeof *flows_variants);
}
