/* What a core does for listeners that speak more than echo: who is answered, what is counted, and
 * loops between two of them. */

#include "unit.h"

#include <apr_siphash.h>

#include "common/echo_plus_packet.h"
#include "core/echo.h"
#include "core/rate_limit.h"
#include "core/service.h"
#include "core/source_ports.h"
#include "core/stamp.h"
#include "endpoints.h"

#define NOW     apr_time_from_sec(1000)
#define WALL_NS APR_INT64_C(1767225600251520000)

#define SENDER 0xc0000201
#define HERE   0xc6336407
#define THERE  0xc6336408

static const unsigned char key[APR_SIPHASH_KSIZE] = "not a secret";

static apr_int64_t wall_clock(void)
{
    return WALL_NS;
}

/* A server of one listener. */
typedef struct server {
    echo_policy_t policy;
    stamp_policy_t stamp;
    service_t *service;
    echo_t *echo;
    endpoint_t address;
} server_t;

static server_t *serve(protocol_t protocol, apr_uint32_t address, apr_pool_t *pool)
{
    server_t *server = apr_pcalloc(pool, sizeof *server);

    server->stamp = stamp_policy_default;
    server->stamp.sessions = sessions_create(key, pool);
    server->policy = (echo_policy_t){.quota = echo_quota_create(0, pool), .loop_key = key};
    server->policy.stamp = &server->stamp;
    assert_null(source_ports_create(&server->policy.ports, SOURCE_PORTS_DEFAULT, pool));
    server->service = service_create(protocol, pool);
    server->echo = echo_create(&server->policy, NOW, pool);
    server->address = ipv4(address, 862);
    return server;
}

/* What arrives at a server; its data has room for any reply. */
static datagram_t datagram_of(server_t *server, endpoint_t from, unsigned char *data,
                              apr_size_t length)
{
    return (datagram_t){
        .from = from,
        .to = server->address,
        .data = data,
        .length = length,
        .service = server->service,
        .hop_limit = -1,
        .traffic_class = -1,
        .reply_traffic_class = -1,
        .departure_id = -1,
    };
}

static verdict_t answer_by(server_t *server, datagram_t *datagram, int fails, apr_time_t now)
{
    batch_t batch = {.count = 1, .at = {datagram}};
    send_outcome_t outcome = {.sent = 0};

    echo_step(server->echo, &batch, now);
    echo_stamp(server->echo, &batch, wall_clock);
    if (datagram->verdict == VERDICT_ECHO) {
        outcome.sent = !fails;
        outcome.sent_bytes = fails ? 0 : datagram->length;
        outcome.failed[SEND_EPERM] = (unsigned)fails;
    }
    if (outcome.failed[SEND_EPERM] > 0) {
        echo_reply_failed(datagram);
    }
    echo_settle(server->echo, &outcome);
    return datagram->verdict;
}

static verdict_t answer(server_t *server, datagram_t *datagram, apr_time_t now)
{
    return answer_by(server, datagram, 0, now);
}

/* A request of zeros, whose number is `sequence`. */
static verdict_t ask(server_t *server, apr_port_t port, apr_size_t length, unsigned sequence)
{
    unsigned char data[REPLY_ROOM_MIN] = {0};
    datagram_t datagram = datagram_of(server, ipv4(SENDER, port), data, length);

    big_endian_put_32(data, sequence);
    return answer(server, &datagram, NOW);
}

