/*
 * The contract of flows.h, held against every variant that this platform has. The peer is a plain
 * UDP socket of the test, on the loopback, with ports that the kernel chooses.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <apr_general.h>
#include <apr_thread_proc.h>
#include <errno.h>

#include "udpecho/flows.h"
#include "udpecho/host.h"
#include "variants.h"

/* What takes longer than this hangs. */
#define PATIENCE_US (10 * APR_USEC_PER_SEC)

#define MANY 300

typedef struct scene {
    apr_pool_t *pool;
    platform_t platform;
    flows_options_t options;
    apr_socket_t *peer;
    apr_sockaddr_t *peer_address;
    apr_sockaddr_t *client_address; /* of what the peer received last */
    flows_t *flows;
    arrivals_t arrivals;
} scene_t;

/* ---- The peer ---- */

static apr_sockaddr_t *address_of(scene_t *scene, const char *host, apr_port_t port)
{
    apr_sockaddr_t *address;
    int family = strchr(host, ':') != NULL ? APR_INET6 : APR_INET;

    assert_int_equal(apr_sockaddr_info_get(&address, host, family, port, 0, scene->pool),
                     APR_SUCCESS);
    return address;
}

/* A UDP socket of the test; `address` becomes where it is bound. */
static apr_socket_t *open_socket(scene_t *scene, const char *host, apr_sockaddr_t **address)
{
    apr_sockaddr_t *bound = address_of(scene, host, 0);
    apr_socket_t *socket;

    assert_int_equal(
        apr_socket_create(&socket, bound->family, SOCK_DGRAM, APR_PROTO_UDP, scene->pool),
        APR_SUCCESS);
    apr_socket_opt_set(socket, APR_SO_RCVBUF, 1 << 20);
    apr_socket_opt_set(socket, APR_SO_SNDBUF, 1 << 20);
    apr_socket_timeout_set(socket, PATIENCE_US);
    assert_int_equal(apr_socket_bind(socket, bound), APR_SUCCESS);
    assert_int_equal(apr_socket_addr_get(address, APR_LOCAL, socket), APR_SUCCESS);
    return socket;
}

static scene_t *open_scene(const flows_variant_t *variant, const char *host)
{
    apr_pool_t *pool;
    scene_t *scene;

    assert_int_equal(apr_pool_create(&pool, NULL), APR_SUCCESS);
    scene = apr_pcalloc(pool, sizeof *scene);
    scene->pool = pool;
    platform_probe(&scene->platform, pool);
    for (feature_t feature = 0; feature < FEATURES; feature++) {
        if (variant->lacks & LACKS(feature)) {
            scene->platform.features[feature].status = APR_ENOTIMPL;
        }
    }
    scene->options = (flows_options_t){.platform = &scene->platform,
                                       .count = 1,
                                       .payload_max = PAYLOAD_MAX_IPV6,
                                       .dscp = -1,
                                       .buffer = 1 << 20};
    scene->peer = open_socket(scene, host, &scene->peer_address);
    scene->client_address = address_of(scene, host, 0);
    return scene;
}

static void close_scene(scene_t *scene)
{
    apr_pool_destroy(scene->pool);
}

static void open_flows(scene_t *scene)
{
    flows_error_t error;
    apr_status_t status =
        flows_open(&scene->flows, scene->peer_address, &scene->options, &error, scene->pool);

    if (status != APR_SUCCESS) {
        fail_msg("flow %u: %s: %d", error.flow, error.step, status);
    }
}

/* Waits for a datagram at the peer; returns its length. */
static apr_size_t peer_receive(scene_t *scene, void *data, apr_size_t room)
{
    apr_size_t length = room;
    apr_status_t status = apr_socket_recvfrom(scene->client_address, scene->peer, 0, data, &length);

    /* APR takes an empty datagram for the end of a stream. */
    if (status != APR_SUCCESS && !(status == APR_EOF && length == 0)) {
        fail_msg("the peer received nothing: %d", status);
    }
    return length;
}

static void send_from(scene_t *scene, apr_socket_t *socket, const void *data, apr_size_t length)
{
    apr_size_t sent = length;

    assert_int_equal(apr_socket_sendto(socket, scene->client_address, 0, data, &sent), APR_SUCCESS);
    assert_int_equal(sent, length);
}

