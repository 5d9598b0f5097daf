/*
 * The contract of flows.h, held against every variant that this platform has. The peer is a plain
 * UDP socket of the test, on the loopback, with ports that the kernel chooses.
 */

#include "flows_fixture.h"
#include "scenes.h"

#include <apr_thread_proc.h>

#define MANY 300

/* ---- Payloads ---- */

static void assert_round_trip(fixture_t *fixture, apr_size_t length)
{
    endpoint_t peer = endpoint_of(fixture->peer_address);
    request_t request = request_of(0, length * 0x01010101, length);

    send_all(fixture, &request, 1);
    peer_echo(fixture, 1);

    const arrival_t *arrival = receive_one(fixture);

    assert_holds(arrival, &request, length);
    assert_int_equal(arrival->refused, APR_SUCCESS);
    assert_false(arrival->truncated);
    assert_int_equal(arrival->flow, 0);
    assert_true(endpoint_equal(&arrival->from, &peer));
}

static void every_size_comes_back_intact_over_ipv4(void **state)
{
    static const apr_size_t sizes[] = {0, 1, 8, 9, 56, 1400, 1472, 1473, PAYLOAD_MAX_IPV4, 0, 3};
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");

    open_flows(fixture);
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_round_trip(fixture, sizes[i]);
    }
    assert_nothing_is_left(fixture);
    close_fixture(fixture);
}

static void every_size_comes_back_intact_over_ipv6(void **state)
{
    static const apr_size_t sizes[] = {0, 1, 8, 56, 1400, 1453, PAYLOAD_MAX_IPV4, 0, 3};
    fixture_t *fixture = open_fixture(*state, "::1");

    open_flows(fixture);
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_round_trip(fixture, sizes[i]);
    }
    assert_nothing_is_left(fixture);
    close_fixture(fixture);
}

static void a_longer_reply_is_marked_truncated(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");
    request_t request = request_of(0, 1, 100);
    unsigned char payload[101] = {0};

    fixture->options.payload_max = 100;
    open_flows(fixture);
    send_all(fixture, &request, 1);
    peer_echo(fixture, 1);
    assert_false(receive_one(fixture)->truncated);

    send_from(fixture, fixture->peer, payload, 101);
    assert_true(receive_one(fixture)->truncated);
    assert_int_equal(fixture->arrivals.at[0]->length, 100);
    send_from(fixture, fixture->peer, payload, 99);
    assert_false(receive_one(fixture)->truncated);
    assert_int_equal(fixture->arrivals.at[0]->length, 99);
    close_fixture(fixture);
}

static void a_reply_from_another_address_has_that_source(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");
    apr_sockaddr_t *other_address;
    apr_socket_t *other = open_socket(fixture, "127.0.0.1", &other_address);
    endpoint_t other_endpoint = endpoint_of(other_address);
    request_t request = request_of(0, 1, 10);
    unsigned char data[10];

    open_flows(fixture);
    send_all(fixture, &request, 1);
    assert_int_equal(peer_receive(fixture, data, sizeof data), sizeof data);
    send_from(fixture, other, data, sizeof data);
    assert_true(endpoint_equal(&receive_one(fixture)->from, &other_endpoint));
    assert_holds(fixture->arrivals.at[0], &request, sizeof data);
    close_fixture(fixture);
}

/* ---- Many flows ---- */

/* Sends one datagram by each flow from this one on, as many as a batch may have; their sequences
 * are the flows. Returns how many: the peer's buffer need not hold those of all. */
static unsigned send_by_next(fixture_t *fixture, unsigned first)
{
    request_t requests[BATCH_MAX];
    unsigned count = 0;

    while (count < BATCH_MAX && first + count < fixture->options.count) {
        requests[count] = request_of(first + count, first + count, 10);
        count++;
    }
    send_all(fixture, requests, count);
    return count;
}

