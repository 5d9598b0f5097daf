/*
 * The contract of transport.h for listeners with details: what their datagrams tell beside bytes
 * and addresses, and what their replies leave with. The client sets by options of its socket what
 * is to be told, and asks for control messages to see what replies came with.
 */

#include "details_fixture.h"

#include <apr_poll.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "readiness/socket_options.h"
#include "udpecho/clock.h"

/* The kernels of the BSDs tell whole microseconds. */
#define GRAIN_NS 1000

static int set_client_hop_limit(const fixture_t *fixture, int family, int hop_limit)
{
    return family == AF_INET6
               ? set_option(descriptor_of(fixture->client), IPPROTO_IPV6, IPV6_UNICAST_HOPS,
                            hop_limit)
               : set_option(descriptor_of(fixture->client), IPPROTO_IP, IP_TTL, hop_limit);
}

/* What a reply to one request has when it is to have this class. */
static datagram_t reply_of_class(fixture_t *fixture, int family, int traffic_class)
{
    datagram_t reply;
    batch_t batch;

    ask(fixture, &batch);
    assert_int_equal(batch.at[0]->reply_traffic_class, -1);
    batch.at[0]->reply_traffic_class = traffic_class;
    assert_int_equal(give_back(fixture, &batch, VERDICT_ECHO).sent, 1);
    read_reply(fixture, family, &reply);
    return reply;
}

/* ---- Requests ---- */

static void a_request_tells_when_it_came(void **state)
{
    for (unsigned i = 0; i < ADDRESSES; i++) {
        fixture_t *fixture =
            open_service_fixture(*state, addresses[i], 1000, &service, DETAIL_TIMES);
        apr_int64_t before = clock_wall();
        batch_t batch;

        ask(fixture, &batch);
        assert_true(batch.at[0]->arrived >= before - GRAIN_NS);
        assert_true(batch.at[0]->arrived <= clock_wall());
        assert_ptr_equal(batch.at[0]->service, &service);
        give_back(fixture, &batch, VERDICT_PAST_COUNT);
        close_fixture(fixture);
    }
}

static void wait_until_it_is_there(const fixture_t *fixture)
{
    apr_array_header_t *sockets = listener_sockets(fixture->listeners[0], fixture->pool);
    apr_os_sock_t descriptor = APR_ARRAY_IDX(sockets, 0, apr_os_sock_t);
    apr_socket_t *socket = NULL;
    apr_pollfd_t waited = {.desc_type = APR_POLL_SOCKET, .reqevents = APR_POLLIN};
    apr_int32_t ready;

    assert_int_equal(apr_os_sock_put(&socket, &descriptor, fixture->pool), APR_SUCCESS);
    waited.desc.s = socket;
    assert_int_equal(apr_poll(&waited, 1, &ready, 10 * APR_USEC_PER_SEC), APR_SUCCESS);
}

/* It is the kernel that says so, and not who receives it later. A kernel that is asked for the
 * first time may take a while to begin, on a busy host more than any number of attempts. */
static void it_came_before_it_was_received(void **state)
{
    fixture_t *fixture = open_service_fixture(*state, "127.0.0.1", 1000, &service, DETAIL_TIMES);
    apr_time_t end = clock_now() + PATIENCE_US;
    int is_before = 0;

    if (!platform_has(&fixture->platform, FEATURE_ARRIVAL_TIME)) {
        skip_test("this kernel does not tell when a datagram came");
    }
    while (!is_before && clock_now() < end) {
        batch_t batch;

        client_send(fixture, "x", 1);
        wait_until_it_is_there(fixture);
        apr_int64_t there = clock_wall();

        receive_one(fixture, &batch);
        is_before = batch.at[0]->arrived <= there;
        give_back(fixture, &batch, VERDICT_PAST_COUNT);
    }
    assert_true(is_before);
    close_fixture(fixture);
}

