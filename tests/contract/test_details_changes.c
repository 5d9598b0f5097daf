/*
 * The contract of transport.h for listeners whose details change, or are not those of another
 * listener beside them or of the process that had their sockets before.
 */

#include "details_fixture.h"

#include <apr_portable.h>
#include <unistd.h>

static void details_are_switched_on_and_off(void **state)
{
    static const unsigned changes[] = {DETAIL_TRAFFIC_CLASS, DETAIL_TIMES,         0,
                                       DETAIL_TIMES,         DETAIL_TRAFFIC_CLASS, 0};

    for (unsigned i = 0; i < ADDRESSES; i++) {
        fixture_t *fixture = open_fixture(*state, addresses[i], 1000);
        int family = family_of(addresses[i]);

        have_replies_tell(fixture, family);
        set_client_class(fixture, family, CLASS);
        for (unsigned c = 0; c < sizeof changes / sizeof changes[0]; c++) {
            batch_t batch;

            listener_set_details(fixture->listeners[0], changes[c]);
            ask(fixture, &batch);
            assert_told(fixture, batch.at[0], changes[c]);
            give_back(fixture, &batch, VERDICT_PAST_COUNT);
        }
        close_fixture(fixture);
    }
}

static void replies_tell_when_they_left_if_asked_for_times_since(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 1000);

    listener_set_details(fixture->listeners[0], DETAIL_TIMES);
    check_departures(fixture);
    close_fixture(fixture);
}

/* ---- Other listeners of the same transport ---- */

static void a_plain_listener_beside_it_is_told_nothing(void **state)
{
    fixture_t *fixture = open_service_fixture(*state, "127.0.0.1", 1000, &service, DETAIL_TIMES);
    apr_port_t first = fixture->port;
    datagram_t reply;
    batch_t batch;

    fixture->service = NULL;
    fixture->details = 0;
    add_listener(fixture, "127.0.0.1");
    apr_port_t second = fixture->port;

    reopen_transport(fixture);
    fixture->port = first;
    client_connect(fixture, "127.0.0.1");
    ask(fixture, &batch);
    assert_ptr_equal(batch.at[0]->service, &service);
    batch.at[0]->reply_traffic_class = CLASS;
    give_back(fixture, &batch, VERDICT_ECHO);

    fixture->port = second;
    client_connect(fixture, "127.0.0.1");
    have_replies_tell(fixture, AF_INET);
    set_client_class(fixture, AF_INET, CLASS);
    ask(fixture, &batch);
    assert_null(batch.at[0]->service);
    assert_int_equal(batch.at[0]->arrived, 0);
    assert_int_equal(batch.at[0]->hop_limit, -1);
    assert_int_equal(batch.at[0]->traffic_class, -1);
    assert_int_equal(batch.at[0]->reply_traffic_class, -1);
    give_back(fixture, &batch, VERDICT_ECHO);
    read_reply(fixture, AF_INET, &reply);
    assert_int_not_equal(reply.hop_limit, 255);
    assert_true(reply.traffic_class <= 0);
    close_fixture(fixture);
}

/* ---- Sockets of another process ---- */

/* Makes a listener with these details of the sockets that another one has, and leaves that. */
static void hand_over(fixture_t *fixture, unsigned details)
{
    apr_array_header_t *sockets = listener_sockets(fixture->listeners[0], fixture->pool);
    listener_options_t options = {
        .platform = &fixture->platform, .workers = 1, .offload = 1, .details = details};
    listener_error_t error;
    apr_pool_t *own;

    for (int i = 0; i < sockets->nelts; i++) {
        APR_ARRAY_IDX(sockets, i, apr_os_sock_t) = dup(APR_ARRAY_IDX(sockets, i, apr_os_sock_t));
    }
    assert_int_equal(apr_pool_create(&own, fixture->pool), APR_SUCCESS);
    apr_pool_destroy(fixture->transport_pool);
    listener_close(fixture->listeners[0]);
    assert_int_equal(listener_adopt(&fixture->listeners[0], sockets, &options, &error, own),
                     APR_SUCCESS);
    reopen_transport(fixture);
}

static void a_socket_that_was_handed_over_tells_what_is_asked_for_now(void **state)
{
    for (unsigned i = 0; i < ADDRESSES; i++) {
        fixture_t *fixture = open_fixture(*state, addresses[i], 1000);
        static const unsigned details[] = {DETAIL_TIMES, 0, DETAIL_TRAFFIC_CLASS, DETAIL_TIMES};

        set_client_class(fixture, family_of(addresses[i]), CLASS);
        for (unsigned d = 0; d < 4; d++) {
            batch_t batch;

            hand_over(fixture, details[d]);
            ask(fixture, &batch);
            assert_told(fixture, batch.at[0], details[d]);
            give_back(fixture, &batch, VERDICT_PAST_COUNT);
        }
        check_departures(fixture);
        close_fixture(fixture);
    }
}

/* Also where the socket was one whose datagrams the kernel puts together. */
static void a_reply_may_be_longer_where_none_was_before(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 20);

    hand_over(fixture, DETAIL_TIMES);
    check_long_replies(fixture);
    close_fixture(fixture);
    fixture = open_fixture(*state, "127.0.0.1", 20);
    listener_set_details(fixture->listeners[0], DETAIL_TIMES);
    check_long_replies(fixture);
    close_fixture(fixture);
}

int main(void)
{
    static const scene_t scenes[] = {
        SCENE(details_are_switched_on_and_off),
        SCENE(replies_tell_when_they_left_if_asked_for_times_since),
        SCENE(a_plain_listener_beside_it_is_told_nothing),
        SCENE(a_socket_that_was_handed_over_tells_what_is_asked_for_now),
        SCENE(a_reply_may_be_longer_where_none_was_before),
    };

    return run_scenes(scenes, sizeof scenes / sizeof scenes[0], variants, variant_count,
                      sizeof *variants);
}
