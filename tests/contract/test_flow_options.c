/*
 * The options of flows.h by their effect, for each variant on this platform: source ports, hop
 * limit, traffic class and fragmentation.
 */

#include "flows_fixture.h"
#include "scenes.h"

#include <errno.h>

/* ---- Source ports ---- */

static void a_source_port_is_the_first_of_those_in_a_row(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");
    apr_port_t port = find_free_ports(fixture, 5);
    unsigned char data[10];

    fixture->options.count = 5;
    fixture->options.source = address_of(fixture, "127.0.0.1", port);
    open_flows(fixture);
    for (unsigned i = 0; i < 5; i++) {
        request_t request = request_of(i, i, 10);

        send_all(fixture, &request, 1);
        assert_int_equal(flows_port(fixture->flows, i), port + i);
        assert_int_equal(peer_receive(fixture, data, sizeof data), sizeof data);
        assert_int_equal(fixture->client_address->port, port + i);
    }
    close_fixture(fixture);
}

static void a_port_in_use_names_the_flow(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");
    apr_port_t port = find_free_ports(fixture, 3);
    apr_sockaddr_t *taken = address_of(fixture, "127.0.0.1", (apr_port_t)(port + 2));
    flows_error_t error;
    apr_socket_t *socket;

    assert_int_equal(apr_socket_create(&socket, APR_INET, SOCK_DGRAM, APR_PROTO_UDP, fixture->pool),
                     APR_SUCCESS);
    assert_int_equal(apr_socket_bind(socket, taken), APR_SUCCESS);
    fixture->options.count = 3;
    fixture->options.source = address_of(fixture, "127.0.0.1", port);
    assert_int_not_equal(flows_open(&fixture->flows, fixture->peer_address, &fixture->options,
                                    &error, fixture->pool),
                         APR_SUCCESS);
    assert_string_equal(error.step, "bind");
    assert_int_equal(error.flow, 2);

    /* Nothing stayed open: the ports below are free again. */
    fixture->options.count = 2;
    open_flows(fixture);
    close_fixture(fixture);
}

static void there_is_no_port_above_65535(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");
    flows_error_t error;

    fixture->options.count = 2;
    fixture->options.source = address_of(fixture, "127.0.0.1", 65535);
    assert_int_not_equal(flows_open(&fixture->flows, fixture->peer_address, &fixture->options,
                                    &error, fixture->pool),
                         APR_SUCCESS);
    assert_in_range(error.flow, 0, 1); /* port 65535 itself may be in use */
    close_fixture(fixture);
}

/* ---- Options, by what they do ---- */

static void a_hop_limit_is_what_the_peer_sees(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "::1"};

    for (unsigned i = 0; i < 2; i++) {
        fixture_t *fixture = open_fixture(*state, hosts[i]);
        fixture_t *other = open_fixture(*state, hosts[i]);
        request_t request = request_of(0, 1, 10);

        skip_if(no_hop_limit_here());
        /* Flows that stand in for the peer. */
        other->options.source = address_of(other, hosts[i], 0);
        open_flows(other);
        fixture->peer_address = address_of(fixture, hosts[i], flows_port(other->flows, 0));
        fixture->options.hop_limit = 7;
        open_flows(fixture);
        send_all(fixture, &request, 1);
        assert_int_equal(receive_one(other)->hop_limit, 7);
        close_fixture(fixture);
        close_fixture(other);
    }
}

static void a_traffic_class_is_what_the_peer_sees_if_it_asks(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "::1"};

    for (int asks = 0; asks <= 1; asks++) {
        for (unsigned i = 0; i < 2; i++) {
            fixture_t *fixture = open_fixture(*state, hosts[i]);
            fixture_t *other = open_fixture(*state, hosts[i]);
            request_t request = request_of(0, 1, 10);

            skip_if(no_traffic_class_here());
            other->options.source = address_of(other, hosts[i], 0);
            other->options.traffic_class = asks;
            open_flows(other);
            fixture->peer_address = address_of(fixture, hosts[i], flows_port(other->flows, 0));
            fixture->options.dscp = 46;
            open_flows(fixture);
            send_all(fixture, &request, 1);
            assert_int_equal(receive_one(other)->traffic_class, asks ? 46 << 2 : -1);
            close_fixture(fixture);
            close_fixture(other);
        }
    }
}

/* The MTU of Linux's loopback is 65,536 bytes, which the largest datagram of IPv6 is too big for.
 * Its kernel has no room for the size of such a fragment and tells a smaller one. */
static void a_datagram_too_big_for_the_interface_is_fragmented_unless_forbidden(void **state)
{
    fixture_t *fixture = open_fixture(*state, "::1");
    request_t request = request_of(0, 1, PAYLOAD_MAX_IPV6);
    apr_status_t failure;

    skip_if(no_fragments_here());
    open_flows(fixture);
    assert_true(flows_tell_fragments(fixture->flows));
    send_all(fixture, &request, 1);
    peer_echo(fixture, 1);
    assert_holds(receive_one(fixture), &request, PAYLOAD_MAX_IPV6);
    assert_int_not_equal(fixture->arrivals.at[0]->fragment, 0);

    fixture->options.dont_fragment = 1;
    open_flows(fixture);
    assert_int_equal(flows_send(fixture->flows, &request, 1, &failure), 0);
    assert_int_equal(failure, EMSGSIZE);
    assert_nothing_is_left(fixture);
    request = request_of(0, 1, 1000);
    send_all(fixture, &request, 1);
    peer_echo(fixture, 1);
    assert_int_equal(receive_one(fixture)->fragment, 0);
    close_fixture(fixture);
}

int main(void)
{
    static const scene_t scenes[] = {
        SCENE(a_source_port_is_the_first_of_those_in_a_row),
        SCENE(a_port_in_use_names_the_flow),
        SCENE(there_is_no_port_above_65535),
        SCENE(a_hop_limit_is_what_the_peer_sees),
        SCENE(a_traffic_class_is_what_the_peer_sees_if_it_asks),
        SCENE(a_datagram_too_big_for_the_interface_is_fragmented_unless_forbidden),
    };

    return run_scenes(scenes, sizeof scenes / sizeof scenes[0], flows_variants, flows_variant_count,
                      sizeof *flows_variants);
}
