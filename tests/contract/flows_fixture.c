#include "flows_fixture.h"

#include <apr_general.h>

#include "scenes.h"

/* A wait that takes longer counts as a hang. */
#define PATIENCE_US (10 * APR_USEC_PER_SEC)

/* Below those that kernels give to those who ask for any: what is free here stays free. */
#define CHOSEN_PORTS      20000
#define CHOSEN_PORT_COUNT 10000

/* ---- The peer ---- */

apr_sockaddr_t *address_of(fixture_t *fixture, const char *host, apr_port_t port)
{
    apr_sockaddr_t *address;
    int family = strchr(host, ':') != NULL ? APR_INET6 : APR_INET;

    assert_int_equal(apr_sockaddr_info_get(&address, host, family, port, 0, fixture->pool),
                     APR_SUCCESS);
    return address;
}

apr_socket_t *open_socket(fixture_t *fixture, const char *host, apr_sockaddr_t **address)
{
    apr_sockaddr_t *bound = address_of(fixture, host, 0);
    apr_socket_t *socket;

    assert_int_equal(
        apr_socket_create(&socket, bound->family, SOCK_DGRAM, APR_PROTO_UDP, fixture->pool),
        APR_SUCCESS);
    widen_buffers(socket);
    apr_socket_timeout_set(socket, PATIENCE_US);
    assert_int_equal(apr_socket_bind(socket, bound), APR_SUCCESS);
    assert_int_equal(apr_socket_addr_get(address, APR_LOCAL, socket), APR_SUCCESS);
    return socket;
}

fixture_t *open_fixture(const flows_variant_t *variant, const char *host)
{
    apr_pool_t *pool;
    fixture_t *fixture;

    assert_int_equal(apr_pool_create(&pool, scene_pool), APR_SUCCESS);
    fixture = apr_pcalloc(pool, sizeof *fixture);
    fixture->pool = pool;
    platform_probe(&fixture->platform, pool);
    take_away(&fixture->platform, variant->lacks);
    fixture->options = (flows_options_t){.platform = &fixture->platform,
                                         .count = 1,
                                         .payload_max = PAYLOAD_MAX_IPV6,
                                         .dscp = -1,
                                         .buffer = 1 << 20};
    fixture->peer = open_socket(fixture, host, &fixture->peer_address);
    fixture->client_address = address_of(fixture, host, 0);
    return fixture;
}

void close_fixture(fixture_t *fixture)
{
    apr_pool_destroy(fixture->pool);
}

void open_flows(fixture_t *fixture)
{
    flows_error_t error;
    apr_status_t status = flows_open(&fixture->flows, fixture->peer_address, &fixture->options,
                                     &error, fixture->pool);

    if (status != APR_SUCCESS) {
        fail_msg("flow %u: %s: %d", error.flow, error.step, status);
    }
}

unsigned add_flow(fixture_t *fixture, const apr_sockaddr_t *peer)
{
    flows_error_t error;
    unsigned flow;
    apr_status_t status = flows_add(fixture->flows, peer, NULL, NULL, &flow, &error);

    if (status != APR_SUCCESS) {
        fail_msg("flow %u: %s: %d", error.flow, error.step, status);
    }
    return flow;
}

apr_size_t peer_receive(fixture_t *fixture, void *data, apr_size_t room)
{
    apr_size_t length = room;
    apr_status_t status =
        apr_socket_recvfrom(fixture->client_address, fixture->peer, 0, data, &length);

    /* APR takes an empty datagram for the end of a stream. */
    if (status != APR_SUCCESS && !(status == APR_EOF && length == 0)) {
        fail_msg("the peer received nothing: %d", status);
    }
    return length;
}

void send_from(fixture_t *fixture, apr_socket_t *socket, const void *data, apr_size_t length)
{
    apr_size_t sent = length;

    assert_int_equal(apr_socket_sendto(socket, fixture->client_address, 0, data, &sent),
                     APR_SUCCESS);
    assert_int_equal(sent, length);
}

