#include "unit.h"

#include <apr_strings.h>

#include "client/metrics/scrape.h"

static scrape_t empty(apr_pool_t *pool)
{
    return (scrape_t){.peers = apr_array_make(pool, 2, sizeof(peer_reading_t *)),
                      .lookups = apr_array_make(pool, 2, sizeof(target_lookups_t))};
}

static peer_reading_t *add_peer(const scrape_t *scrape, const char *labels)
{
    peer_reading_t *peer = apr_pcalloc(scrape->peers->pool, sizeof *peer);

    peer->labels = labels;
    APR_ARRAY_PUSH((apr_array_header_t *)scrape->peers, const peer_reading_t *) = peer;
    return peer;
}

static void assert_has_line(const char *text, const char *line)
{
    const char *found = strstr(text, line);

    if (found == NULL || found[strlen(line)] != '\n' || (found > text && found[-1] != '\n')) {
        fail_msg("no line \"%s\" in:\n%s", line, text);
    }
}

static void every_metric_is_told_once_with_its_type(void **state)
{
    scrape_t scrape = empty(*state);
    const char *text = scrape_text(&scrape, *state);

    for (unsigned i = 0; i < METRICS; i++) {
        const metric_row_t *row = &metric_table[i];
        const char *line = apr_psprintf(*state, "# TYPE %s %s\n", row->name, row->type);
        const char *found = strstr(text, line);

        assert_non_null(found);
        assert_null(strstr(found + 1, line));
    }
}

static void counters_and_no_others_end_in_total(void **state)
{
    (void)state;
    for (unsigned i = 0; i < METRICS; i++) {
        const metric_row_t *row = &metric_table[i];
        size_t length = strlen(row->name);
        int is_total = length > 6 && strcmp(row->name + length - 6, "_total") == 0;

        assert_int_equal(is_total, strcmp(row->type, "counter") == 0);
    }
}

static void each_peer_has_its_numbers(void **state)
{
    scrape_t scrape = empty(*state);

    add_peer(&scrape, "target=\"a\"")->numbers[METRIC_SENT] = 7;
    peer_reading_t *other = add_peer(&scrape, "target=\"b\"");

    other->numbers[METRIC_SENT] = 8;
    other->replies[REPLY_LATE] = 9;
    other->refused[REFUSAL_PORT] = 10;
    const char *text = scrape_text(&scrape, *state);

    assert_has_line(text, "udpecho_sent_datagrams_total{target=\"a\"} 7");
    assert_has_line(text, "udpecho_sent_datagrams_total{target=\"b\"} 8");
    assert_has_line(text, "udpecho_replies_total{target=\"b\",kind=\"late\"} 9");
    assert_has_line(text, "udpecho_replies_total{target=\"a\",kind=\"late\"} 0");
    assert_has_line(text, "udpecho_refused_total{target=\"b\",reason=\"port_unreachable\"} 10");
    assert_has_line(text, "udpecho_peers 2");
}

static void round_trips_are_a_histogram(void **state)
{
    scrape_t scrape = empty(*state);
    peer_reading_t *peer = add_peer(&scrape, "target=\"a\"");

    time_counts_add(&peer->times[0], 63);
    time_counts_add(&peer->times[0], 64);
    time_counts_add(&peer->times[0], 9000000);
    const char *text = scrape_text(&scrape, *state);

    assert_has_line(text, "udpecho_round_trip_seconds_bucket{target=\"a\",le=\"0.000064\"} 1");
    assert_has_line(text, "udpecho_round_trip_seconds_bucket{target=\"a\",le=\"0.000096\"} 2");
    assert_has_line(text, "udpecho_round_trip_seconds_bucket{target=\"a\",le=\"8.388608\"} 2");
    assert_has_line(text, "udpecho_round_trip_seconds_bucket{target=\"a\",le=\"+Inf\"} 3");
    assert_has_line(text, "udpecho_round_trip_seconds_sum{target=\"a\"} 9.000127");
    assert_has_line(text, "udpecho_round_trip_seconds_count{target=\"a\"} 3");
}

static void what_is_not_known_is_left_out(void **state)
{
    scrape_t scrape = empty(*state);
    peer_reading_t *peer = add_peer(&scrape, "target=\"a\"");
    const char *text = scrape_text(&scrape, *state);

    assert_null(strstr(text, "udpecho_lost_forward_datagrams{"));
    assert_null(strstr(text, "udpecho_forward_delay_variation_seconds_count{"));
    peer->has_directions = peer->has_losses = 1;
    text = scrape_text(&scrape, *state);
    assert_has_line(text, "udpecho_lost_forward_datagrams{target=\"a\"} 0");
    assert_has_line(text, "udpecho_forward_delay_variation_seconds_count{target=\"a\"} 0");
    assert_null(strstr(text, "udpecho_backward_delay_seconds_count{"));
    time_counts_add(&peer->times[METRIC_BACKWARD_DELAY - METRIC_ROUND_TRIP], 5);
    text = scrape_text(&scrape, *state);
    assert_has_line(text, "udpecho_backward_delay_seconds_count{target=\"a\"} 1");
}

static void the_process_and_its_targets_are_described(void **state)
{
    scrape_t scrape = empty(*state);

    APR_ARRAY_PUSH((apr_array_header_t *)scrape.lookups, target_lookups_t) =
        (target_lookups_t){"a\\b", 4};
    scrape.targets = 3;
    scrape.started = APR_INT64_C(1600000000000001);
    time_counts_add(&scrape.lateness, 100);
    const char *text = scrape_text(&scrape, *state);

    assert_has_line(text, "udpecho_lookup_failures_total{target=\"a\\\\b\"} 4");
    assert_has_line(text, "udpecho_targets 3");
    assert_has_line(text, "udpecho_peers 0");
    assert_has_line(text, "udpecho_send_lateness_seconds_bucket{le=\"0.000128\"} 1");
    assert_has_line(text, "udpecho_send_lateness_seconds_sum 0.000100");
    assert_has_line(text, "process_start_time_seconds 1600000000.000001");
    assert_non_null(strstr(text, "\nudpecho_build_info{version=\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(every_metric_is_told_once_with_its_type),
        scene(counters_and_no_others_end_in_total),
        scene(each_peer_has_its_numbers),
        scene(round_trips_are_a_histogram),
        scene(what_is_not_known_is_left_out),
        scene(the_process_and_its_targets_are_described),
    };

    return cmocka_run_group_tests_name("scrape", tests, NULL, NULL);
}
