/* The contract of transport.h for listeners with details, as far as Windows has them. */

#include "fixture.h"
#include "scenes.h"

#include <apr_portable.h>

#include "iocp/iocp.h"
#include "udpecho/clock.h"

static int service; /* only where it is counts */

static const char *const addresses[] = {"127.0.0.1", "::1", "0.0.0.0", "::"};

#define ADDRESSES (sizeof addresses / sizeof addresses[0])

/* How exact the clock is that a stamp in ticks is held against. */
#define GRAIN_NS 16000000

static void set_client_hop_limit(const fixture_t *fixture, const char *address, DWORD hop_limit)
{
    int is_ipv6 = strchr(address, ':') != NULL;
    apr_os_sock_t socket;

    apr_os_sock_get(&socket, fixture->client);
    assert_int_equal(setsockopt(socket, is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP,
                                is_ipv6 ? IPV6_UNICAST_HOPS : IP_TTL, (const char *)&hop_limit,
                                sizeof hop_limit),
                     0);
}

static void ask(fixture_t *fixture, batch_t *batch)
{
    client_send(fixture, "x", 1);
    assert_int_equal(receive(fixture, batch), APR_SUCCESS);
    assert_int_equal(batch->count, 1);
    assert_false(batch->at[0]->control_truncated);
}

static void assert_told(const fixture_t *fixture, const datagram_t *datagram, unsigned details,
                        apr_int64_t since)
{
    int has_times = (details & DETAIL_TIMES) != 0;
    int has_hop_limit = has_times && platform_has(&fixture->platform, FEATURE_HOP_LIMIT);
    int has_class = details != 0 && platform_has(&fixture->platform, FEATURE_TRAFFIC_CLASS);

    if (has_times) {
        assert_in_range(datagram->arrived, since - GRAIN_NS, clock_wall() + GRAIN_NS);
    } else {
        assert_int_equal(datagram->arrived, 0);
    }
    assert_int_equal(datagram->hop_limit, has_hop_limit ? 7 : -1);
    assert_int_equal(datagram->traffic_class, has_class ? 0 : -1);
    assert_int_equal(datagram->reply_traffic_class, -1);
}

static void a_request_tells_what_was_asked_for_when_the_listener_was_opened(void **state)
{
    static const unsigned details[] = {0, DETAIL_TRAFFIC_CLASS, DETAIL_TIMES};

    for (unsigned i = 0; i < ADDRESSES * 3; i++) {
        const char *address = addresses[i % ADDRESSES];
        fixture_t *fixture = open_service_fixture(*state, address, 1000, (struct service *)&service,
                                                  details[i / ADDRESSES]);
        apr_int64_t since = clock_wall();
        batch_t batch;

        set_client_hop_limit(fixture, address, 7);
        ask(fixture, &batch);
        assert_told(fixture, batch.at[0], details[i / ADDRESSES], since);
        assert_ptr_equal(batch.at[0]->service, &service);
        assert_int_equal(give_back(fixture, &batch, VERDICT_ECHO).sent, 1);
        close_fixture(fixture);
    }
}

static void details_are_switched_on_and_off(void **state)
{
    static const unsigned changes[] = {DETAIL_TIMES, 0, DETAIL_TRAFFIC_CLASS, DETAIL_TIMES, 0};
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 1000);

    set_client_hop_limit(fixture, "127.0.0.1", 7);
    for (unsigned c = 0; c < sizeof changes / sizeof changes[0]; c++) {
        apr_int64_t since = clock_wall();
        batch_t batch;

        listener_set_details(fixture->listeners[0], changes[c]);
        ask(fixture, &batch);
        assert_told(fixture, batch.at[0], changes[c], since);
        give_back(fixture, &batch, VERDICT_PAST_COUNT);
    }
    close_fixture(fixture);
}

static void check_batches(fixture_t *fixture)
{
    unsigned answered = 0;

    for (unsigned i = 0; i < 60; i++) { /* no more than receives are posted */
        client_send(fixture, &i, sizeof i);
    }
    while (answered < 60) {
        batch_t batch;

        assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
        assert_in_range(batch.count, 1, TIMED_BATCH_MAX);
        answered += give_back(fixture, &batch, VERDICT_ECHO).sent;
    }
}

static void a_batch_with_times_is_a_small_one(void **state)
{
    fixture_t *fixture =
        open_service_fixture(*state, "127.0.0.1", 1000, (struct service *)&service, DETAIL_TIMES);

    check_batches(fixture);
    close_fixture(fixture);
    fixture = open_fixture(*state, "127.0.0.1", 1000);
    listener_set_details(fixture->listeners[0], DETAIL_TIMES);
    check_batches(fixture);
    close_fixture(fixture);
}

int main(void)
{
    static const scene_t scenes[] = {
        SCENE(a_request_tells_what_was_asked_for_when_the_listener_was_opened),
        SCENE(details_are_switched_on_and_off),
        SCENE(a_batch_with_times_is_a_small_one),
    };

    return run_scenes(scenes, sizeof scenes / sizeof scenes[0], variants, variant_count,
                      sizeof *variants);
}