/* Every datagram is counted once, by the core and by its service. */
static void check_accounts(const server_t *server)
{
    counter_totals_t totals = {{0}};
    apr_uint64_t dropped = 0;
    apr_uint64_t dropped_of_service = 0;

    counters_sum(&totals, echo_counters(server->echo));
    for (unsigned i = 0; i < DROP_KINDS; i++) {
        dropped += totals.value[COUNTER_DROPPED + i];
        dropped_of_service += service_value(server->service, SERVICE_DROPPED + i);
    }
    for (unsigned i = 0; i < SEND_ERROR_KINDS; i++) {
        dropped += totals.value[COUNTER_FAILED + i];
    }
    assert_int_equal(totals.value[COUNTER_RECEIVED], totals.value[COUNTER_ECHOED] + dropped);
    assert_int_equal(service_value(server->service, SERVICE_REPLIES), totals.value[COUNTER_ECHOED]);
    assert_int_equal(service_value(server->service, SERVICE_REPLY_BYTES),
                     totals.value[COUNTER_ECHOED_BYTES]);
    assert_true(dropped_of_service <= dropped);
}

static void senders_of_stamp_may_have_low_ports(void **state)
{
    server_t *stamp = serve(PROTOCOL_STAMP, HERE, *state);
    server_t *echo_plus = serve(PROTOCOL_ECHO_PLUS, HERE, *state);

    assert_int_equal(ask(stamp, 7, STAMP_LENGTH, 0), VERDICT_ECHO);
    assert_int_equal(ask(stamp, 862, STAMP_LENGTH, 0), VERDICT_ECHO);
    assert_int_equal(ask(stamp, 0, STAMP_LENGTH, 0), VERDICT_SOURCE_PORT);
    assert_int_equal(ask(echo_plus, 7, ECHO_PLUS_LENGTH, 0), VERDICT_SOURCE_PORT);
    check_accounts(stamp);
}

static void each_reason_to_drop_is_counted(void **state)
{
    server_t *server = serve(PROTOCOL_STAMP, HERE, *state);

    assert_int_equal(ask(server, 40000, 13, 0), VERDICT_STAMP_LENGTH);
    assert_int_equal(ask(server, 40000, 14, 0), VERDICT_ECHO);
    server->stamp.answers_short = 0;
    assert_int_equal(ask(server, 40000, 43, 0), VERDICT_STAMP_SHORT);
    assert_int_equal(ask(server, 40000, 44, 0), VERDICT_ECHO);
    server->stamp.is_strict = 1;
    assert_int_equal(ask(server, 40000, 44, 0), VERDICT_STAMP_ERROR_ESTIMATE);
    server->stamp.is_authenticated = 1;
    server->stamp.is_strict = 0;
    assert_int_equal(ask(server, 40000, 44, 0), VERDICT_STAMP_LENGTH);
    assert_int_equal(ask(server, 40000, 112, 0), VERDICT_STAMP_KEY);
    assert_int_equal(service_value(server->service, SERVICE_DROPPED + VERDICT_STAMP_LENGTH), 2);
    assert_int_equal(service_value(server->service, SERVICE_REQUESTS), 3);
    assert_int_equal(service_value(server->service, SERVICE_REPLIES), 2);
    check_accounts(server);
}

static void a_short_request_costs_what_its_reply_has(void **state)
{
    server_t *server = serve(PROTOCOL_STAMP, HERE, *state);

    ask(server, 40000, 14, 0);
    assert_int_equal(service_value(server->service, SERVICE_REQUEST_BYTES), 14);
    assert_int_equal(service_value(server->service, SERVICE_REPLY_BYTES), 44);
}

/* The same request again and again is no loop here. */
static void a_sender_of_stamp_may_repeat_itself(void **state)
{
    server_t *server = serve(PROTOCOL_STAMP, HERE, *state);

    for (unsigned i = 0; i < 20000; i++) {
        assert_int_equal(ask(server, 40000, STAMP_LENGTH, 5), VERDICT_ECHO);
    }
}