void peer_echo(fixture_t *fixture, unsigned count)
{
    static unsigned char data[PAYLOAD_MAX_IPV6 + 1];

    while (count-- > 0) {
        apr_size_t length = peer_receive(fixture, data, sizeof data);

        send_from(fixture, fixture->peer, data, length);
    }
}

void skip_if(const char *reason)
{
    if (reason != NULL) {
        skip_test(reason);
    }
}

static int is_free(fixture_t *fixture, apr_port_t port)
{
    apr_socket_t *socket;

    assert_int_equal(apr_socket_create(&socket, APR_INET, SOCK_DGRAM, APR_PROTO_UDP, fixture->pool),
                     APR_SUCCESS);
    apr_status_t status = apr_socket_bind(socket, address_of(fixture, "127.0.0.1", port));

    apr_socket_close(socket);
    return status == APR_SUCCESS;
}

apr_port_t find_free_ports(fixture_t *fixture, unsigned count)
{
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        apr_uint16_t number;
        apr_port_t port;
        unsigned found = 0;

        assert_int_equal(apr_generate_random_bytes((unsigned char *)&number, sizeof number),
                         APR_SUCCESS);
        port = (apr_port_t)(CHOSEN_PORTS + number % CHOSEN_PORT_COUNT);
        while (found < count && is_free(fixture, (apr_port_t)(port + found))) {
            found++;
        }
        if (found == count) {
            return port;
        }
    }
    fail_msg("there are no %u ports in a row", count);
    return 0;
}

/* ---- The flows ---- */

static const unsigned char body[PAYLOAD_MAX_IPV6] = {'b', 'o', 'd', 'y', [100] = 1, [1000] = 2};

request_t request_of(unsigned flow, apr_uint64_t sequence, apr_size_t length)
{
    request_t request = {.sequence = sequence, .flow = flow, .length = length, .body = body};

    request.head_length = length < REQUEST_HEAD_MAX ? length : REQUEST_HEAD_MAX;
    for (unsigned i = 0; i < REQUEST_HEAD_MAX; i++) {
        request.head[i] = (unsigned char)(sequence >> 8 * i);
    }
    return request;
}

void assert_holds(const arrival_t *arrival, const request_t *request, apr_size_t known)
{
    assert_int_equal(arrival->length, known);
    assert_memory_equal(arrival->data, request->head,
                        known < request->head_length ? known : request->head_length);
    if (known > request->head_length) {
        assert_memory_equal(arrival->data + request->head_length, request->body,
                            known - request->head_length);
    }
}

unsigned sequence_of(const unsigned char *head)
{
    return head[0] | (unsigned)head[1] << 8;
}

void send_all(fixture_t *fixture, const request_t *requests, unsigned count)
{
    for (unsigned sent = 0; sent < count;) {
        apr_status_t failure;
        unsigned together = flows_send(fixture->flows, requests + sent, count - sent, &failure);

        assert_in_range(together, 1, count - sent);
        sent += together;
    }
}

void receive_some(fixture_t *fixture)
{
    apr_time_t end = clock_now() + PATIENCE_US;
    apr_status_t status;

    do {
        status = flows_receive(fixture->flows, &fixture->arrivals, PATIENCE_US);
    } while (APR_STATUS_IS_TIMEUP(status) && clock_now() < end);
    assert_int_equal(status, APR_SUCCESS);
    assert_in_range(fixture->arrivals.count, 1, BATCH_MAX);
}

const arrival_t *receive_one(fixture_t *fixture)
{
    receive_some(fixture);
    assert_int_equal(fixture->arrivals.count, 1);
    return fixture->arrivals.at[0];
}

void assert_nothing_is_left(fixture_t *fixture)
{
    assert_int_equal(flows_receive(fixture->flows, &fixture->arrivals, 0), APR_TIMEUP);
    assert_int_equal(fixture->arrivals.count, 0);
}