/* Answers `count` datagrams with what they hold. */
static void peer_echo(scene_t *scene, unsigned count)
{
    static unsigned char data[PAYLOAD_MAX_IPV6 + 1];

    while (count-- > 0) {
        apr_size_t length = peer_receive(scene, data, sizeof data);

        send_from(scene, scene->peer, data, length);
    }
}

static void skip_if(const char *reason)
{
    if (reason != NULL) {
        print_message("skipped: %s\n", reason);
        skip();
    }
}

/* ---- The flows ---- */

static const unsigned char body[PAYLOAD_MAX_IPV6] = {'b', 'o', 'd', 'y', [100] = 1, [1000] = 2};

/* A datagram of `length` bytes, of which the first ones are a head that names the sequence. */
static request_t request_of(unsigned flow, apr_uint64_t sequence, apr_size_t length)
{
    request_t request = {.sequence = sequence, .flow = flow, .length = length, .body = body};

    request.head_length = length < REQUEST_HEAD_MAX ? length : REQUEST_HEAD_MAX;
    for (unsigned i = 0; i < REQUEST_HEAD_MAX; i++) {
        request.head[i] = (unsigned char)(sequence >> 8 * i);
    }
    return request;
}

/* What came is what was sent, or as much of it as is `known`. */
static void assert_holds(const arrival_t *arrival, const request_t *request, apr_size_t known)
{
    assert_int_equal(arrival->length, known);
    assert_memory_equal(arrival->data, request->head,
                        known < request->head_length ? known : request->head_length);
    if (known > request->head_length) {
        assert_memory_equal(arrival->data + request->head_length, request->body,
                            known - request->head_length);
    }
}

static void send_all(scene_t *scene, const request_t *requests, unsigned count)
{
    apr_status_t failure;

    assert_int_equal(flows_send(scene->flows, requests, count, &failure), count);
}

/* Waits for something to arrive, asking again after early ends of the wait. */
static void receive_some(scene_t *scene)
{
    apr_time_t end = clock_now() + PATIENCE_US;
    apr_status_t status;

    do {
        status = flows_receive(scene->flows, &scene->arrivals, PATIENCE_US);
    } while (APR_STATUS_IS_TIMEUP(status) && clock_now() < end);
    assert_int_equal(status, APR_SUCCESS);
    assert_in_range(scene->arrivals.count, 1, BATCH_MAX);
}

static const arrival_t *receive_one(scene_t *scene)
{
    receive_some(scene);
    assert_int_equal(scene->arrivals.count, 1);
    return scene->arrivals.at[0];
}

static void assert_nothing_is_left(scene_t *scene)
{
    assert_true(APR_STATUS_IS_TIMEUP(flows_receive(scene->flows, &scene->arrivals, 0)));
    assert_int_equal(scene->arrivals.count, 0);
}

/* ---- Payloads ---- */

static void assert_round_trip(scene_t *scene, apr_size_t length)
{
    endpoint_t peer = endpoint_of(scene->peer_address);
    request_t request = request_of(0, length * 0x01010101, length);

    send_all(scene, &request, 1);
    peer_echo(scene, 1);

    const arrival_t *arrival = receive_one(scene);

    assert_holds(arrival, &request, length);
    assert_int_equal(arrival->refused, APR_SUCCESS);
    assert_false(arrival->truncated);
    assert_int_equal(arrival->flow, 0);
    assert_true(endpoint_equal(&arrival->from, &peer));
}

static void every_size_comes_back_intact_over_ipv4(void **state)
{
    static const apr_size_t sizes[] = {0, 1, 8, 9, 56, 1400, 1472, 1473, PAYLOAD_MAX_IPV4, 0, 3};
    scene_t *scene = open_scene(*state, "127.0.0.1");

    open_flows(scene);
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_round_trip(scene, sizes[i]);
    }
    assert_nothing_is_left(scene);
    close_scene(scene);
}

static void every_size_comes_back_intact_over_ipv6(void **state)
{
    static const apr_size_t sizes[] = {0, 1, 8, 56, 1400, 1453, PAYLOAD_MAX_IPV4, 0, 3};
    scene_t *scene = open_scene(*state, "::1");

    open_flows(scene);
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_round_trip(scene, sizes[i]);
    }
    assert_nothing_is_left(scene);
    close_scene(scene);
}

