/*
 * The contract of transport.h for a client of Linux that sends several datagrams as one message,
 * which the kernel may hand over as one: with or without that, and however replies are sent, what
 * is lent are datagrams, and they are answered in order.
 */

#include "fixture.h"
#include "scenes.h"

#include <apr_portable.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

/* The bytes of a datagram show its position in the message. */
static unsigned char content_at(apr_size_t place)
{
    return (unsigned char)(place * 167 >> 3);
}

static apr_size_t sent_bytes, lent_bytes, received_bytes;

static fixture_t *open_segments(void **state, const char *address, apr_size_t payload_max)
{
    sent_bytes = lent_bytes = received_bytes = 0;
    return open_fixture(*state, address, payload_max);
}

static int descriptor_of(const fixture_t *fixture)
{
    apr_os_sock_t descriptor;

    apr_os_sock_get(&descriptor, fixture->client);
    return descriptor;
}

/* Sends `length` bytes as datagrams of `segment` bytes, the last of which may be shorter. */
static void send_segments(const fixture_t *fixture, apr_size_t length, int segment)
{
    static unsigned char payload[PAYLOAD_MAX_IPV6];
    int none = 0;

    for (apr_size_t i = 0; i < length; i++) {
        payload[i] = content_at(sent_bytes + i);
    }
    if (setsockopt(descriptor_of(fixture), IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) !=
        0) {
        skip_test("this kernel cuts no messages into datagrams");
    }
    assert_int_equal(send(descriptor_of(fixture), payload, length, 0), length);
    setsockopt(descriptor_of(fixture), IPPROTO_UDP, UDP_SEGMENT, &none, sizeof none);
    sent_bytes += length;
}

static void assert_content(const unsigned char *data, apr_size_t length, apr_size_t *place)
{
    for (apr_size_t i = 0; i < length; i++) {
        assert_int_equal(data[i], content_at((*place)++));
    }
}

/* What is lent next is one datagram after the other of so many bytes; they get this verdict. */
static void serve_segments(fixture_t *fixture, apr_size_t length, apr_size_t segment,
                           verdict_t verdict)
{
    apr_size_t end = lent_bytes + length;

    while (lent_bytes < end) {
        batch_t batch;

        assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
        assert_in_range(batch.count, 1, BATCH_MAX);
        unsigned count = batch.count;

        for (unsigned i = 0; i < count; i++) {
            apr_size_t rest = end - lent_bytes;

            assert_int_equal(batch.at[i]->length, rest < segment ? rest : segment);
            assert_false(batch.at[i]->truncated);
            assert_content(batch.at[i]->data, batch.at[i]->length, &lent_bytes);
        }
        send_outcome_t outcome = give_back(fixture, &batch, verdict);

        assert_int_equal(outcome.sent, verdict == VERDICT_ECHO ? count : 0);
    }
}

static void receive_segments(fixture_t *fixture, apr_size_t length, apr_size_t segment)
{
    unsigned char reply[PAYLOAD_MAX_IPV6];

    while (length > 0) {
        apr_size_t expected = length < segment ? length : segment;

        assert_int_equal(client_receive(fixture, reply, sizeof reply), expected);
        assert_content(reply, expected, &received_bytes);
        length -= expected;
    }
}

static void check_echo(fixture_t *fixture, apr_size_t length, int segment)
{
    send_segments(fixture, length, segment);
    serve_segments(fixture, length, (apr_size_t)segment, VERDICT_ECHO);
    receive_segments(fixture, length, (apr_size_t)segment);
}

static void each_segment_is_a_datagram(void **state)
{
    static const char *const addresses[] = {"127.0.0.1", "::1", "0.0.0.0", "::"};

    for (unsigned i = 0; i < 4; i++) {
        fixture_t *fixture = open_segments(state, addresses[i], PAYLOAD_MAX_IPV6);

        check_echo(fixture, 2, 1);
        check_echo(fixture, 64, 1);
        check_echo(fixture, 44 * 1400 + 37, 1400);
        check_echo(fixture, 44 * 1400, 1400);
        check_echo(fixture, 2 * 8000 + 7999, 8000);
        check_echo(fixture, PAYLOAD_MAX_IPV4, 32768);
        check_echo(fixture, PAYLOAD_MAX_IPV4, 1472);
        close_fixture(fixture);
    }
}

