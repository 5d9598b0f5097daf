#include "common/prometheus.h"
#include "unit.h"

static void samples_follow_their_metric(void **state)
{
    prometheus_t text = prometheus_create(*state);

    prometheus_begin(&text, "sent_total", "counter", "Datagrams sent.");
    prometheus_number(&text, "sent_total{peer=\"a\"}", 3);
    prometheus_number(&text, "sent_total{peer=\"b\"}", APR_UINT64_MAX);
    prometheus_begin(&text, "start_seconds", "gauge", "When it started.");
    prometheus_seconds(&text, "start_seconds", APR_INT64_C(1600000000000001));
    assert_string_equal(prometheus_text(&text), "# HELP sent_total Datagrams sent.\n"
                                                "# TYPE sent_total counter\n"
                                                "sent_total{peer=\"a\"} 3\n"
                                                "sent_total{peer=\"b\"} 18446744073709551615\n"
                                                "# HELP start_seconds When it started.\n"
                                                "# TYPE start_seconds gauge\n"
                                                "start_seconds 1600000000.000001\n");
}

static const apr_interval_time_t bounds[] = {1, 64, APR_USEC_PER_SEC};
static const apr_uint64_t counts[] = {1, 0, 2, 4};
static const prometheus_histogram_t histogram = {3, bounds, counts, 5000011};

static void the_buckets_of_a_histogram_are_cumulative(void **state)
{
    prometheus_t text = prometheus_create(*state);

    prometheus_histogram(&text, "took_seconds", "", &histogram);
    assert_string_equal(prometheus_text(&text), "took_seconds_bucket{le=\"0.000001\"} 1\n"
                                                "took_seconds_bucket{le=\"0.000064\"} 1\n"
                                                "took_seconds_bucket{le=\"1.000000\"} 3\n"
                                                "took_seconds_bucket{le=\"+Inf\"} 7\n"
                                                "took_seconds_sum 5.000011\n"
                                                "took_seconds_count 7\n");
}

static void a_histogram_may_have_labels(void **state)
{
    prometheus_t text = prometheus_create(*state);

    prometheus_histogram(&text, "took_seconds", "peer=\"a\"", &histogram);
    assert_string_equal(prometheus_text(&text),
                        "took_seconds_bucket{peer=\"a\",le=\"0.000001\"} 1\n"
                        "took_seconds_bucket{peer=\"a\",le=\"0.000064\"} 1\n"
                        "took_seconds_bucket{peer=\"a\",le=\"1.000000\"} 3\n"
                        "took_seconds_bucket{peer=\"a\",le=\"+Inf\"} 7\n"
                        "took_seconds_sum{peer=\"a\"} 5.000011\n"
                        "took_seconds_count{peer=\"a\"} 7\n");
}

static void what_would_end_a_label_is_escaped(void **state)
{
    assert_string_equal(prometheus_escape("192.0.2.1:7", *state), "192.0.2.1:7");
    assert_string_equal(prometheus_escape("a\"b\\c\nd", *state), "a\\\"b\\\\c\\nd");
    assert_string_equal(prometheus_escape("", *state), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(samples_follow_their_metric),
        scene(the_buckets_of_a_histogram_are_cumulative),
        scene(a_histogram_may_have_labels),
        scene(what_would_end_a_label_is_escaped),
    };

    return cmocka_run_group_tests_name("prometheus", tests, NULL, NULL);
}
