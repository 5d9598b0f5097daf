#include "fixture.h"

#include <apr_strings.h>

#include "scenes.h"

static apr_sockaddr_t *address_of(const char *host, apr_port_t port, apr_pool_t *pool)
{
    apr_sockaddr_t *address;
    int family = strchr(host, ':') != NULL ? APR_INET6 : APR_INET;

    assert_int_equal(apr_sockaddr_info_get(&address, host, family, port, 0, pool), APR_SUCCESS);
    return address;
}

void add_listener(fixture_t *fixture, const char *host)
{
    listener_options_t options = {
        .platform = &fixture->platform,
        .reuse = PORT_REUSE_WORKERS,
        /* A socket that is not the worker's own is shared with one that stands still. */
        .workers = platform_has(&fixture->platform, FEATURE_PORT_SHARING) ? 1 : 2,
        .receive_buffer = 4 << 20,
        .send_buffer = 1 << 20,
        .offload = 1,
        .service = fixture->service,
        .details = fixture->details,
    };
    listener_t **listener = &fixture->listeners[fixture->listener_count++];
    listener_error_t error;
    apr_pool_t *own;

    assert_int_equal(apr_pool_create(&own, fixture->pool), APR_SUCCESS);
    assert_int_equal(
        listener_open(listener, address_of(host, 0, fixture->pool), &options, &error, own),
        APR_SUCCESS);
    fixture->port = endpoint_port(&listener_describe(*listener)->local);
    assert_int_not_equal(fixture->port, 0);
}

void reopen_transport(fixture_t *fixture)
{
    assert_int_equal(apr_pool_create(&fixture->transport_pool, fixture->pool), APR_SUCCESS);
    apr_status_t status =
        fixture->variant->open(&fixture->transport, fixture->listeners, fixture->listener_count, 0,
                               fixture->payload_max, fixture->transport_pool);

    if (APR_STATUS_IS_ENOTIMPL(status)) {
        skip_test(
            apr_pstrcat(fixture->pool, "this system does not have ", fixture->variant->name, NULL));
    }
    assert_int_equal(status, APR_SUCCESS);
}

fixture_t *open_fixture(const variant_t *variant, const char *host, apr_size_t payload_max)
{
    return open_service_fixture(variant, host, payload_max, NULL, 0);
}

fixture_t *open_service_fixture(const variant_t *variant, const char *host, apr_size_t payload_max,
                                struct service *service, unsigned details)
{
    apr_pool_t *pool;
    fixture_t *fixture;

    assert_int_equal(apr_pool_create(&pool, scene_pool), APR_SUCCESS);
    fixture = apr_pcalloc(pool, sizeof *fixture);
    fixture->variant = variant;
    platform_probe(&fixture->platform, pool);
    take_away(&fixture->platform, variant->lacks);
    fixture->pool = pool;
    fixture->payload_max = payload_max;
    fixture->service = service;
    fixture->details = details;
    add_listener(fixture, host);
    reopen_transport(fixture);
    client_connect(fixture, strcmp(host, "0.0.0.0") == 0 ? "127.0.0.1"
                            : strcmp(host, "::") == 0    ? "::1"
                                                         : host);
    return fixture;
}

void close_fixture(fixture_t *fixture)
{
    apr_pool_destroy(fixture->transport_pool); /* before the listeners that it receives from */
    apr_pool_destroy(fixture->pool);
}

endpoint_t client_connect(fixture_t *fixture, const char *host)
{
    apr_sockaddr_t *address = address_of(host, fixture->port, fixture->pool);
    apr_sockaddr_t *local;

    assert_int_equal(apr_socket_create(&fixture->client, address->family, SOCK_DGRAM, APR_PROTO_UDP,
                                       fixture->pool),
                     APR_SUCCESS);
    widen_buffers(fixture->client);
    apr_socket_timeout_set(fixture->client, PATIENCE_US);
    assert_int_equal(apr_socket_connect(fixture->client, address), APR_SUCCESS);
    assert_int_equal(apr_socket_addr_get(&local, APR_LOCAL, fixture->client), APR_SUCCESS);
    return endpoint_of(local);
}

void client_send(fixture_t *fixture, const void *data, apr_size_t length)
{
    apr_size_t sent = length;

    assert_int_equal(apr_socket_send(fixture->client, data, &sent), APR_SUCCESS);
    assert_int_equal(sent, length);
}

apr_size_t client_receive(fixture_t *fixture, void *data, apr_size_t room)
{
    apr_size_t length = room;
    apr_status_t status = apr_socket_recv(fixture->client, data, &length);

    /* APR takes an empty datagram for the end of a stream. */
    if (status != APR_SUCCESS && !(status == APR_EOF && length == 0)) {
        fail_msg("the client received nothing: %d", status);
    }
    return length;
}

void assert_client_gets_nothing(fixture_t *fixture)
{
    unsigned char mark[] = "the mark";
    unsigned char first[sizeof mark + 1];

    client_send(fixture, mark, sizeof mark);
    assert_int_equal(serve(fixture, 1), 1);
    assert_int_equal(client_receive(fixture, first, sizeof first), sizeof mark);
    assert_memory_equal(first, mark, sizeof mark);
}

int is_local(fixture_t *fixture, const char *host)
{
    apr_sockaddr_t *address = address_of(host, 0, fixture->pool);
    apr_socket_t *socket;

    assert_int_equal(
        apr_socket_create(&socket, address->family, SOCK_DGRAM, APR_PROTO_UDP, fixture->pool),
        APR_SUCCESS);
    apr_status_t status = apr_socket_bind(socket, address);

    apr_socket_close(socket);
    return status == APR_SUCCESS;
}

apr_status_t receive(fixture_t *fixture, batch_t *batch)
{
    apr_time_t end = apr_time_now() + PATIENCE_US;
    apr_status_t status;

    do {
        status = transport_receive(fixture->transport, batch, PATIENCE_US);
    } while (APR_STATUS_IS_TIMEUP(status) && apr_time_now() < end);
    return status;
}

void add_outcome(send_outcome_t *sum, const send_outcome_t *more)
{
    sum->sent += more->sent;
    sum->sent_bytes += more->sent_bytes;
    for (unsigned i = 0; i < SEND_ERROR_KINDS; i++) {
        sum->failed[i] += more->failed[i];
    }
}

send_outcome_t answer(fixture_t *fixture, batch_t *batch)
{
    send_outcome_t outcome;
    send_outcome_t rest;

    transport_reply(fixture->transport, batch, &outcome);
    transport_finish(fixture->transport, PATIENCE_US, &rest);
    add_outcome(&outcome, &rest);
    return outcome;
}

send_outcome_t give_back(fixture_t *fixture, batch_t *batch, verdict_t verdict)
{
    for (unsigned i = 0; i < batch->count; i++) {
        batch->at[i]->verdict = verdict;
    }
    return answer(fixture, batch);
}

unsigned serve(fixture_t *fixture, unsigned count)
{
    unsigned answered = 0;

    while (answered < count) {
        batch_t batch;

        assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
        answered += give_back(fixture, &batch, VERDICT_ECHO).sent;
    }
    return answered;
}
