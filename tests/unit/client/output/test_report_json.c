#include "unit.h"

#include <errno.h>

#include "report_script.h"

static const report_options_t all_lines = {.lines = 1};

static const char *json_of(event_t event, void **pool)
{
    return script_report(report_json, all_lines, &event, 1, *pool);
}

#define WHEN "\"time\":\"2026-01-31T12:00:00.000007Z\""
#define TIME WHEN ",\"target\":\"192.0.2.1\",\"address\":\"192.0.2.1\""

static void a_run_begins_with_what_is_asked(void **state)
{
    run_t run = script_run(MEASURE_SWEEP);

    run.host = "a \"name\"";
    run.flows = 64;
    assert_string_equal(json_of(script_event(EVENT_START, &run), state),
                        "{\"record\":\"start\"," WHEN ",\"target\":\"a \\\"name\\\"\","
                        "\"address\":\"192.0.2.1\",\"measurement\":\"sweep\","
                        "\"host\":\"a \\\"name\\\"\",\"peer\":\"192.0.2.1:7\",\"payload\":56,"
                        "\"source_ports\":64,\"timeout_us\":1000000,"
                        "\"protocol\":\"echo\"}\n");
}

static const char *reply_json(const run_t *run, const reply_t *reply, const arrival_t *arrival,
                              void **pool)
{
    event_t event = script_event(EVENT_REPLY, run);

    event.reply = reply;
    event.arrival = arrival;
    return json_of(event, pool);
}

static void a_reply_has_all_that_is_known_of_it(void **state)
{
    const apr_port_t port = 40000;
    run_t run = script_run(MEASURE_PING);
    reply_t reply = script_reply(REPLY_LATE);
    arrival_t arrival = script_arrival();

    run.ports = &port;
    reply.is_reordered = 1;
    arrival.hop_limit = 64;
    arrival.fragment = 1480;
    assert_string_equal(reply_json(&run, &reply, &arrival, state),
                        "{\"record\":\"reply\"," TIME ",\"verdict\":\"late\",\"sequence\":3,"
                        "\"source_port\":40000,\"from\":\"192.0.2.1:7\",\"length\":56,"
                        "\"truncated\":false,\"expected_length\":56,\"round_trip_us\":312,"
                        "\"reordered\":true,\"hop_limit\":64,\"fragment\":1480}\n");
}

static void what_is_not_known_of_a_reply_is_null(void **state)
{
    run_t run = script_run(MEASURE_PING);
    reply_t reply = script_reply(REPLY_UNKNOWN);
    arrival_t arrival = script_arrival();

    arrival.truncated = 1;
    assert_string_equal(reply_json(&run, &reply, &arrival, state),
                        "{\"record\":\"reply\"," TIME ",\"verdict\":\"unknown\",\"sequence\":null,"
                        "\"source_port\":null,\"from\":\"192.0.2.1:7\",\"length\":56,"
                        "\"truncated\":true,\"expected_length\":null,\"round_trip_us\":null,"
                        "\"reordered\":false,\"hop_limit\":null,\"fragment\":null}\n");
}

static void datagrams_without_an_answer_are_told(void **state)
{
    run_t run = script_run(MEASURE_PING);
    request_t request = {.sequence = 9, .length = 1472};
    arrival_t arrival = {.from = script_endpoint(254), .refused = EMSGSIZE, .mtu = 1400};
    event_t event = script_event(EVENT_MISSING, &run);

    event.request = &request;
    event.arrival = &arrival;
    event.has_sequence = 1;
    event.status = APR_ENETUNREACH;
    assert_string_equal(json_of(event, state),
                        "{\"record\":\"missing\"," TIME ",\"sequence\":9,\"source_port\":null,"
                        "\"length\":1472}\n");
    event.kind = EVENT_NOT_SENT;
    assert_string_equal(json_of(event, state),
                        "{\"record\":\"not_sent\"," TIME ",\"sequence\":9,\"source_port\":null,"
                        "\"length\":1472,\"error\":\"network unreachable\"}\n");
    event.kind = EVENT_REFUSED;
    assert_string_equal(json_of(event, state),
                        "{\"record\":\"refused\"," TIME ",\"sequence\":9,\"source_port\":null,"
                        "\"from\":\"192.0.2.254\",\"error\":\"too big\",\"mtu\":1400}\n");
}

