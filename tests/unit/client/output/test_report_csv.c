#include "unit.h"

#include "report_script.h"

static const report_options_t all_lines = {.lines = 1};

#define HEADER                                                                       \
    "record,time,target,address,source_port,sequence,verdict,from,length,truncated," \
    "expected_length,round_trip_us,reordered,hop_limit,fragment,error,mtu,name,value\n"
#define WHEN "2026-01-31T12:00:00.000007Z"
#define TIME WHEN ",192.0.2.1,192.0.2.1"

static const char *csv_of(event_t event, void **pool)
{
    return script_report(report_csv, all_lines, &event, 1, *pool);
}

static void a_datagram_is_one_row(void **state)
{
    const apr_port_t port = 40000;
    run_t run = script_run(MEASURE_PING);
    reply_t reply = script_reply(REPLY_ANSWER);
    arrival_t arrival = script_arrival();
    request_t request = {.sequence = 9, .length = 56};
    event_t events[] = {script_event(EVENT_REPLY, &run), script_event(EVENT_MISSING, &run),
                        script_event(EVENT_NOT_SENT, &run), script_event(EVENT_REFUSED, &run)};

    run.ports = &port;
    for (unsigned i = 0; i < 4; i++) {
        events[i].reply = &reply;
        events[i].arrival = &arrival;
        events[i].request = &request;
        events[i].status = APR_ENETUNREACH;
    }
    arrival.refused = APR_ECONNREFUSED;
    assert_string_equal(script_report(report_csv, all_lines, events, 4, *state), HEADER
                        "reply," TIME ",40000,3,answer,192.0.2.1:7,56,false,56,312,false,,,,,,\n"
                        "missing," TIME ",40000,9,,,56,,,,,,,,,,\n"
                        "not_sent," TIME ",40000,9,,,56,,,,,,,network unreachable,,,\n"
                        "refused," TIME ",40000,,,192.0.2.1,,,,,,,,port unreachable,,,\n");
}

static void everything_else_is_a_row_for_each_value(void **state)
{
    run_t run = script_run(MEASURE_PING);
    const sweep_row_t row = {.port = 40001, .is_suspect = 1};
    const sweep_result_t sweep = {1, &row, 1, "1, or 2"};
    event_t event = script_event(EVENT_SWEEP, &run);

    assert_string_equal(csv_of(script_event(EVENT_START, &run), state),
                        HEADER "start," TIME ",,,,,,,,,,,,,,measurement,ping\n"
                               "start," TIME ",,,,,,,,,,,,,,host,192.0.2.1\n"
                               "start," TIME ",,,,,,,,,,,,,,peer,192.0.2.1:7\n"
                               "start," TIME ",,,,,,,,,,,,,,payload,56\n"
                               "start," TIME ",,,,,,,,,,,,,,source_ports,1\n"
                               "start," TIME ",,,,,,,,,,,,,,timeout_us,1000000\n"
                               "start," TIME ",,,,,,,,,,,,,,protocol,echo\n");
    event.sweep = &sweep;
    const char *text = csv_of(event, state);

    assert_non_null(strstr(text, "\nsweep_port," TIME ",40001,,,,,,,,,,,,,suspect,true\n"));
    assert_non_null(strstr(text, "\nsweep_port," TIME ",40001,,,,,,,,,,,,,reordered,0\n"));
    assert_non_null(strstr(text, "\nsweep_port," TIME ",40001,,,,,,,,,,,,,round_trip_min_us,\n"));
    assert_non_null(strstr(text, "\nsweep," TIME ",,,,,,,,,,,,,,conclusion,\"1, or 2\"\n"));
}

static void what_would_break_a_row_is_quoted(void **state)
{
    run_t run = script_run(MEASURE_PING);

    run.host = "say \"a,b\"\n";
    assert_non_null(
        strstr(csv_of(script_event(EVENT_START, &run), state), ",host,\"say \"\"a,b\"\"\n\"\n"));
}

static void several_peers_share_the_table(void **state)
{
    static histogram_t lateness;
    run_t runs[] = {script_run(MEASURE_PING), script_run(MEASURE_PING)};
    total_t total = {.peers = 2, .lateness = &lateness};
    request_t request = {.sequence = 9, .length = 56};
    event_t events[] = {script_event(EVENT_MISSING, &runs[0]),
                        script_event(EVENT_MISSING, &runs[1]), script_event(EVENT_TOTAL, NULL)};

    runs[1].host = "echo.example.net";
    runs[1].peer = script_endpoint(2);
    events[0].request = events[1].request = &request;
    events[2].total = &total;
    const char *text = script_report(report_csv, all_lines, events, 3, *state);
    const char *begins = HEADER "missing," TIME ",,9,,,56,,,,,,,,,,\n"
                                "missing," WHEN ",echo.example.net,192.0.2.2,,9,,,56,,,,,,,,,,\n"
                                "total," WHEN ",,,,,,,,,,,,,,,,interim,false\n"
                                "total," WHEN ",,,,,,,,,,,,,,,,peers,2\n";

    assert_ptr_equal(strstr(text, begins), text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_datagram_is_one_row),
        scene(everything_else_is_a_row_for_each_value),
        scene(what_would_break_a_row_is_quoted),
        scene(several_peers_share_the_table),
    };

    return cmocka_run_group_tests_name("report_csv", tests, NULL, NULL);
}