static void a_request_tells_what_it_came_with(void **state)
{
    for (unsigned i = 0; i < ADDRESSES; i++) {
        fixture_t *fixture =
            open_service_fixture(*state, addresses[i], 1000, &service, DETAIL_TIMES);
        int family = family_of(addresses[i]);
        batch_t batch;

        for (int hop_limit = 254; hop_limit > 1; hop_limit /= 2) {
            assert_int_equal(set_client_hop_limit(fixture, family, hop_limit), 0);
            set_client_class(fixture, family, hop_limit & 0xfe);
            ask(fixture, &batch);
            assert_int_equal(batch.at[0]->hop_limit, told(fixture, FEATURE_HOP_LIMIT, hop_limit));
            assert_int_equal(batch.at[0]->traffic_class,
                             told(fixture, FEATURE_TRAFFIC_CLASS, hop_limit & 0xfe));
            assert_false(batch.at[0]->control_truncated);
            give_back(fixture, &batch, VERDICT_PAST_COUNT);
        }
        close_fixture(fixture);
    }
}

/* Where the kernel has no more room, those that come later tell how many it dropped. */
static void a_request_tells_how_many_were_dropped_before(void **state)
{
    fixture_t *fixture = open_service_fixture(*state, "127.0.0.1", 1000, &service, DETAIL_TIMES);
    int has_counter = platform_has(&fixture->platform, FEATURE_DROP_COUNTER);
    unsigned char data[1000] = {0};
    batch_t batch;

    ask(fixture, &batch);
    assert_int_equal(batch.at[0]->drops, 0);
    give_back(fixture, &batch, VERDICT_PAST_COUNT);
    for (unsigned i = 0; has_counter && listener_drops(fixture->listeners[0]) == 0; i++) {
        assert_true(i < 1000000);
        client_send(fixture, data, sizeof data);
    }
    while (has_counter && transport_receive(fixture->transport, &batch, 0) == APR_SUCCESS) {
        assert_int_equal(batch.at[0]->drops, 0); /* it was there before any was dropped */
        give_back(fixture, &batch, VERDICT_PAST_COUNT);
    }
    for (unsigned i = 0; i < 3; i++) {
        ask(fixture, &batch);
        assert_int_equal(batch.at[0]->drops, listener_drops(fixture->listeners[0]));
        give_back(fixture, &batch, VERDICT_PAST_COUNT);
    }
    close_fixture(fixture);
}

/* ---- Replies ---- */

static void replies_have_the_greatest_hop_limit_and_a_class_each(void **state)
{
    for (unsigned i = 0; i < ADDRESSES; i++) {
        fixture_t *fixture =
            open_service_fixture(*state, addresses[i], 1000, &service, DETAIL_TIMES);
        int family = family_of(addresses[i]);
        int has_class = platform_has(&fixture->platform, FEATURE_REPLY_TRAFFIC_CLASS);
        static const int classes[] = {CLASS, 0, 0x04, -1};

        have_replies_tell(fixture, family);
        for (unsigned c = 0; c < 4; c++) {
            datagram_t reply = reply_of_class(fixture, family, classes[c]);

            assert_int_equal(reply.hop_limit, 255);
            if (reply.traffic_class != -1) { /* the client's system tells it */
                assert_int_equal(reply.traffic_class, has_class && classes[c] > 0 ? classes[c] : 0);
            }
        }
        close_fixture(fixture);
    }
}

/* Many of two classes in turns: each reply has its own, and they stay in order. */
static void check_classes_of_many(fixture_t *fixture, int family)
{
    static const int classes[] = {0x20, 0x20, 0x48};
    unsigned answered = 0;

    for (unsigned i = 0; i < 60; i++) {
        set_client_class(fixture, family, classes[i % 3]);
        client_send(fixture, &i, sizeof i);
    }
    while (answered < 60) {
        send_outcome_t outcome;
        batch_t batch;

        assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
        for (unsigned i = 0; i < batch.count; i++) {
            assert_int_equal(batch.at[i]->traffic_class,
                             told(fixture, FEATURE_TRAFFIC_CLASS, classes[answered++ % 3]));
            batch.at[i]->reply_traffic_class = batch.at[i]->traffic_class;
        }
        unsigned count = batch.count;

        outcome = give_back(fixture, &batch, VERDICT_ECHO);
        assert_int_equal(outcome.sent, count);
    }
    for (unsigned i = 0; i < 60; i++) {
        datagram_t reply;

        read_reply(fixture, family, &reply);
        if (platform_has(&fixture->platform, FEATURE_TRAFFIC_CLASS) &&
            platform_has(&fixture->platform, FEATURE_REPLY_TRAFFIC_CLASS)) {
            assert_int_equal(reply.traffic_class, classes[i % 3]);
        }
    }
}