static void a_summary_without_answers_has_no_round_trips(void **state)
{
    run_t run = script_run(MEASURE_PING);
    probe_summary_t summary = {.sent = 3, .lost = 1, .outstanding = 0, .corrupted = 2};
    event_t event = script_event(EVENT_SUMMARY, &run);

    event.summary = &summary;
    assert_string_equal(
        json_of(event, state),
        "{\"record\":\"summary\"," TIME ",\"interim\":false,\"sent\":3,\"received\":0,"
        "\"corrupted\":2,\"lost\":1,\"loss_percent\":33.3333,\"outstanding\":0,\"not_sent\":0,"
        "\"refused\":0,\"late\":0,\"reordered\":0,\"duplicate_replies\":0,\"corrupt_replies\":0,"
        "\"misdelivered_replies\":0,\"elsewhere_replies\":0,\"unknown_replies\":0,\"bytes\":0,"
        "\"elapsed_us\":0,\"received_per_second\":0,\"bits_per_second\":0,\"round_trips\":0,"
        "\"round_trip_min_us\":null,\"round_trip_mean_us\":null,\"round_trip_max_us\":null,"
        "\"round_trip_stddev_us\":null,\"round_trip_p50_us\":null,\"round_trip_p90_us\":null,"
        "\"round_trip_p99_us\":null,\"round_trip_p999_us\":null,"
        "\"round_trip_jitter_us\":null,\"asked\":null,\"missed\":null,"
        "\"sent_ip_bits_per_second\":0,\"received_ip_bits_per_second\":0}\n");
}

static void a_single_datagram_has_no_rate_but_in_an_interval(void **state)
{
    run_t run = script_run(MEASURE_FLOOD);
    probe_summary_t summary = {.sent = 1, .received = 1, .bytes = 56, .elapsed = 100};
    event_t event = script_event(EVENT_SUMMARY, &run);

    event.summary = &summary;
    assert_non_null(
        strstr(json_of(event, state), "\"received_per_second\":null,\"bits_per_second\":null,"));
    event.kind = EVENT_INTERVAL;
    summary.elapsed = 2000000;
    assert_non_null(
        strstr(json_of(event, state), "\"received_per_second\":1,\"bits_per_second\":224,"));
}

static void a_sweep_is_an_object_for_each_port_and_one_for_all(void **state)
{
    const sweep_row_t rows[] = {{.port = 40001, .is_suspect = 1}, {.port = 40000}};
    const sweep_result_t sweep = {2, rows, 1, "1 path is bad."};
    run_t run = script_run(MEASURE_SWEEP);
    event_t event = script_event(EVENT_SWEEP, &run);

    event.sweep = &sweep;
    const char *text = json_of(event, state);

    assert_ptr_equal(strstr(text, "{\"record\":\"sweep_port\"," TIME
                                  ",\"source_port\":40001,\"suspect\":true,\"sent\":0,"),
                     text);
    assert_non_null(strstr(text, "}\n{\"record\":\"sweep_port\"," TIME
                                 ",\"source_port\":40000,\"suspect\":false,\"sent\":0,"));
    assert_non_null(strstr(text, "}\n{\"record\":\"sweep\"," TIME ",\"source_ports\":2,"
                                 "\"suspects\":1,\"conclusion\":\"1 path is bad.\"}\n"));
}

static const char *mtu_json(mtu_result_t mtu, void **pool)
{
    run_t run = script_run(MEASURE_MTU);
    event_t event = script_event(EVENT_MTU, &run);

    event.mtu = &mtu;
    return json_of(event, pool);
}

static void the_mtu_comes_with_its_limit(void **state)
{
    const mtu_result_t found = {.payload = 1372,
                                .mtu = 1400,
                                .too_large = 1373,
                                .limit = MTU_LIMIT_FORWARD,
                                .hint = 1400,
                                .hint_from = script_endpoint(254),
                                .tells_fragments = 1};
    const mtu_result_t nothing = {.limit = MTU_NO_ANSWER};
    const mtu_result_t ended = {
        .payload = 8, .mtu = 36, .limit = MTU_NOT_FOUND, .tells_fragments = 1};

    assert_string_equal(
        mtu_json(found, state),
        "{\"record\":\"mtu\"," TIME ",\"payload\":1372,\"mtu\":1400,"
        "\"limit\":\"forward\",\"hint_mtu\":1400,\"hint_from\":\"192.0.2.254\","
        "\"tells_fragments\":true,\"largest_returned\":1372,\"smallest_failed\":1373}\n");
    assert_string_equal(
        mtu_json(nothing, state),
        "{\"record\":\"mtu\"," TIME ",\"payload\":null,\"mtu\":null,"
        "\"limit\":\"no_answer\",\"hint_mtu\":null,\"hint_from\":null,"
        "\"tells_fragments\":false,\"largest_returned\":null,\"smallest_failed\":null}\n");
    assert_string_equal(mtu_json(ended, state),
                        "{\"record\":\"mtu\"," TIME ",\"payload\":null,\"mtu\":null,"
                        "\"limit\":\"not_found\",\"hint_mtu\":null,\"hint_from\":null,"
                        "\"tells_fragments\":true,\"largest_returned\":8,"
                        "\"smallest_failed\":null}\n");
}

