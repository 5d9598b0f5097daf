#include "unit.h"

#include "endpoints.h"
#include "server/observe/metrics_text.h"

/* A status without listeners, everything at 0. */
static status_t quiet(apr_pool_t *pool)
{
    return (status_t){
        .listeners = apr_array_make(pool, 1, sizeof(listener_info_t)),
        .services = apr_array_make(pool, 1, sizeof(service_reading_t)),
        .backend = "epoll",
        .batching = "recvmmsg/sendmmsg",
    };
}

static void assert_has_line(const char *text, const char *line)
{
    const char *found = strstr(text, line);

    if (found == NULL || found[strlen(line)] != '\n' || (found > text && found[-1] != '\n')) {
        fail_msg("no line \"%s\" in:\n%s", line, text);
    }
}

static void every_counter_has_its_line(void **state)
{
    status_t status = quiet(*state);

    for (unsigned i = 0; i < COUNTER_KINDS; i++) {
        status.totals.value[i] = 100 + i;
    }
    const char *text = metrics_text(&status, *state);

    for (unsigned i = 0; i < COUNTER_KINDS; i++) {
        char value[] = " 100\n";

        /* What no verdict stands for is not told. */
        if (i == COUNTER_DROPPED) {
            continue;
        }
        value[2] = (char)('0' + i / 10);
        value[3] = (char)('0' + i % 10);
        assert_non_null(strstr(text, value));
    }
}

static void names_become_labels(void **state)
{
    status_t status = quiet(*state);

    status.totals.value[COUNTER_DROPPED + VERDICT_RATE_LIMITED] = 5;
    status.totals.value[COUNTER_FAILED + SEND_EPERM] = 6;
    const char *text = metrics_text(&status, *state);

    assert_has_line(text, "# TYPE udpechod_dropped_datagrams_total counter");
    assert_has_line(text, "udpechod_dropped_datagrams_total{reason=\"rate_limited\"} 5");
    assert_has_line(text, "udpechod_dropped_datagrams_total{reason=\"truncated\"} 0");
    assert_has_line(text, "udpechod_send_errors_total{error=\"EPERM\"} 6");
}

static void what_the_system_does_not_tell_is_left_out(void **state)
{
    status_t status = quiet(*state);

    assert_null(strstr(metrics_text(&status, *state), "udpechod_kernel"));
    status.has_kernel_drops = 1;
    status.kernel_drops = 7;
    assert_has_line(metrics_text(&status, *state), "udpechod_kernel_dropped_datagrams_total 7");
}

static void the_histogram_is_cumulative(void **state)
{
    status_t status = quiet(*state);

    status.service_times.datagrams[0] = 1;                   /* up to 1 us */
    status.service_times.datagrams[2] = 2;                   /* up to 5 us */
    status.service_times.datagrams[SERVICE_TIME_BOUNDS] = 4; /* above a second */
    status.service_times.total_us = 5000011;
    const char *text = metrics_text(&status, *state);

    assert_has_line(text, "udpechod_service_seconds_bucket{le=\"0.000001\"} 1");
    assert_has_line(text, "udpechod_service_seconds_bucket{le=\"0.000002\"} 1");
    assert_has_line(text, "udpechod_service_seconds_bucket{le=\"0.000005\"} 3");
    assert_has_line(text, "udpechod_service_seconds_bucket{le=\"1.000000\"} 3");
    assert_has_line(text, "udpechod_service_seconds_bucket{le=\"+Inf\"} 7");
    assert_has_line(text, "udpechod_service_seconds_sum 5.000011");
    assert_has_line(text, "udpechod_service_seconds_count 7");
}

static void the_service_is_described(void **state)
{
    status_t status = quiet(*state);
    apr_array_header_t *listeners = apr_array_make(*state, 1, sizeof(listener_info_t));
    apr_array_header_t *services = apr_array_make(*state, 1, sizeof(service_reading_t));

    APR_ARRAY_PUSH(listeners, listener_info_t) = (listener_info_t){
        .local = ipv4(0x7f000001, 7), .sharing = SHARING_ONE_SOCKET, .reason = SHARING_OFF};
    APR_ARRAY_PUSH(services, service_reading_t) = (service_reading_t){.protocol = PROTOCOL_ECHO};
    status.listeners = listeners;
    status.services = services;
    status.started = APR_INT64_C(1600000000000001);
    status.health = HEALTH_STALLED;
    status.workers = 3;
    status.reload_failures = 2;
    const char *text = metrics_text(&status, *state);

    assert_has_line(text,
                    "udpechod_listener_info{address=\"127.0.0.1:7\",protocol=\"echo\",sharing="
                    "\"shared socket\",because=\"--reuse-port=off\"} 1");
    assert_has_line(text,
                    "udpechod_transport_info{backend=\"epoll\",batching=\"recvmmsg/sendmmsg\"} 1");
    assert_has_line(text, "process_start_time_seconds 1600000000.000001");
    assert_has_line(text, "udpechod_healthy 0");
    assert_has_line(text, "udpechod_workers 3");
    assert_has_line(text, "udpechod_reload_failures_total 2");
}

static void what_is_no_plain_echo_is_counted_by_listener(void **state)
{
    status_t status = quiet(*state);
    apr_array_header_t *listeners = apr_array_make(*state, 1, sizeof(listener_info_t));
    apr_array_header_t *services = apr_array_make(*state, 1, sizeof(service_reading_t));

    assert_null(strstr(metrics_text(&status, *state), "udpechod_listener_requests_total"));
    for (unsigned i = 0; i < PROTOCOLS; i++) {
        service_reading_t *service = apr_array_push(services);

        APR_ARRAY_PUSH(listeners, listener_info_t) = (listener_info_t){
            .local = ipv4(0x7f000001, (apr_port_t)(7 + i)), .reason = SHARING_OFF};
        *service = (service_reading_t){.protocol = (protocol_t)i};
        service->value[SERVICE_REQUESTS] = 10 + i;
        service->value[SERVICE_DROPPED + VERDICT_LOOP] = 20 + i;
    }
    status.listeners = listeners;
    status.services = services;
    status.sessions = 5;
    const char *text = metrics_text(&status, *state);

    assert_has_line(text, "udpechod_listener_requests_total{listener=\"127.0.0.1:8\",protocol="
                          "\"stamp\"} 11");
    assert_has_line(text, "udpechod_listener_requests_total{listener=\"127.0.0.1:9\",protocol="
                          "\"echo-plus\"} 12");
    assert_has_line(text, "udpechod_listener_dropped_datagrams_total{listener=\"127.0.0.1:9\","
                          "protocol=\"echo-plus\",reason=\"loop\"} 22");
    assert_has_line(text, "udpechod_stamp_sessions 5");
    assert_null(strstr(text, "{listener=\"127.0.0.1:7\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(every_counter_has_its_line),
        scene(names_become_labels),
        scene(what_the_system_does_not_tell_is_left_out),
        scene(the_histogram_is_cumulative),
        scene(the_service_is_described),
        scene(what_is_no_plain_echo_is_counted_by_listener),
    };

    return cmocka_run_group_tests_name("text of metrics", tests, NULL, NULL);
}