static void a_longer_reply_is_marked_truncated(void **state)
{
    scene_t *scene = open_scene(*state, "127.0.0.1");
    request_t request = request_of(0, 1, 100);

    scene->options.payload_max = 100;
    open_flows(scene);
    send_all(scene, &request, 1);
    peer_echo(scene, 1);
    assert_false(receive_one(scene)->truncated);

    send_from(scene, scene->peer, body, 101);
    assert_true(receive_one(scene)->truncated);
    assert_int_equal(scene->arrivals.at[0]->length, 100);
    send_from(scene, scene->peer, body, 99);
    assert_false(receive_one(scene)->truncated);
    assert_int_equal(scene->arrivals.at[0]->length, 99);
    close_scene(scene);
}

static void a_reply_of_another_address_is_told_with_it(void **state)
{
    scene_t *scene = open_scene(*state, "127.0.0.1");
    apr_sockaddr_t *other_address;
    apr_socket_t *other = open_socket(scene, "127.0.0.1", &other_address);
    endpoint_t other_endpoint = endpoint_of(other_address);
    request_t request = request_of(0, 1, 10);
    unsigned char data[10];

    open_flows(scene);
    send_all(scene, &request, 1);
    assert_int_equal(peer_receive(scene, data, sizeof data), sizeof data);
    send_from(scene, other, data, sizeof data);
    assert_true(endpoint_equal(&receive_one(scene)->from, &other_endpoint));
    assert_holds(scene->arrivals.at[0], &request, sizeof data);
    close_scene(scene);
}

/* ---- Many flows ---- */

/* Sends one datagram by each flow, in batches as large as can be; their sequences are the flows. */
static void send_by_each(scene_t *scene)
{
    request_t requests[BATCH_MAX];
    unsigned count = 0;

    for (unsigned flow = 0; flow < scene->options.count; flow++) {
        requests[count++] = request_of(flow, flow, 10);
        if (count == BATCH_MAX || flow == scene->options.count - 1) {
            send_all(scene, requests, count);
            count = 0;
        }
    }
}

static void every_flow_has_a_port_of_its_own(void **state)
{
    static unsigned char used[65536];
    scene_t *scene = open_scene(*state, "127.0.0.1");
    unsigned char data[10];

    memset(used, 0, sizeof used);
    scene->options.count = MANY;
    open_flows(scene);
    send_by_each(scene);
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(peer_receive(scene, data, sizeof data), 10);
        assert_int_equal(scene->client_address->port,
                         flows_port(scene->flows, data[0] | data[1] << 8));
        assert_false(used[scene->client_address->port]);
        used[scene->client_address->port] = 1;
    }
    close_scene(scene);
}

static void a_reply_is_told_with_the_flow_that_it_came_by(void **state)
{
    scene_t *scene = open_scene(*state, "127.0.0.1");
    unsigned char seen[MANY] = {0};
    unsigned received = 0;

    scene->options.count = MANY;
    open_flows(scene);
    send_by_each(scene);
    peer_echo(scene, MANY);
    while (received < MANY) {
        receive_some(scene);
        for (unsigned i = 0; i < scene->arrivals.count; i++, received++) {
            const arrival_t *arrival = scene->arrivals.at[i];

            assert_int_equal(arrival->data[0] | arrival->data[1] << 8, arrival->flow);
            assert_false(seen[arrival->flow]);
            seen[arrival->flow] = 1;
        }
    }
    assert_nothing_is_left(scene);
    close_scene(scene);
}

static void a_batch_goes_in_its_order_over_any_flows(void **state)
{
    static const unsigned flows[] = {0, 0, 0, 1, 1, 2, 0, 2, 2, 1};
    request_t requests[sizeof flows / sizeof flows[0]];
    scene_t *scene = open_scene(*state, "127.0.0.1");
    unsigned char data[10];

    scene->options.count = 3;
    open_flows(scene);
    for (unsigned i = 0; i < sizeof flows / sizeof flows[0]; i++) {
        requests[i] = request_of(flows[i], i, 10);
    }
    send_all(scene, requests, sizeof flows / sizeof flows[0]);
    for (unsigned i = 0; i < sizeof flows / sizeof flows[0]; i++) {
        assert_int_equal(peer_receive(scene, data, sizeof data), 10);
        assert_int_equal(data[0], i);
        assert_int_equal(scene->client_address->port, flows_port(scene->flows, flows[i]));
    }
    close_scene(scene);
}

