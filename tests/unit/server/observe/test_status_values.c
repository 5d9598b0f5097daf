#include "unit.h"

#include "endpoints.h"
#include "server/listen/listeners.h"
#include "server/observe/status_values.h"

/* The status of a service at one address, 127.0.0.1:7. */
static status_t some_status(apr_pool_t *pool)
{
    apr_array_header_t *listeners = apr_array_make(pool, 1, sizeof(listener_info_t));

    APR_ARRAY_PUSH(listeners, listener_info_t) = (listener_info_t){
        .local = ipv4(0x7f000001, 7), .sharing = SHARING_ONE_SOCKET, .reason = SHARING_OFF};
    apr_array_header_t *services = apr_array_make(pool, 1, sizeof(service_reading_t));

    APR_ARRAY_PUSH(services, service_reading_t) = (service_reading_t){.protocol = PROTOCOL_ECHO};
    return (status_t){
        .listeners = listeners,
        .services = services,
        .backend = "epoll",
        .batching = "single/single",
        .started = APR_INT64_C(1600000000000001),
        .health = HEALTH_DEGRADED,
        .workers = 3,
    };
}

/* Adds a listener of another protocol to it. */
static void add_listener(status_t *status, protocol_t protocol, apr_port_t port)
{
    apr_array_header_t *listeners = (apr_array_header_t *)status->listeners;
    apr_array_header_t *services = (apr_array_header_t *)status->services;
    service_reading_t *service = apr_array_push(services);

    APR_ARRAY_PUSH(listeners, listener_info_t) =
        (listener_info_t){.local = ipv4(0x7f000001, port), .reason = SHARING_OFF};
    *service = (service_reading_t){.protocol = protocol};
    service->value[SERVICE_REQUESTS] = port + 1U;
    service->value[SERVICE_REPLIES] = port + 2U;
    service->value[SERVICE_REPLY_BYTES] = port + 3U;
    service->value[SERVICE_DROPPED + VERDICT_LOOP] = 4;
    service->value[SERVICE_DROPPED + VERDICT_ACCESS] = 5;
    service->first_request = APR_INT64_C(1600000000000001);
}

static apr_array_header_t *values_of(const status_t *status, apr_pool_t *pool)
{
    apr_array_header_t *values = apr_array_make(pool, 1, sizeof(name_value_t));

    status_values(values, status, pool);
    return values;
}

static const char *words_of(const apr_array_header_t *values, const char *name, apr_pool_t *pool)
{
    const name_value_t *value = name_values_find(values, name);

    assert_non_null(value);
    return name_value_words(value, pool);
}

static void the_service_is_described(void **state)
{
    status_t status = some_status(*state);
    apr_array_header_t *values = values_of(&status, *state);

    assert_string_equal(words_of(values, "health", *state), "degraded");
    assert_string_equal(words_of(values, "ready", *state), "true");
    assert_null(name_values_find(values, "not_ready_because"));
    assert_string_equal(words_of(values, "started", *state), "2020-09-13T12:26:40.000001Z");
    assert_string_equal(words_of(values, "workers", *state), "3");
    assert_string_equal(words_of(values, "backend", *state), "epoll");
    assert_string_equal(words_of(values, "listening", *state), "127.0.0.1:7");
    assert_string_equal(words_of(values, "port_sharing", *state), "shared socket");
    assert_string_equal(words_of(values, "because", *state), "--reuse-port=off");
}

static void one_that_is_not_ready_says_why(void **state)
{
    status_t status = some_status(*state);

    status.readiness = READINESS_LAME_DUCK;
    apr_array_header_t *values = values_of(&status, *state);

    assert_string_equal(words_of(values, "ready", *state), "false");
    assert_string_equal(words_of(values, "not_ready_because", *state), "lame-duck");
}

static void every_counter_has_its_value(void **state)
{
    status_t status = some_status(*state);

    for (unsigned i = 0; i < COUNTER_KINDS; i++) {
        status.totals.value[i] = 100 + i;
    }
    status.has_kernel_drops = 1;
    status.kernel_drops = 200;
    status.reload_failures = 201;
    apr_array_header_t *values = values_of(&status, *state);

    for (unsigned i = 0; i < COUNTER_KINDS; i++) {
        assert_int_equal(name_values_find(values, counter_row(i)->name)->number, 100 + i);
    }
    assert_string_equal(words_of(values, counter_row(COUNTER_KERNEL_DROPS)->name, *state), "200");
    assert_string_equal(words_of(values, counter_row(COUNTER_RELOAD_FAILURES)->name, *state),
                        "201");
}