static void every_flow_has_a_port_of_its_own(void **state)
{
    static unsigned char used[65536];
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");
    unsigned char data[10];

    memset(used, 0, sizeof used);
    fixture->options.count = MANY;
    open_flows(fixture);
    for (unsigned i = 0, sent = 0; i < MANY; i++) {
        sent += i == sent ? send_by_next(fixture, sent) : 0;
        assert_int_equal(peer_receive(fixture, data, sizeof data), 10);
        assert_int_equal(fixture->client_address->port,
                         flows_port(fixture->flows, sequence_of(data)));
        assert_false(used[fixture->client_address->port]);
        used[fixture->client_address->port] = 1;
    }
    close_fixture(fixture);
}

static void a_reply_names_the_flow_that_received_it(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");
    unsigned char seen[MANY] = {0};
    unsigned received = 0;

    fixture->options.count = MANY;
    open_flows(fixture);
    for (unsigned sent = 0; sent < MANY;) {
        unsigned together = send_by_next(fixture, sent);

        peer_echo(fixture, together);
        sent += together;
    }
    while (received < MANY) {
        receive_some(fixture);
        for (unsigned i = 0; i < fixture->arrivals.count; i++, received++) {
            const arrival_t *arrival = fixture->arrivals.at[i];

            assert_int_equal(sequence_of(arrival->data), arrival->flow);
            assert_false(seen[arrival->flow]);
            seen[arrival->flow] = 1;
        }
    }
    assert_nothing_is_left(fixture);
    close_fixture(fixture);
}

static void a_batch_goes_in_its_order_over_any_flows(void **state)
{
    static const unsigned flows[] = {0, 0, 0, 1, 1, 2, 0, 2, 2, 1};
    request_t requests[sizeof flows / sizeof flows[0]];
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");
    unsigned char data[10];

    fixture->options.count = 3;
    open_flows(fixture);
    for (unsigned i = 0; i < sizeof flows / sizeof flows[0]; i++) {
        requests[i] = request_of(flows[i], i, 10);
    }
    send_all(fixture, requests, sizeof flows / sizeof flows[0]);
    for (unsigned i = 0; i < sizeof flows / sizeof flows[0]; i++) {
        assert_int_equal(peer_receive(fixture, data, sizeof data), 10);
        assert_int_equal(data[0], i);
        assert_int_equal(fixture->client_address->port, flows_port(fixture->flows, flows[i]));
    }
    close_fixture(fixture);
}

/* The kernel may move many datagrams from one set of flows to another in one message. */
static void segmented_datagrams_arrive_singly_and_in_order(void **state)
{
    static const apr_size_t lengths[] = {1, 8, 56, 1400, 1472, 9000, 65507};
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");
    request_t requests[BATCH_MAX];
    flows_error_t error;
    flows_t *sender;

    fixture->options.gathers = 1;
    fixture->options.buffer = 16 * 1024 * 1024;
    open_flows(fixture); /* to receive by */
    assert_int_equal(flows_open(&sender,
                                address_of(fixture, "127.0.0.1", flows_port(fixture->flows, 0)),
                                &fixture->options, &error, fixture->pool),
                     APR_SUCCESS);
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        unsigned count = lengths[i] > 1500 ? 3 : BATCH_MAX;
        apr_status_t failure;
        unsigned received = 0;

        for (unsigned j = 0; j < count; j++) {
            requests[j] = request_of(0, j, lengths[i] - (j == count - 1 && lengths[i] > 8));
        }
        for (unsigned sent = 0; sent < count;) {
            sent += flows_send(sender, requests + sent, count - sent, &failure);
        }
        while (received < count) {
            receive_some(fixture);
            for (unsigned j = 0; j < fixture->arrivals.count; j++, received++) {
                assert_holds(fixture->arrivals.at[j], &requests[received],
                             requests[received].length);
                assert_int_equal(fixture->arrivals.at[j]->length, requests[received].length);
            }
        }
        assert_nothing_is_left(fixture);
    }
    close_fixture(fixture);
}

static void a_busy_flow_does_not_starve_another(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");
    request_t requests[BATCH_MAX];
    unsigned other_came_after = 0;
    int other_came = 0;

    fixture->options.count = 2;
    open_flows(fixture);
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < BATCH_MAX; i++) {
            requests[i] = request_of(0, i, 10);
        }
        send_all(fixture, requests, BATCH_MAX);
        peer_echo(fixture, BATCH_MAX);
    }
    requests[0] = request_of(1, 0, 10);
    send_all(fixture, requests, 1);
    peer_echo(fixture, 1);
    for (; !other_came; other_came_after++) {
        receive_some(fixture);
        for (unsigned i = 0; i < fixture->arrivals.count; i++) {
            other_came |= fixture->arrivals.at[i]->flow == 1;
        }
    }
    assert_in_range(other_came_after, 1, 3);
    close_fixture(fixture);
}