static void a_busy_flow_keeps_none_waiting(void **state)
{
    scene_t *scene = open_scene(*state, "127.0.0.1");
    request_t requests[BATCH_MAX];
    unsigned other_came_after = 0;
    int other_came = 0;

    scene->options.count = 2;
    open_flows(scene);
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < BATCH_MAX; i++) {
            requests[i] = request_of(0, i, 10);
        }
        send_all(scene, requests, BATCH_MAX);
        peer_echo(scene, BATCH_MAX);
    }
    requests[0] = request_of(1, 0, 10);
    send_all(scene, requests, 1);
    peer_echo(scene, 1);
    for (; !other_came; other_came_after++) {
        receive_some(scene);
        for (unsigned i = 0; i < scene->arrivals.count; i++) {
            other_came |= scene->arrivals.at[i]->flow == 1;
        }
    }
    assert_in_range(other_came_after, 1, 3);
    close_scene(scene);
}

/* ---- Source ports ---- */

/* The first of `count` ports that follow each other and were free a moment ago. */
static apr_port_t find_free_ports(scene_t *scene, unsigned count)
{
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        apr_sockaddr_t *address;
        apr_socket_t *first = open_socket(scene, "127.0.0.1", &address);
        apr_port_t port = address->port;
        unsigned found = 1;

        for (; found < count && port <= 65535 - count; found++) {
            apr_socket_t *next;

            address = address_of(scene, "127.0.0.1", (apr_port_t)(port + found));
            assert_int_equal(
                apr_socket_create(&next, APR_INET, SOCK_DGRAM, APR_PROTO_UDP, scene->pool),
                APR_SUCCESS);
            apr_status_t status = apr_socket_bind(next, address);

            apr_socket_close(next);
            if (status != APR_SUCCESS) {
                break;
            }
        }
        apr_socket_close(first);
        if (found == count) {
            return port;
        }
    }
    fail_msg("there are no %u ports in a row", count);
    return 0;
}

static void a_source_port_is_the_first_of_those_in_a_row(void **state)
{
    scene_t *scene = open_scene(*state, "127.0.0.1");
    apr_port_t port = find_free_ports(scene, 5);
    unsigned char data[10];

    scene->options.count = 5;
    scene->options.source = address_of(scene, "127.0.0.1", port);
    open_flows(scene);
    send_by_each(scene);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(flows_port(scene->flows, i), port + i);
        peer_receive(scene, data, sizeof data);
        assert_int_equal(scene->client_address->port, port + i);
    }
    close_scene(scene);
}

static void a_port_in_use_names_the_flow(void **state)
{
    scene_t *scene = open_scene(*state, "127.0.0.1");
    apr_port_t port = find_free_ports(scene, 3);
    apr_sockaddr_t *taken = address_of(scene, "127.0.0.1", (apr_port_t)(port + 2));
    flows_error_t error;
    apr_socket_t *socket;

    assert_int_equal(apr_socket_create(&socket, APR_INET, SOCK_DGRAM, APR_PROTO_UDP, scene->pool),
                     APR_SUCCESS);
    assert_int_equal(apr_socket_bind(socket, taken), APR_SUCCESS);
    scene->options.count = 3;
    scene->options.source = address_of(scene, "127.0.0.1", port);
    assert_int_not_equal(
        flows_open(&scene->flows, scene->peer_address, &scene->options, &error, scene->pool),
        APR_SUCCESS);
    assert_string_equal(error.step, "bind");
    assert_int_equal(error.flow, 2);

    /* Nothing stayed open: the ports below are free again. */
    scene->options.count = 2;
    open_flows(scene);
    close_scene(scene);
}

static void there_is_no_port_above_65535(void **state)
{
    scene_t *scene = open_scene(*state, "127.0.0.1");
    flows_error_t error;

    scene->options.count = 2;
    scene->options.source = address_of(scene, "127.0.0.1", 65535);
    assert_int_not_equal(
        flows_open(&scene->flows, scene->peer_address, &scene->options, &error, scene->pool),
        APR_SUCCESS);
    assert_in_range(error.flow, 0, 1); /* port 65535 itself may be in use */
    close_scene(scene);
}

/* ---- Waiting and time ---- */

