/* What is answered to a scrape, by an HTTP server that a test asks in place of a network. */

#include "unit.h"

#include "common/prometheus.h"
#include "scripted_workers.h"
#include "served_http.h"
#include "server/observe/metrics.h"
#include "server/observe/metrics_text.h"

typedef struct opened {
    scripted_t *scripted;
    apr_socket_t *listening;
    const char *step;
    apr_status_t status;
} opened_t;

static opened_t open_pages(const char *where, metrics_pages_t pages, apr_pool_t *pool)
{
    apr_array_header_t *inherited = apr_array_make(pool, 1, sizeof(apr_os_sock_t));
    opened_t opened = {.scripted =
                           script_workers(apr_array_make(pool, 1, sizeof(listener_t *)), pool)};
    http_t *http;

    opened.status = metrics_open(&http, &opened.listening, where, pages, inherited,
                                 &opened.scripted->source, &opened.step, pool);
    return opened;
}

static opened_t open_metrics(const char *where, apr_pool_t *pool)
{
    return open_pages(where, METRICS_PAGES_ALL, pool);
}

static void assert_has(const char *text, const char *line)
{
    if (strstr(text, line) == NULL) {
        fail_msg("no \"%s\" in:\n%s", line, text);
    }
}

static void it_is_served_by_the_socket_that_listens(void **state)
{
    apr_os_sock_t descriptor;
    apr_sockaddr_t *address;

    served.status = APR_SUCCESS;
    opened_t opened = open_metrics("127.0.0.1:0", *state);

    assert_int_equal(opened.status, APR_SUCCESS);
    apr_os_sock_get(&descriptor, opened.listening);
    assert_true(served.listening == descriptor);
    assert_int_equal(apr_socket_addr_get(&address, APR_LOCAL, opened.listening), APR_SUCCESS);
    assert_int_not_equal(address->port, 0);
}

static void a_scrape_with_nothing_counted_has_every_counter(void **state)
{
    served.status = APR_SUCCESS;
    open_metrics("127.0.0.1:0", *state);
    http_answer_t answer = get("/metrics", *state);

    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.type, PROMETHEUS_TYPE);
    assert_has(answer.body, "\nudpechod_received_datagrams_total 0\n");
    assert_has(answer.body, "\nudpechod_dropped_datagrams_total{reason=\"loop\"} 0\n");
    assert_has(answer.body, "\nudpechod_send_errors_total{error=\"other\"} 0\n");
    assert_has(answer.body, "\nudpechod_service_seconds_bucket{le=\"+Inf\"} 0\n");
    assert_has(answer.body, "\nudpechod_service_seconds_sum 0.000000\n");
    assert_has(answer.body, "\nudpechod_healthy 1\n");
}

static void the_next_scrape_has_what_was_counted_meanwhile(void **state)
{
    served.status = APR_SUCCESS;
    opened_t opened = open_metrics("127.0.0.1:0", *state);

    get("/metrics", *state);
    counters_add(echo_counters(opened.scripted->workers[1].echo), COUNTER_ECHOED, 3);
    assert_has(get("/metrics", *state).body, "\nudpechod_sent_datagrams_total 3\n");
}

static void health_is_told_by_the_status_and_in_words(void **state)
{
    served.status = APR_SUCCESS;
    opened_t opened = open_metrics("127.0.0.1:0", *state);
    http_answer_t answer = get("/healthz", *state);

    assert_int_equal(answer.status, 200);
    assert_string_equal(answer.body, "ok\n");
    opened.scripted->workers[0].is_draining = 1;
    answer = get("/healthz", *state);
    assert_int_equal(answer.status, 503);
    assert_string_equal(answer.body, "draining\n");
    assert_has(get("/metrics", *state).body, "\nudpechod_healthy 0\n");
}

static void assert_ready(const char *expected, apr_pool_t *pool)
{
    http_answer_t answer = get("/readyz", pool);

    assert_int_equal(answer.status, strcmp(expected, "ready\n") == 0 ? 200 : 503);
    assert_string_equal(answer.body, expected);
    assert_has(get("/metrics", pool).body,
               answer.status == 200 ? "\nudpechod_ready 1\n" : "\nudpechod_ready 0\n");
}

static void readiness_is_told_apart_from_health(void **state)
{
    served.status = APR_SUCCESS;
    opened_t opened = open_metrics("127.0.0.1:0", *state);
    readiness_source_t *source = &opened.scripted->source.readiness;

    assert_ready("ready\n", *state);
    atomic_store(&source->is_drained, 1);
    assert_ready("drained\n", *state);
    atomic_store(&source->is_lame_duck, 1);
    assert_ready("lame-duck\n", *state);
    assert_int_equal(get("/healthz", *state).status, 200);
    opened.scripted->workers[1].is_draining = 1;
    assert_ready("draining\n", *state);
    assert_int_equal(get("/healthz", *state).status, 503);
}

static void pages_of_health_have_no_counters(void **state)
{
    served.status = APR_SUCCESS;
    open_pages("127.0.0.1:0", METRICS_PAGES_HEALTH, *state);
    assert_int_equal(get("/healthz", *state).status, 200);
    assert_int_equal(get("/readyz", *state).status, 200);
    assert_int_equal(get("/metrics", *state).status, 404);
    assert_string_equal(get("/metrics", *state).body, "there are /healthz and /readyz\n");
}

static void another_path_is_not_found(void **state)
{
    served.status = APR_SUCCESS;
    open_metrics("127.0.0.1:0", *state);
    assert_int_equal(get("/", *state).status, 404);
    assert_int_equal(get("/metrics/", *state).status, 404);
    assert_string_equal(get("/", *state).body, "there are /metrics, /healthz and /readyz\n");
}

static void errors_say_what_failed(void **state)
{
    served.status = APR_ENOTIMPL;
    opened_t opened = open_metrics("127.0.0.1:0", *state);

    assert_int_equal(opened.status, APR_ENOTIMPL);
    assert_string_equal(opened.step, "start HTTP");
    opened = open_metrics("127.0.0.1", *state);
    assert_int_equal(opened.status, APR_EINVAL);
    assert_string_equal(opened.step, "look up the address");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(it_is_served_by_the_socket_that_listens),
        scene(a_scrape_with_nothing_counted_has_every_counter),
        scene(the_next_scrape_has_what_was_counted_meanwhile),
        scene(health_is_told_by_the_status_and_in_words),
        scene(readiness_is_told_apart_from_health),
        scene(pages_of_health_have_no_counters),
        scene(another_path_is_not_found),
        scene(errors_say_what_failed),
    };

    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