/* ---- Waiting and time ---- */

static void a_wait_ends(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");

    open_flows(fixture);
    assert_nothing_is_left(fixture);
    assert_int_equal(flows_receive(fixture->flows, &fixture->arrivals, 20 * 1000), APR_TIMEUP);
    assert_int_equal(fixture->arrivals.count, 0);
    close_fixture(fixture);
}

static void *APR_THREAD_FUNC wake(apr_thread_t *thread, void *data)
{
    apr_sleep(20 * 1000);
    flows_wake(data);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

static void a_wake_ends_a_wait_that_is_under_way_or_the_next(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");
    apr_thread_t *thread;
    apr_status_t ended;

    open_flows(fixture);
    assert_int_equal(apr_thread_create(&thread, NULL, wake, fixture->flows, fixture->pool),
                     APR_SUCCESS);
    assert_int_equal(flows_receive(fixture->flows, &fixture->arrivals, -1), APR_EINTR);
    apr_thread_join(&ended, thread);

    flows_wake(fixture->flows);
    flows_wake(fixture->flows);
    assert_int_equal(flows_receive(fixture->flows, &fixture->arrivals, -1), APR_EINTR);
    assert_nothing_is_left(fixture);
    close_fixture(fixture);
}

static void an_arrival_has_the_time_at_which_it_came(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");
    request_t request = request_of(0, 1, 56);

    open_flows(fixture);
    for (unsigned i = 0; i < 100; i++) {
        apr_time_t before = clock_now();

        send_all(fixture, &request, 1);
        peer_echo(fixture, 1);

        apr_time_t at = receive_one(fixture)->at;

        assert_in_range(at, before, clock_now());
    }
    close_fixture(fixture);
}

/* Linux begins to note when datagrams come soon after the first socket asks for it, not at once
 * (net_enable_timestamp() of net/core/dev.c). */
static void the_arrival_time_does_not_depend_on_when_it_is_read(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");
    request_t request = request_of(0, 1, 56);
    unsigned attempts = 0;
    int has_aged;

    skip_if(no_arrival_time_here());
    open_flows(fixture);
    do {
        assert_in_range(++attempts, 1, 20);
        send_all(fixture, &request, 1);
        peer_echo(fixture, 1);

        apr_time_t answered = clock_now();

        apr_sleep(50 * 1000);
        /* Less than it was left alone for: a busy machine, or an emulator, reads clocks one by one.
         */
        has_aged = receive_one(fixture)->at > answered + 25 * 1000;
    } while (has_aged);
    close_fixture(fixture);
}

static void an_arrival_has_the_time_of_the_wall_clock(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");
    request_t request = request_of(0, 1, 10);
    apr_int64_t before = clock_wall();
    const arrival_t *arrival;

    skip_if(no_arrival_time_here());
    open_flows(fixture);
    send_all(fixture, &request, 1);
    peer_echo(fixture, 1);
    arrival = receive_one(fixture);
    assert_true(arrival->stamp >= before);
    assert_true(arrival->stamp <= clock_wall());
    close_fixture(fixture);
}

/* ---- Refusals ---- */

/*
 * Nobody listens at the peer's address from here on: connected to another place, its socket takes
 * nothing of the flows', and they are refused as if it were closed. But its port is still taken,
 * and neither a flow nor another program is given it.
 */
static void deafen_peer(fixture_t *fixture)
{
    const char *host = fixture->peer_address->family == APR_INET6 ? "::1" : "127.0.0.1";
    apr_sockaddr_t *elsewhere = address_of(fixture, host, 1);

    skip_if(no_refusals_here());
    assert_int_equal(apr_socket_connect(fixture->peer, elsewhere), APR_SUCCESS);
}

static void a_refusal_names_the_refused_datagram(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "::1"};

    for (unsigned i = 0; i < 2; i++) {
        fixture_t *fixture = open_fixture(*state, hosts[i]);
        request_t request = request_of(1, 0x0102030405060708, 56);
        endpoint_t peer = endpoint_of(fixture->peer_address);
        apr_time_t before = clock_now();

        deafen_peer(fixture);
        fixture->options.count = 2;
        open_flows(fixture);
        send_all(fixture, &request, 1);

        const arrival_t *arrival = receive_one(fixture);

        assert_true(APR_STATUS_IS_ECONNREFUSED(arrival->refused));
        assert_int_equal(arrival->flow, 1);
        assert_int_equal(arrival->mtu, 0);
        assert_holds(arrival, &request, request.length);
        peer.sa.v4.sin_port = 0; /* the same place in both families */
        assert_true(endpoint_equal(&arrival->from, &peer));
        assert_in_range(arrival->at, before, clock_now());
        assert_nothing_is_left(fixture);
        close_fixture(fixture);
    }
}