static void a_wait_ends(void **state)
{
    scene_t *scene = open_scene(*state, "127.0.0.1");

    open_flows(scene);
    assert_nothing_is_left(scene);
    assert_true(APR_STATUS_IS_TIMEUP(flows_receive(scene->flows, &scene->arrivals, 20 * 1000)));
    assert_int_equal(scene->arrivals.count, 0);
    close_scene(scene);
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
    scene_t *scene = open_scene(*state, "127.0.0.1");
    apr_thread_t *thread;
    apr_status_t ended;

    open_flows(scene);
    assert_int_equal(apr_thread_create(&thread, NULL, wake, scene->flows, scene->pool),
                     APR_SUCCESS);
    assert_int_equal(flows_receive(scene->flows, &scene->arrivals, -1), APR_EINTR);
    apr_thread_join(&ended, thread);

    flows_wake(scene->flows);
    flows_wake(scene->flows);
    assert_int_equal(flows_receive(scene->flows, &scene->arrivals, -1), APR_EINTR);
    assert_nothing_is_left(scene);
    close_scene(scene);
}

static void an_arrival_has_the_time_at_which_it_came(void **state)
{
    scene_t *scene = open_scene(*state, "127.0.0.1");
    request_t request = request_of(0, 1, 56);

    open_flows(scene);
    for (unsigned i = 0; i < 100; i++) {
        apr_time_t before = clock_now();

        send_all(scene, &request, 1);
        peer_echo(scene, 1);

        apr_time_t at = receive_one(scene)->at;

        assert_in_range(at, before, clock_now());
    }
    close_scene(scene);
}

static void an_arrival_does_not_age_while_nobody_asks(void **state)
{
    scene_t *scene = open_scene(*state, "127.0.0.1");
    request_t request = request_of(0, 1, 56);

    skip_if(no_arrival_time_here());
    open_flows(scene);
    send_all(scene, &request, 1);
    peer_echo(scene, 1);

    apr_time_t answered = clock_now();

    apr_sleep(50 * 1000);
    assert_true(receive_one(scene)->at <= answered);
    close_scene(scene);
}

/* ---- Options, by what they do ---- */

static void a_hop_limit_is_what_the_peer_sees(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "::1"};

    for (unsigned i = 0; i < 2; i++) {
        scene_t *scene = open_scene(*state, hosts[i]);
        scene_t *other = open_scene(*state, hosts[i]);
        request_t request = request_of(0, 1, 10);

        skip_if(no_hop_limit_here());
        /* Flows that stand in for the peer. */
        other->options.source = address_of(other, hosts[i], 0);
        open_flows(other);
        scene->peer_address = address_of(scene, hosts[i], flows_port(other->flows, 0));
        scene->options.hop_limit = 7;
        open_flows(scene);
        send_all(scene, &request, 1);
        assert_int_equal(receive_one(other)->hop_limit, 7);
        close_scene(scene);
        close_scene(other);
    }
}

/* The MTU of Linux's loopback is 65,536 bytes, which the largest datagram of IPv6 is too big for.
 * Its kernel has no room for the size of such a fragment and tells a smaller one. */
static void a_datagram_too_big_for_the_interface_is_fragmented_unless_forbidden(void **state)
{
    scene_t *scene = open_scene(*state, "::1");
    request_t request = request_of(0, 1, PAYLOAD_MAX_IPV6);
    apr_status_t failure;

    skip_if(no_fragments_here());
    open_flows(scene);
    assert_true(flows_tell_fragments(scene->flows));
    send_all(scene, &request, 1);
    peer_echo(scene, 1);
    assert_holds(receive_one(scene), &request, PAYLOAD_MAX_IPV6);
    assert_int_not_equal(scene->arrivals.at[0]->fragment, 0);

    scene->options.dont_fragment = 1;
    open_flows(scene);
    assert_int_equal(flows_send(scene->flows, &request, 1, &failure), 0);
    assert_int_equal(failure, EMSGSIZE);
    assert_nothing_is_left(scene);
    request = request_of(0, 1, 1000);
    send_all(scene, &request, 1);
    peer_echo(scene, 1);
    assert_int_equal(receive_one(scene)->fragment, 0);
    close_scene(scene);
}

/* ---- Refusals ---- */