static void limits_and_failed_sends_are_failures_of_echo_plus(void **state)
{
    server_t *server = serve(PROTOCOL_ECHO_PLUS, HERE, *state);
    unsigned char data[REPLY_ROOM_MIN] = {0};
    datagram_t datagram = datagram_of(server, ipv4(SENDER, 40000), data, ECHO_PLUS_LENGTH);

    server->policy.per_source = rate_limit_create(1000, key, NOW, *state);
    answer_by(server, &datagram, 1, NOW);
    memset(data, 0, sizeof data);
    assert_int_equal(answer(server, &datagram, NOW), VERDICT_ECHO);
    assert_int_equal(big_endian_32(data + ECHO_PLUS_RESPONSE_SEQUENCE), 1);
    assert_int_equal(big_endian_32(data + ECHO_PLUS_REPLY_FAILURES), 1);

    apr_uint64_t limited = 0;

    for (unsigned i = 0; i < 3000; i++) {
        memset(data, 0, sizeof data);
        big_endian_put_32(data, i);
        limited += answer(server, &datagram, NOW) == VERDICT_RATE_LIMITED;
    }
    assert_true(limited > 0);
    assert_int_equal(service_value(server->service, SERVICE_FAILURES), 1 + limited);
    check_accounts(server);
    memset(data, 0, sizeof data);
    datagram.drops = UINT32_MAX; /* so that all but one of them wrap around */
    assert_int_equal(answer(server, &datagram, NOW + apr_time_from_sec(2)), VERDICT_ECHO);
    assert_int_equal(big_endian_32(data + ECHO_PLUS_REPLY_FAILURES), limited);
}

/* What is shorter is plain echo, whatever becomes of it. */
static void what_has_no_number_is_no_failure_of_echo_plus(void **state)
{
    server_t *server = serve(PROTOCOL_ECHO_PLUS, HERE, *state);
    unsigned char data[REPLY_ROOM_MIN] = {0};
    datagram_t datagram = datagram_of(server, ipv4(SENDER, 40000), data, ECHO_PLUS_LENGTH_MIN - 1);

    server->policy.per_source = rate_limit_create(1000, key, NOW, *state);
    answer_by(server, &datagram, 1, NOW);
    for (unsigned i = 0; i < 3000; i++) {
        big_endian_put_32(data, i);
        answer(server, &datagram, NOW);
    }
    assert_true(service_value(server->service, SERVICE_DROPPED + VERDICT_RATE_LIMITED) > 0);
    datagram.length = ECHO_PLUS_LENGTH;
    assert_int_equal(answer(server, &datagram, NOW + apr_time_from_sec(2)), VERDICT_ECHO);
    assert_int_equal(big_endian_32(data + ECHO_PLUS_RESPONSE_SEQUENCE), 1);
    assert_int_equal(big_endian_32(data + ECHO_PLUS_REPLY_FAILURES), 0);
    check_accounts(server);
}

/* A batch may have come by several listeners, and its replies may fail later. */
static void a_failed_reply_is_its_own_service_s(void **state)
{
    server_t *server = serve(PROTOCOL_STAMP, HERE, *state);
    service_t *services[] = {server->service, service_create(PROTOCOL_ECHO_PLUS, *state), NULL};
    unsigned char data[3][REPLY_ROOM_MIN] = {{0}};
    datagram_t datagrams[3];
    batch_t batch = {.count = 3};

    for (unsigned i = 0; i < 3; i++) {
        datagrams[i] = datagram_of(server, ipv4(SENDER, 40000), data[i], ECHO_PLUS_LENGTH + i);
        datagrams[i].service = services[i];
        batch.at[i] = &datagrams[i];
    }
    echo_step(server->echo, &batch, NOW);
    echo_stamp(server->echo, &batch, wall_clock);
    echo_settle(server->echo, &(send_outcome_t){.sent = 1});
    echo_reply_failed(&datagrams[1]);
    echo_reply_failed(&datagrams[2]);
    assert_int_equal(service_value(services[0], SERVICE_REPLIES), 1);
    assert_int_equal(service_value(services[0], SERVICE_REPLY_BYTES), STAMP_LENGTH);
    assert_int_equal(service_value(services[0], SERVICE_FAILURES), 0);
    assert_int_equal(service_value(services[1], SERVICE_REPLIES), 0);
    assert_int_equal(service_value(services[1], SERVICE_REPLY_BYTES), 0);
    assert_int_equal(service_value(services[1], SERVICE_FAILURES), 1);
    assert_int_equal(atomic_load(&services[1]->responses), 0);
}