static void what_happens_to_a_name_is_told(void **state)
{
    endpoint_t former = script_endpoint(9);
    run_t run = script_run(MEASURE_PING);
    event_t event = script_event(EVENT_ADDRESS, &run);

    run.host = "echo.example.net:8888";
    event.former = &former;
    assert_string_equal(json_of(event, state),
                        "{\"record\":\"address\"," WHEN ",\"target\":\"echo.example.net:8888\","
                        "\"address\":\"192.0.2.1\",\"former\":\"192.0.2.9\"}\n");
    event = script_event(EVENT_LOOKUP, &run);
    event.status = APR_EINVAL;
    run.peer.length = 0;
    const char *text = json_of(event, state);

    assert_ptr_equal(strstr(text, "{\"record\":\"lookup\"," WHEN
                                  ",\"target\":\"echo.example.net:8888\",\"address\":null,"
                                  "\"error\":\""),
                     text);
    assert_non_null(strstr(text, ",\"found\":false}\n"));
}

static void an_interval_is_a_summary_of_its_own(void **state)
{
    run_t run = script_run(MEASURE_PING);
    probe_summary_t summary = script_summary();
    event_t event = script_event(EVENT_INTERVAL, &run);

    event.summary = &summary;
    const char *text = json_of(event, state);

    assert_ptr_equal(strstr(text, "{\"record\":\"interval\"," TIME ",\"sent\":1000,"), text);
    assert_non_null(strstr(text, ",\"round_trip_jitter_us\":17}\n"));
}

static void a_target_that_was_not_asked_has_a_record(void **state)
{
    run_t run = script_run(MEASURE_PING);
    event_t event = script_event(EVENT_NOT_ASKED, &run);

    run.host = "nowhere.example";
    run.peer.length = 0;
    assert_string_equal(json_of(event, state),
                        "{\"record\":\"not_asked\"," WHEN
                        ",\"target\":\"nowhere.example\",\"address\":null,\"error\":null,"
                        "\"found\":false}\n");
}

static void the_total_is_of_no_target(void **state)
{
    static histogram_t lateness;
    run_t run = script_run(MEASURE_PING);
    total_t total = {.peers = 5, .answered = 4, .failures = 3, .lateness = &lateness};
    event_t event = script_event(EVENT_TOTAL, &run);

    total.summary = script_summary();
    event.total = &total;
    const char *text = json_of(event, state);

    assert_ptr_equal(strstr(text, "{\"record\":\"total\"," WHEN
                                  ",\"target\":null,\"address\":null,\"interim\":false,"
                                  "\"peers\":5,\"answered\":4,\"failed_lookups\":3,\"sent\":1000,"),
                     text);
    assert_non_null(strstr(text, ",\"lateness_p50_us\":null,\"lateness_p99_us\":null,"
                                 "\"lateness_max_us\":null}\n"));
    histogram_add(&lateness, 15);
    histogram_add(&lateness, 100);
    event.is_interim = 1;
    event.run = NULL; /* which says nothing of it */
    text = json_of(event, state);
    assert_non_null(strstr(text, ",\"interim\":true,"));
    assert_non_null(strstr(text, ",\"lateness_p50_us\":15,\"lateness_p99_us\":100,"
                                 "\"lateness_max_us\":100}\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_run_begins_with_what_is_asked),
        scene(a_reply_has_all_that_is_known_of_it),
        scene(what_is_not_known_of_a_reply_is_null),
        scene(datagrams_without_an_answer_are_told),
        scene(a_summary_without_answers_has_no_round_trips),
        scene(a_single_datagram_has_no_rate_but_in_an_interval),
        scene(a_sweep_is_an_object_for_each_port_and_one_for_all),
        scene(the_mtu_comes_with_its_limit),
        scene(what_happens_to_a_name_is_told),
        scene(an_interval_is_a_summary_of_its_own),
        scene(a_target_that_was_not_asked_has_a_record),
        scene(the_total_is_of_no_target),
    };

    return cmocka_run_group_tests_name("report_json", tests, NULL, NULL);
}
