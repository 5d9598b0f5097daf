#include "details_fixture.h"

#include <apr_poll.h>
#include <apr_portable.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "readiness/control_message.h"
#include "readiness/details.h"
#include "readiness/socket_options.h"
#include "udpecho/clock.h"

struct service service;

const char *const addresses[ADDRESSES] = {"127.0.0.1", "::1", "0.0.0.0", "::"};

int family_of(const char *address)
{
    return strchr(address, ':') != NULL ? AF_INET6 : AF_INET;
}

int descriptor_of(apr_socket_t *socket)
{
    apr_os_sock_t descriptor;

    apr_os_sock_get(&descriptor, socket);
    return descriptor;
}

void set_client_class(const fixture_t *fixture, int family, int traffic_class)
{
    assert_int_equal(set_traffic_class(descriptor_of(fixture->client), family, traffic_class), 0);
}

int told(const fixture_t *fixture, feature_t feature, int value)
{
    return platform_has(&fixture->platform, feature) ? value : -1;
}

void receive_one(fixture_t *fixture, batch_t *batch)
{
    assert_int_equal(receive(fixture, batch), APR_SUCCESS);
    assert_int_equal(batch->count, 1);
}

void ask(fixture_t *fixture, batch_t *batch)
{
    client_send(fixture, "x", 1);
    receive_one(fixture, batch);
}

void read_reply(fixture_t *fixture, int family, datagram_t *reply)
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

void have_replies_tell(const fixture_t *fixture, int family)
{
    assert_int_equal(report_hop_limit(descriptor_of(fixture->client), family, 1), 0);
    report_traffic_class(descriptor_of(fixture->client), family, 1);
}

void assert_told(const fixture_t *fixture, const datagram_t *datagram, unsigned details)
{
    int has_times = (details & DETAIL_TIMES) != 0;

    assert_int_equal(datagram->arrived != 0, has_times);
    assert_int_equal(datagram->hop_limit >= 0,
                     has_times && platform_has(&fixture->platform, FEATURE_HOP_LIMIT));
    assert_int_equal(datagram->traffic_class,
                     details != 0 ? told(fixture, FEATURE_TRAFFIC_CLASS, CLASS) : -1);
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

void check_departures(fixture_t *fixture)
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

/* ---- Datagrams that come together ---- */

void send_together(fixture_t *fixture)
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

void check_long_replies(fixture_t *fixture)
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