static void echoes_have_the_dscp_of_their_requests_if_asked(void **state)
{
    server_t *server = serve(PROTOCOL_ECHO_PLUS, HERE, *state);
    unsigned char data[REPLY_ROOM_MIN] = {0};
    datagram_t datagram = datagram_of(server, ipv4(SENDER, 40000), data, 10);

    datagram.service = NULL;
    datagram.traffic_class = 46 << 2 | 3;
    answer(server, &datagram, NOW);
    assert_int_equal(datagram.reply_traffic_class, -1);
    server->policy.mirror_dscp = 1;
    answer(server, &datagram, NOW);
    assert_int_equal(datagram.reply_traffic_class, 46 << 2);
}

/* ---- Departures ---- */

/* A packet of one session, with Follow-Up Telemetry if it is to; where that TLV's value is. */
static datagram_t packet(server_t *server, unsigned char *data, int has_follow_up)
{
    memset(data, 0, REPLY_ROOM_MIN);
    data[STAMP_LENGTH + 1] = STAMP_TLV_FOLLOW_UP_TELEMETRY;
    data[STAMP_LENGTH + 3] = 16;
    return datagram_of(server, ipv4(SENDER, 40000), data,
                       has_follow_up ? STAMP_LENGTH + STAMP_TLV_HEADER + 16 : STAMP_LENGTH);
}

static void the_follow_up_is_when_the_reply_before_left(void **state)
{
    server_t *server = serve(PROTOCOL_STAMP, HERE, *state);
    unsigned char data[REPLY_ROOM_MIN];
    const unsigned char *follow_up = data + STAMP_LENGTH + STAMP_TLV_HEADER;

    server->stamp.is_stateful = 1;
    for (apr_int64_t late = 0; late < 10; late++) {
        datagram_t datagram = packet(server, data, 1);

        assert_int_equal(answer(server, &datagram, NOW), VERDICT_ECHO);
        if (late > 0) {
            assert_int_equal(big_endian_32(follow_up), late - 1);
            assert_true(big_endian_64(follow_up + 4) ==
                        stamp_policy_time(&server->stamp, wall_clock() + late - 1));
        }
        assert_in_range(datagram.departure_id, 0, UINT32_MAX);
        departure_t departure = {(apr_uint32_t)datagram.departure_id, wall_clock() + late};

        echo_departed(server->echo, &departure, 1);
    }
}

static void only_what_is_told_later_is_asked_for(void **state)
{
    server_t *server = serve(PROTOCOL_STAMP, HERE, *state);
    unsigned char data[REPLY_ROOM_MIN];

    for (unsigned i = 0; i < 4; i++) {
        datagram_t datagram = packet(server, data, i & 1);

        server->stamp.is_stateful = i >> 1 & 1;
        assert_int_equal(answer(server, &datagram, NOW), VERDICT_ECHO);
        assert_int_equal(datagram.departure_id != -1, i == 3);
    }
}

/* ---- Loops ---- */

/* Lets a datagram go round between two servers, each way in a millisecond, until one does not
 * answer; returns how often it was answered in three seconds at most. */
static unsigned go_round(server_t *here, server_t *there, unsigned char *data, apr_size_t length)
{
    server_t *servers[] = {here, there};
    apr_time_t now = NOW;
    unsigned answers = 0;
    endpoint_t from = there->address;

    for (; now < NOW + apr_time_from_sec(3); now += 1000) {
        server_t *server = servers[answers % 2];
        datagram_t datagram = datagram_of(server, from, data, length);

        if (answer(server, &datagram, now) != VERDICT_ECHO) {
            return answers;
        }
        length = datagram.length;
        from = server->address;
        answers++;
    }
    return answers;
}

