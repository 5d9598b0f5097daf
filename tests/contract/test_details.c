/*
 * The contract of transport.h for listeners with details: what their datagrams tell beside bytes
 * and addresses, and what their replies leave with. The client sets by options of its socket what
 * is to be told, and asks for control messages to see what replies came with.
 */

#include "fixture.h"
#include "scenes.h"

#include <apr_poll.h>
#include <apr_portable.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "readiness/control_message.h"
#include "readiness/details.h"
#include "readiness/socket_options.h"
#include "udpecho/clock.h"

/* The transport keeps the pointer and does not look at what it points to. */
struct service {
    int untouched; /* cppcheck-suppress unusedStructMember */
};

static struct service service;

static const char *const addresses[] = {"127.0.0.1", "::1", "0.0.0.0", "::"};

#define ADDRESSES (sizeof addresses / sizeof addresses[0])

/* The kernels of the BSDs tell whole microseconds. */
#define GRAIN_NS 1000

#define ATTEMPTS_MAX 1000

/* EF, and the ECT(0) of ECN: RFC 3246, RFC 3168. */
#define CLASS 0xba

static int descriptor_of(apr_socket_t *socket)
{
    apr_os_sock_t descriptor;

    apr_os_sock_get(&descriptor, socket);
    return descriptor;
}

static int family_of(const char *address)
{
    return strchr(address, ':') != NULL ? AF_INET6 : AF_INET;
}

static int set_client_hop_limit(const fixture_t *fixture, int family, int hop_limit)
{
    return family == AF_INET6
               ? set_option(descriptor_of(fixture->client), IPPROTO_IPV6, IPV6_UNICAST_HOPS,
                            hop_limit)
               : set_option(descriptor_of(fixture->client), IPPROTO_IP, IP_TTL, hop_limit);
}

static void set_client_class(const fixture_t *fixture, int family, int traffic_class)
{
    assert_int_equal(set_traffic_class(descriptor_of(fixture->client), family, traffic_class), 0);
}

/* Where a listener's datagrams tell what they can of this; else the number that says so. */
static int told(const fixture_t *fixture, feature_t feature, int value)
{
    return platform_has(&fixture->platform, feature) ? value : -1;
}

static void receive_one(fixture_t *fixture, batch_t *batch)
{
    assert_int_equal(receive(fixture, batch), APR_SUCCESS);
    assert_int_equal(batch->count, 1);
}

static void ask(fixture_t *fixture, batch_t *batch)
{
    client_send(fixture, "x", 1);
    receive_one(fixture, batch);
}

/* Waits for a reply, and fills of `reply` what it came with. */
static void read_reply(fixture_t *fixture, int family, datagram_t *reply)
{
    _Alignas(struct cmsghdr) unsigned char control[CONTROL_RECEIVED_MAX];
    unsigned char data[100];
    struct iovec vector = {data, sizeof data};
    struct msghdr header = {.msg_iov = &vector,
                            .msg_iovlen = 1,
                            .msg_control = control,
                            .msg_controllen = sizeof control};
    apr_pollfd_t waited = {
        .desc_type = APR_POLL_SOCKET, .reqevents = APR_POLLIN, .desc.s = fixture->client};
    apr_int32_t ready;

    *reply = (datagram_t){.hop_limit = -1, .traffic_class = -1};
    reply->to.sa.any.sa_family = (sa_family_t)family;
    assert_int_equal(apr_poll(&waited, 1, &ready, 10 * APR_USEC_PER_SEC), APR_SUCCESS);
    assert_true(recvmsg(descriptor_of(fixture->client), &header, 0) >= 0);
    details_read(&header, reply);
}