static void what_a_batch_cannot_hold_is_lent_by_the_next(void **state)
{
    fixture_t *fixture = open_segments(state, "127.0.0.1", PAYLOAD_MAX_IPV6);

    for (int i = 0; i < 5; i++) { /* 250 datagrams of 10 bytes */
        send_segments(fixture, 500, 10);
    }
    serve_segments(fixture, 2500, 10, VERDICT_ECHO);
    receive_segments(fixture, 2500, 10);
    close_fixture(fixture);
}

/* The most that kernels since version 6.9 cut a message into is more than a batch. */
static void a_message_may_be_more_than_a_batch(void **state)
{
    fixture_t *fixture = open_segments(state, "127.0.0.1", PAYLOAD_MAX_IPV6);
    unsigned char payload[128] = {0};
    int segment = 1;

    setsockopt(descriptor_of(fixture), IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment);
    if (send(descriptor_of(fixture), payload, sizeof payload, 0) < 0) {
        close_fixture(fixture);
        skip_test("this kernel cuts no message into 128 datagrams");
    }
    assert_int_equal(serve(fixture, 128), 128);
    close_fixture(fixture);
}

static void a_wake_and_a_look_cost_nothing_of_the_rest(void **state)
{
    fixture_t *fixture = open_segments(state, "127.0.0.1", PAYLOAD_MAX_IPV6);
    unsigned lent = 0;
    unsigned wakes = 0;
    batch_t batch;

    send_segments(fixture, 600, 10);
    send_segments(fixture, 600, 10);
    assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
    lent += batch.count;
    give_back(fixture, &batch, VERDICT_PAST_COUNT);
    transport_wake(fixture->transport);
    for (;;) {
        apr_status_t status = transport_receive(fixture->transport, &batch, 0);

        if (APR_STATUS_IS_TIMEUP(status)) {
            break;
        }
        wakes += APR_STATUS_IS_EINTR(status) != 0;
        assert_true(status == APR_SUCCESS || batch.count == 0);
        lent += batch.count;
        give_back(fixture, &batch, VERDICT_PAST_COUNT);
    }
    assert_int_equal(wakes, 1);
    assert_int_equal(lent, 120);
    close_fixture(fixture);
}

static void each_segment_is_truncated_by_itself(void **state)
{
    fixture_t *fixture = open_segments(state, "127.0.0.1", 100);
    unsigned lent = 0;

    check_echo(fixture, 1000, 100);
    send_segments(fixture, 1000, 101); /* nine, and one of 91 bytes */
    while (lent < 10) {
        batch_t batch;

        assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
        for (unsigned i = 0; i < batch.count; i++, lent++) {
            apr_size_t place = 1000 + lent * 101;

            assert_int_equal(batch.at[i]->truncated, lent < 9);
            assert_int_equal(batch.at[i]->length, lent < 9 ? 100 : 91);
            assert_content(batch.at[i]->data, batch.at[i]->length, &place);
        }
        give_back(fixture, &batch, VERDICT_TRUNCATED);
    }
    close_fixture(fixture);
}

static void each_segment_is_judged_by_itself(void **state)
{
    fixture_t *fixture = open_segments(state, "127.0.0.1", 1000);
    unsigned char reply[1000];
    unsigned lent = 0;

    send_segments(fixture, 400, 10);
    while (lent < 40) {
        send_outcome_t outcome;
        batch_t batch;
        unsigned echoes = 0;

        assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
        for (unsigned i = 0; i < batch.count; i++, lent++) {
            batch.at[i]->verdict = lent % 4 == 1 ? VERDICT_ECHO : VERDICT_RATE_LIMITED;
            echoes += lent % 4 == 1;
        }
        transport_reply(fixture->transport, &batch, &outcome);
        assert_int_equal(outcome.sent, echoes);
        assert_int_equal(outcome.sent_bytes, echoes * 10);
    }
    for (unsigned i = 0; i < 10; i++) {
        apr_size_t place = (4 * i + 1) * 10;

        assert_int_equal(client_receive(fixture, reply, sizeof reply), 10);
        assert_content(reply, 10, &place);
    }
    close_fixture(fixture);
}