static void check_loop(server_t *here, server_t *there, apr_size_t length)
{
    unsigned char data[REPLY_ROOM_MIN] = {0};

    big_endian_put_32(data, 77);
    assert_in_range(go_round(here, there, data, length), 1, 2 * 16 + 2);
    check_accounts(here);
    check_accounts(there);
}

static void two_reflectors_do_not_keep_a_packet_alive(void **state)
{
    apr_pool_t *pool = *state;

    for (unsigned i = 0; i < 4; i++) {
        server_t *here = serve(PROTOCOL_STAMP, HERE, pool);
        server_t *there = serve(PROTOCOL_STAMP, THERE, pool);

        here->stamp.is_stateful = i & 1;
        there->stamp.is_stateful = i >> 1 & 1;
        check_loop(here, there, STAMP_LENGTH);
    }
}

/* Their numbers are never the same. */
static void stateful_reflectors_do_not_keep_a_packet_alive(void **state)
{
    server_t *here = serve(PROTOCOL_STAMP, HERE, *state);
    server_t *there = serve(PROTOCOL_STAMP, THERE, *state);
    unsigned char data[REPLY_ROOM_MIN];

    here->stamp.is_stateful = 1;
    there->stamp.is_stateful = 1;
    for (unsigned i = 0; i < 5; i++) {
        datagram_t datagram = datagram_of(here, there->address, data, STAMP_LENGTH);

        memset(data, 0, sizeof data);
        assert_int_equal(answer(here, &datagram, NOW), VERDICT_ECHO);
    }
    check_loop(here, there, STAMP_LENGTH);
}

static void servers_of_two_protocols_do_not_keep_a_packet_alive(void **state)
{
    protocol_t protocols[] = {PROTOCOL_STAMP, PROTOCOL_ECHO_PLUS};

    for (unsigned i = 0; i < 4; i++) {
        server_t *here = serve(protocols[i & 1], HERE, *state);
        server_t *there = serve(protocols[i >> 1 & 1], THERE, *state);

        here->policy.ports = NULL;
        there->policy.ports = NULL;
        check_loop(here, there, STAMP_LENGTH);
    }
}

/* Padding of TWAMP Light is no reply, whatever is in it and however much of it there is. */
static void padding_does_not_look_like_a_reply(void **state)
{
    static const apr_size_t lengths[] = {15, 22, 35, 41};
    server_t *server = serve(PROTOCOL_STAMP, HERE, *state);
    unsigned char data[REPLY_ROOM_MIN];

    for (unsigned i = 0; i < 4000; i++) {
        datagram_t datagram = datagram_of(server, ipv4(SENDER, 40000), data, lengths[i / 2 % 4]);

        memset(data, i % 2 == 0 ? 0 : 0xa5, sizeof data);
        big_endian_put_32(data, i);
        assert_int_equal(answer(server, &datagram, NOW), VERDICT_ECHO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(senders_of_stamp_may_have_low_ports),
        scene(each_reason_to_drop_is_counted),
        scene(a_short_request_costs_what_its_reply_has),
        scene(a_sender_of_stamp_may_repeat_itself),
        scene(limits_and_failed_sends_are_failures_of_echo_plus),
        scene(what_has_no_number_is_no_failure_of_echo_plus),
        scene(a_failed_reply_is_its_own_service_s),
        scene(echoes_have_the_dscp_of_their_requests_if_asked),
        scene(the_follow_up_is_when_the_reply_before_left),
        scene(only_what_is_told_later_is_asked_for),
        scene(two_reflectors_do_not_keep_a_packet_alive),
        scene(stateful_reflectors_do_not_keep_a_packet_alive),
        scene(servers_of_two_protocols_do_not_keep_a_packet_alive),
        scene(padding_does_not_look_like_a_reply),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