/* Nobody listens at the peer's address from here on. */
static void close_peer(scene_t *scene)
{
    skip_if(no_refusals_here());
    apr_socket_close(scene->peer);
}

static void a_refusal_tells_which_datagram_it_was(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "::1"};

    for (unsigned i = 0; i < 2; i++) {
        scene_t *scene = open_scene(*state, hosts[i]);
        request_t request = request_of(1, 0x0102030405060708, 56);
        endpoint_t peer = endpoint_of(scene->peer_address);
        apr_time_t before = clock_now();

        close_peer(scene);
        scene->options.count = 2;
        open_flows(scene);
        send_all(scene, &request, 1);

        const arrival_t *arrival = receive_one(scene);

        assert_true(APR_STATUS_IS_ECONNREFUSED(arrival->refused));
        assert_int_equal(arrival->flow, 1);
        assert_int_equal(arrival->mtu, 0);
        assert_holds(arrival, &request, request.length);
        peer.sa.v4.sin_port = 0; /* the same place in both families */
        assert_true(endpoint_equal(&arrival->from, &peer));
        assert_in_range(arrival->at, before, clock_now());
        assert_nothing_is_left(scene);
        close_scene(scene);
    }
}

static void a_refusal_costs_no_other_datagram(void **state)
{
    scene_t *scene = open_scene(*state, "127.0.0.1");
    request_t requests[BATCH_MAX];
    unsigned char refused[BATCH_MAX] = {0};
    unsigned count = 0;

    close_peer(scene);
    open_flows(scene);
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        requests[i] = request_of(0, i, 10);
    }
    send_all(scene, requests, BATCH_MAX);
    while (count < BATCH_MAX) {
        receive_some(scene);
        for (unsigned i = 0; i < scene->arrivals.count; i++, count++) {
            assert_true(APR_STATUS_IS_ECONNREFUSED(scene->arrivals.at[i]->refused));
            assert_false(refused[scene->arrivals.at[i]->data[0]]);
            refused[scene->arrivals.at[i]->data[0]] = 1;
        }
    }
    assert_nothing_is_left(scene);
    close_scene(scene);
}

/* ---- Running every scene over every variant ---- */

#define SCENE(function)     \
    {                       \
#function, function \
    }

int main(void)
{
    static const struct {
        const char *name;
        CMUnitTestFunction function;
    } scenes[] = {
        SCENE(every_size_comes_back_intact_over_ipv4),
        SCENE(every_size_comes_back_intact_over_ipv6),
        SCENE(a_longer_reply_is_marked_truncated),
        SCENE(a_reply_of_another_address_is_told_with_it),
        SCENE(every_flow_has_a_port_of_its_own),
        SCENE(a_reply_is_told_with_the_flow_that_it_came_by),
        SCENE(a_batch_goes_in_its_order_over_any_flows),
        SCENE(a_busy_flow_keeps_none_waiting),
        SCENE(a_source_port_is_the_first_of_those_in_a_row),
        SCENE(a_port_in_use_names_the_flow),
        SCENE(there_is_no_port_above_65535),
        SCENE(a_wait_ends),
        SCENE(a_wake_ends_a_wait_that_is_under_way_or_the_next),
        SCENE(an_arrival_has_the_time_at_which_it_came),
        SCENE(an_arrival_does_not_age_while_nobody_asks),
        SCENE(a_hop_limit_is_what_the_peer_sees),
        SCENE(a_datagram_too_big_for_the_interface_is_fragmented_unless_forbidden),
        SCENE(a_refusal_tells_which_datagram_it_was),
        SCENE(a_refusal_costs_no_other_datagram),
    };
    enum { SCENES = sizeof scenes / sizeof scenes[0] };
    int failed = 0;

    if (apr_initialize() != APR_SUCCESS) {
        return 1;
    }
    for (unsigned v = 0; v < flows_variant_count; v++) {
        struct CMUnitTest tests[SCENES] = {{.name = NULL}};

        for (unsigned s = 0; s < SCENES; s++) {
            tests[s].name = scenes[s].name;
            tests[s].test_func = scenes[s].function;
            tests[s].initial_state = (void *)&flows_variants[v];
        }
        print_message("---- %s ----\n", flows_variants[v].name);
        failed += cmocka_run_group_tests_name(flows_variants[v].name, tests, NULL, NULL);
    }
    apr_terminate();
    return failed > 0;
}