static void what_the_system_does_not_count_is_left_out(void **state)
{
    status_t status = some_status(*state);
    apr_array_header_t *values = values_of(&status, *state);

    assert_null(name_values_find(values, counter_row(COUNTER_KERNEL_DROPS)->name));
}

static void service_times_are_cumulative(void **state)
{
    status_t status = some_status(*state);

    status.service_times.datagrams[0] = 1;                   /* up to 1 us */
    status.service_times.datagrams[3] = 2;                   /* up to 10 us */
    status.service_times.datagrams[SERVICE_TIME_BOUNDS] = 4; /* above a second */
    status.service_times.total_us = 5000011;
    apr_array_header_t *values = values_of(&status, *state);

    assert_string_equal(words_of(values, "service_within_1us", *state), "1");
    assert_string_equal(words_of(values, "service_within_5us", *state), "1");
    assert_string_equal(words_of(values, "service_within_10us", *state), "3");
    assert_string_equal(words_of(values, "service_within_1000000us", *state), "3");
    assert_string_equal(words_of(values, "service_us_total", *state), "5000011");
}

static void a_reflector_is_told_with_its_sessions(void **state)
{
    status_t status = some_status(*state);

    assert_null(name_values_find(values_of(&status, *state), "stamp_sessions"));
    add_listener(&status, PROTOCOL_STAMP, 1000);
    add_listener(&status, PROTOCOL_STAMP, 2000);
    status.sessions = 7;
    status.sessions_evicted = 8;
    apr_array_header_t *values = values_of(&status, *state);

    assert_string_equal(words_of(values, "protocol", *state), "echo,stamp,stamp");
    assert_string_equal(words_of(values, "stamp_listening", *state),
                        "127.0.0.1:1000,127.0.0.1:2000");
    assert_string_equal(words_of(values, "stamp_requests", *state), "1001,2001");
    assert_string_equal(words_of(values, "stamp_replies", *state), "1002,2002");
    assert_string_equal(words_of(values, "stamp_dropped", *state), "9,9");
    assert_int_equal(name_values_find(values, "stamp_sessions")->number, 7);
    assert_int_equal(name_values_find(values, "stamp_sessions_evicted")->number, 8);
    assert_null(name_values_find(values, "UDPEchoConfig"));
}

static void udpechoplus_is_told_by_the_names_of_its_data_model(void **state)
{
    status_t status = some_status(*state);

    add_listener(&status, PROTOCOL_ECHO_PLUS, 1000);
    apr_array_header_t *values = values_of(&status, *state);

    assert_null(name_values_find(values, "stamp_listening"));
    assert_string_equal(words_of(values, "UDPEchoConfig", *state), "127.0.0.1:1000");
    assert_string_equal(words_of(values, "EchoPlusEnabled", *state), "true");
    assert_string_equal(words_of(values, "UDPPort", *state), "1000");
    assert_string_equal(words_of(values, "PacketsReceived", *state), "1001");
    assert_string_equal(words_of(values, "PacketsResponded", *state), "1002");
    assert_string_equal(words_of(values, "BytesResponded", *state), "1003");
    assert_string_equal(words_of(values, "TimeFirstPacketReceived", *state),
                        "2020-09-13T12:26:40.000001Z");
    assert_string_equal(words_of(values, "TimeLastPacketReceived", *state), "0001-01-01T00:00:00Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_service_is_described),
        scene(one_that_is_not_ready_says_why),
        scene(a_reflector_is_told_with_its_sessions),
        scene(udpechoplus_is_told_by_the_names_of_its_data_model),
        scene(every_counter_has_its_value),
        scene(what_the_system_does_not_count_is_left_out),
        scene(service_times_are_cumulative),
    };

    return cmocka_run_group_tests_name("values of a status", tests, NULL, NULL);
}