static void a_mirror_gives_each_reply_the_class_of_its_request(void **state)
{
    for (unsigned i = 0; i < ADDRESSES; i++) {
        fixture_t *fixture =
            open_service_fixture(*state, addresses[i], 1000, NULL, DETAIL_TRAFFIC_CLASS);
        int family = family_of(addresses[i]);

        have_replies_tell(fixture, family);
        check_classes_of_many(fixture, family);
        close_fixture(fixture);
    }
}

/* More of them than a batch has room for. */
static void each_of_those_that_came_together_tells_all(void **state)
{
    fixture_t *fixture =
        open_service_fixture(*state, "127.0.0.1", 1000, &service, DETAIL_TRAFFIC_CLASS);
    unsigned sent = 0;
    unsigned answered = 0;

    set_client_class(fixture, AF_INET, CLASS);
    for (; sent <= BATCH_MAX; sent += TOGETHER) {
        send_together(fixture);
    }
    while (answered < sent) {
        batch_t batch;

        assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
        for (unsigned i = 0; i < batch.count; i++) {
            assert_ptr_equal(batch.at[i]->service, &service);
            assert_told(fixture, batch.at[i], DETAIL_TRAFFIC_CLASS);
            assert_int_equal(batch.at[i]->reply_traffic_class, -1);
            batch.at[i]->reply_traffic_class = CLASS;
        }
        answered += give_back(fixture, &batch, VERDICT_ECHO).sent;
    }
    close_fixture(fixture);
}

/* ---- Departures ---- */

static void replies_tell_when_they_left_if_asked(void **state)
{
    for (unsigned i = 0; i < ADDRESSES; i++) {
        fixture_t *fixture =
            open_service_fixture(*state, addresses[i], 1000, &service, DETAIL_TIMES);

        check_departures(fixture);
        check_departures(fixture);
        close_fixture(fixture);
    }
}

/* ---- Batches ---- */

static void a_batch_with_times_is_a_small_one(void **state)
{
    fixture_t *fixture = open_service_fixture(*state, "127.0.0.1", 1000, &service, DETAIL_TIMES);
    unsigned answered = 0;

    for (unsigned i = 0; i < 100; i++) {
        client_send(fixture, &i, sizeof i);
    }
    while (answered < 100) {
        batch_t batch;

        assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
        assert_in_range(batch.count, 1, 16);
        answered += give_back(fixture, &batch, VERDICT_ECHO).sent;
    }
    for (unsigned i = 0; i < 100; i++) {
        unsigned reply = 100;

        assert_int_equal(client_receive(fixture, &reply, sizeof reply), sizeof reply);
        assert_int_equal(reply, i);
    }
    close_fixture(fixture);
}

static void a_reply_may_be_longer_than_its_request(void **state)
{
    fixture_t *fixture = open_service_fixture(*state, "127.0.0.1", 20, &service, DETAIL_TIMES);

    check_long_replies(fixture);
    close_fixture(fixture);
}

int main(void)
{
    static const scene_t scenes[] = {
        SCENE(a_request_tells_when_it_came),
        SCENE(it_came_before_it_was_received),
        SCENE(a_request_tells_what_it_came_with),
        SCENE(a_request_tells_how_many_were_dropped_before),
        SCENE(replies_have_the_greatest_hop_limit_and_a_class_each),
        SCENE(a_mirror_gives_each_reply_the_class_of_its_request),
        SCENE(each_of_those_that_came_together_tells_all),
        SCENE(replies_tell_when_they_left_if_asked),
        SCENE(a_batch_with_times_is_a_small_one),
        SCENE(a_reply_may_be_longer_than_its_request),
    };

    return run_scenes(scenes, sizeof scenes / sizeof scenes[0], variants, variant_count,
                      sizeof *variants);
}