static void have_replies_tell(const fixture_t *fixture, int family)
{
    assert_int_equal(report_hop_limit(descriptor_of(fixture->client), family, 1), 0);
    report_traffic_class(descriptor_of(fixture->client), family, 1);
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
 * first time may take a while to begin. */
static void it_came_before_it_was_received(void **state)
{
    fixture_t *fixture = open_service_fixture(*state, "127.0.0.1", 1000, &service, DETAIL_TIMES);
    int is_before = 0;

    if (!platform_has(&fixture->platform, FEATURE_ARRIVAL_TIME)) {
        skip_test("this kernel does not tell when a datagram came");
    }
    for (unsigned i = 0; !is_before && i < ATTEMPTS_MAX; i++) {
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

/* Of a request with this class. */
static void assert_told(const fixture_t *fixture, const datagram_t *datagram, unsigned details)
{
    int has_times = (details & DETAIL_TIMES) != 0;

    assert_int_equal(datagram->arrived != 0, has_times);
    assert_int_equal(datagram->hop_limit >= 0,
                     has_times && platform_has(&fixture->platform, FEATURE_HOP_LIMIT));
    assert_int_equal(datagram->traffic_class,
                     details != 0 ? told(fixture, FEATURE_TRAFFIC_CLASS, CLASS) : -1);
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

/* ---- Departures ---- */

#define REPLIES  40
#define FIRST_ID 0xfffffff0u /* all 32 bits are the number's */

/* What the last receive learnt, behind the `count` that are known; returns how many are then. */
static unsigned take_departures(const fixture_t *fixture, departure_t *known, unsigned count)
{
    const departure_t *departures;
    unsigned more = transport_departures(fixture->transport, &departures);

    for (unsigned i = 0; i < more; i++) {
        assert_true(count < REPLIES);
        known[count++] = departures[i];
    }
    return count;
}

/* Answers the next requests, of which every second one's reply tells. Returns how many there were.
 */
static unsigned answer_some(fixture_t *fixture, batch_t *batch, unsigned answered)
{
    unsigned count = batch->count;

    for (unsigned i = 0; i < count; i++, answered++) {
        assert_int_equal(batch->at[i]->departure_id, -1);
        if (answered % 2 == 0) {
            batch->at[i]->departure_id = FIRST_ID + answered;
        }
    }
    assert_int_equal(give_back(fixture, batch, VERDICT_ECHO).sent, count);
    return count;
}

static void check_departures(fixture_t *fixture)
{
    unsigned expected = platform_has(&fixture->platform, FEATURE_DEPARTURE_TIME) ? REPLIES / 2 : 0;
    apr_int64_t earliest = clock_wall();
    departure_t known[REPLIES];
    unsigned count = 0;
    unsigned answered = 0;
    batch_t batch;

    for (unsigned i = 0; i < REPLIES; i++) {
        client_send(fixture, "x", 1);
    }
    while (answered < REPLIES || count < expected) {
        apr_status_t status = transport_receive(fixture->transport, &batch, PATIENCE_US);

        count = take_departures(fixture, known, count);
        if (status != APR_SUCCESS) {
            assert_true(APR_STATUS_IS_TIMEUP(status) && answered + count > 0);
        } else {
            answered += answer_some(fixture, &batch, answered);
        }
    }
    assert_true(APR_STATUS_IS_TIMEUP(transport_receive(fixture->transport, &batch, 0)));
    assert_int_equal(take_departures(fixture, known, count), expected);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(known[i].id, FIRST_ID + 2 * i);
        assert_true(known[i].left >= earliest && known[i].left <= clock_wall());
        earliest = known[i].left;
    }
}

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

static void so_they_do_where_nobody_asked_for_times_before(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1", 1000);

    listener_set_details(fixture->listeners[0], DETAIL_TIMES);
    check_departures(fixture);
    close_fixture(fixture);
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

#define TOGETHER 40

/* Sends so many datagrams of 4 bytes, each its number, as one message where the system can: the
 * kernel may hand them over as one, too. */
static void send_together(fixture_t *fixture)
{
    unsigned numbers[TOGETHER];

    for (unsigned i = 0; i < TOGETHER; i++) {
        numbers[i] = i;
    }
#ifdef UDP_SEGMENT
    int length = sizeof numbers[0];

    if (set_option(descriptor_of(fixture->client), IPPROTO_UDP, UDP_SEGMENT, length) == 0) {
        client_send(fixture, numbers, sizeof numbers);
        return;
    }
#endif
    for (unsigned i = 0; i < TOGETHER; i++) {
        client_send(fixture, &numbers[i], sizeof numbers[i]);
    }
}

/* Replies that are longer than their requests cost no other datagram its bytes. */
static void check_long_replies(fixture_t *fixture)
{
    unsigned char reply[REPLY_ROOM_MIN + 1];
    unsigned answered = 0;

    send_together(fixture);
    while (answered < TOGETHER) {
        batch_t batch;

        assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
        for (unsigned i = 0; i < batch.count; i++) {
            datagram_t *datagram = batch.at[i];

            assert_int_equal(datagram->length, sizeof answered);
            memset(datagram->data + datagram->length, 0xee, REPLY_ROOM_MIN - datagram->length);
            datagram->length = REPLY_ROOM_MIN;
        }
        answered += give_back(fixture, &batch, VERDICT_ECHO).sent;
    }
    for (unsigned i = 0; i < TOGETHER; i++) {
        assert_int_equal(client_receive(fixture, reply, sizeof reply), REPLY_ROOM_MIN);
        assert_memory_equal(reply, &i, sizeof i);
        assert_int_equal(reply[REPLY_ROOM_MIN - 1], 0xee);
    }
}

static void a_reply_may_be_longer_than_its_request(void **state)
{
    fixture_t *fixture = open_service_fixture(*state, "127.0.0.1", 20, &service, DETAIL_TIMES);

    check_long_replies(fixture);
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
        SCENE(a_request_tells_when_it_came),
        SCENE(it_came_before_it_was_received),
        SCENE(a_request_tells_what_it_came_with),
        SCENE(replies_have_the_greatest_hop_limit_and_a_class_each),
        SCENE(a_mirror_gives_each_reply_the_class_of_its_request),
        SCENE(details_are_switched_on_and_off),
        SCENE(replies_tell_when_they_left_if_asked),
        SCENE(so_they_do_where_nobody_asked_for_times_before),
        SCENE(a_batch_with_times_is_a_small_one),
        SCENE(a_reply_may_be_longer_than_its_request),
        SCENE(a_plain_listener_beside_it_is_told_nothing),
        SCENE(a_reply_may_be_longer_where_none_was_before),
        SCENE(a_socket_that_was_handed_over_tells_what_is_asked_for_now),
    };

    return run_scenes(scenes, sizeof scenes / sizeof scenes[0], variants, variant_count,
                      sizeof *variants);
}