static void replies_come_before_refusals(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");
    apr_sockaddr_t *unused, *flow;
    apr_socket_t *other = open_socket(fixture, "127.0.0.1", &unused);
    apr_size_t length = 1;

    deafen_peer(fixture);
    open_flows(fixture);
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        request_t request = request_of(0, i, 10);

        send_all(fixture, &request, 1);
    }
    flow = address_of(fixture, "127.0.0.1", flows_port(fixture->flows, 0));
    assert_int_equal(apr_socket_sendto(other, flow, 0, "r", &length), APR_SUCCESS);
    receive_some(fixture);
    assert_int_equal(fixture->arrivals.at[0]->refused, APR_SUCCESS);
    close_fixture(fixture);
}

static void a_refusal_loses_no_other_datagram(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");
    request_t requests[BATCH_MAX];
    unsigned char refused[BATCH_MAX] = {0};
    unsigned count = 0;

    deafen_peer(fixture);
    open_flows(fixture);
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        requests[i] = request_of(0, i, 10);
    }
    /* One by one first: each leaves an error behind, which the next call meets. */
    for (unsigned i = 0; i < BATCH_MAX / 2; i++) {
        send_all(fixture, &requests[i], 1);
    }
    send_all(fixture, &requests[BATCH_MAX / 2], BATCH_MAX / 2);
    while (count < BATCH_MAX) {
        receive_some(fixture);
        for (unsigned i = 0; i < fixture->arrivals.count; i++, count++) {
            assert_true(APR_STATUS_IS_ECONNREFUSED(fixture->arrivals.at[i]->refused));
            assert_false(refused[fixture->arrivals.at[i]->data[0]]);
            refused[fixture->arrivals.at[i]->data[0]] = 1;
        }
    }
    assert_nothing_is_left(fixture);
    close_fixture(fixture);
}

int main(void)
{
    static const scene_t scenes[] = {
        SCENE(every_size_comes_back_intact_over_ipv4),
        SCENE(every_size_comes_back_intact_over_ipv6),
        SCENE(a_longer_reply_is_marked_truncated),
        SCENE(a_reply_from_another_address_has_that_source),
        SCENE(every_flow_has_a_port_of_its_own),
        SCENE(a_reply_names_the_flow_that_received_it),
        SCENE(a_batch_goes_in_its_order_over_any_flows),
        SCENE(segmented_datagrams_arrive_singly_and_in_order),
        SCENE(a_busy_flow_does_not_starve_another),
        SCENE(a_wait_ends),
        SCENE(a_wake_ends_a_wait_that_is_under_way_or_the_next),
        SCENE(an_arrival_has_the_time_at_which_it_came),
        SCENE(the_arrival_time_does_not_depend_on_when_it_is_read),
        SCENE(an_arrival_has_the_time_of_the_wall_clock),
        SCENE(a_refusal_names_the_refused_datagram),
        SCENE(replies_come_before_refusals),
        SCENE(a_refusal_loses_no_other_datagram),
    };

    return run_scenes(scenes, sizeof scenes / sizeof scenes[0], flows_variants, flows_variant_count,
                      sizeof *flows_variants);
}