static void plain_datagrams_between_keep_their_order(void **state)
{
    fixture_t *fixture = open_segments(state, "::1", 1000);
    unsigned char reply[10];

    for (int i = 0; i < 3; i++) {
        send_segments(fixture, 30, 10);
        client_send(fixture, "", 0);
        send_segments(fixture, 9, 10);
    }
    assert_int_equal(serve(fixture, 15), 15);
    for (int i = 0; i < 3; i++) {
        receive_segments(fixture, 30, 10);
        assert_int_equal(client_receive(fixture, reply, sizeof reply), 0);
        receive_segments(fixture, 9, 10);
    }
    close_fixture(fixture);
}

/* A socket that a service manager opened may have the kernel tell more, which comes before the
 * address of arrival (Timestamping= of systemd.socket(5)). */
static void what_else_the_kernel_tells_hides_no_address(void **state)
{
    fixture_t *fixture = open_segments(state, "0.0.0.0", PAYLOAD_MAX_IPV6);
    const apr_array_header_t *sockets = listener_sockets(fixture->listeners[0], fixture->pool);
    int on = 1;

    for (int i = 0; i < sockets->nelts; i++) {
        apr_os_sock_t socket = APR_ARRAY_IDX(sockets, i, apr_os_sock_t);

        assert_int_equal(setsockopt(socket, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on), 0);
        assert_int_equal(setsockopt(socket, IPPROTO_IP, IP_RECVTTL, &on, sizeof on), 0);
    }
    client_connect(fixture, "127.0.0.2"); /* and so receives from nowhere else */
    check_echo(fixture, 1000, 100);
    close_fixture(fixture);
}

/* What a batch holds is to stay in the processor's cache until it is sent. */
static void a_batch_of_long_datagrams_is_a_short_one(void **state)
{
    static const unsigned char payload[8000];
    static const unsigned count = 200;
    fixture_t *fixture = open_segments(state, "127.0.0.1", PAYLOAD_MAX_IPV6);
    unsigned lent = 0;
    unsigned batches = 0;

    if (listener_describe(fixture->listeners[0])->receive_buffer < 4 << 20) {
        print_message("skipped: this user may have no receive buffer for so much\n");
        close_fixture(fixture);
        skip();
    }
    for (unsigned i = 0; i < count; i++) {
        client_send(fixture, payload, sizeof payload);
    }
    while (lent < count) {
        batch_t batch;

        assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
        assert_true(batches == 0 || batch.count * sizeof payload <= 256 << 10);
        lent += batch.count;
        batches++;
        give_back(fixture, &batch, VERDICT_PAST_COUNT);
    }
    assert_in_range(batches, 2, 8); /* one of 128, and of 32 each */
    for (unsigned i = 0; i < 2 * BATCH_MAX; i++) {
        client_send(fixture, payload, 10);
    }
    for (lent = 0, batches = 0; lent < 2 * BATCH_MAX; batches++) {
        batch_t batch;

        assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
        lent += batch.count;
        give_back(fixture, &batch, VERDICT_PAST_COUNT);
    }
    assert_in_range(batches, 2, 3); /* long ones are soon forgotten */
    close_fixture(fixture);
}

int main(void)
{
    static const scene_t scenes[] = {
        SCENE(each_segment_is_a_datagram),
        SCENE(what_a_batch_cannot_hold_is_lent_by_the_next),
        SCENE(a_message_may_be_more_than_a_batch),
        SCENE(a_wake_and_a_look_cost_nothing_of_the_rest),
        SCENE(each_segment_is_truncated_by_itself),
        SCENE(each_segment_is_judged_by_itself),
        SCENE(plain_datagrams_between_keep_their_order),
        SCENE(a_batch_of_long_datagrams_is_a_short_one),
        SCENE(what_else_the_kernel_tells_hides_no_address),
    };

    return run_scenes(scenes, sizeof scenes / sizeof scenes[0], variants, variant_count,
                      sizeof *variants);
}
