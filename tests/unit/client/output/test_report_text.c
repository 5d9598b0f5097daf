#include "unit.h"

#include <errno.h>

#include "report_script.h"

static const report_options_t all_lines = {.lines = 1};

static const char *text_of(event_t event, void **pool)
{
    return script_report(report_text, all_lines, &event, 1, *pool);
}

/* ---- The first line ---- */

static const char *start_text(measurement_t measurement, const char *host, unsigned flows,
                              void **pool)
{
    run_t run = script_run(measurement);

    run.host = host;
    run.flows = flows;
    return text_of(script_event(EVENT_START, &run), pool);
}

static void the_first_line_says_what_is_done(void **state)
{
    assert_string_equal(start_text(MEASURE_PING, "192.0.2.1:7", 1, state),
                        "udpecho 192.0.2.1:7: 56 bytes of payload\n");
    assert_string_equal(start_text(MEASURE_FLOOD, "192.0.2.1", 1, state),
                        "udpecho 192.0.2.1:7: a flood of 56 bytes of payload\n");
    assert_string_equal(start_text(MEASURE_SWEEP, "192.0.2.1", 64, state),
                        "udpecho 192.0.2.1:7: 56 bytes of payload from 64 source ports\n");
    assert_string_equal(start_text(MEASURE_MTU, "192.0.2.1", 1, state),
                        "udpecho 192.0.2.1:7: looking for the largest payload\n");
}

static void a_name_stands_before_its_address(void **state)
{
    assert_string_equal(start_text(MEASURE_PING, "echo.example.net", 1, state),
                        "udpecho echo.example.net (192.0.2.1:7): 56 bytes of payload\n");
}

/* ---- A line for each datagram ---- */

static const char *reply_text(reply_t reply, arrival_t arrival, void **pool)
{
    run_t run = script_run(MEASURE_PING);
    event_t event = script_event(EVENT_REPLY, &run);

    event.reply = &reply;
    event.arrival = &arrival;
    return text_of(event, pool);
}

static void every_verdict_has_its_line(void **state)
{
    static const struct {
        reply_verdict_t verdict;
        const char *line;
    } cases[] = {
        {REPLY_ANSWER, "56 bytes from 192.0.2.1:7: seq=3 time=0.312 ms\n"},
        {REPLY_LATE, "56 bytes from 192.0.2.1:7: seq=3 time=0.312 ms (late)\n"},
        {REPLY_DUPLICATE, "56 bytes from 192.0.2.1:7: seq=3 time=0.312 ms (duplicate)\n"},
        {REPLY_CORRUPT, "56 bytes from 192.0.2.1:7: seq=3 time=0.312 ms (corrupt: bytes differ)\n"},
        {REPLY_MISDELIVERED, "56 bytes from 192.0.2.1:7: seq=3 time=0.312 ms (misdelivered: sent "
                             "from another port)\n"},
        {REPLY_UNKNOWN, "56 bytes from 192.0.2.1:7: (to no datagram of this run)\n"},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(reply_text(script_reply(cases[i].verdict), script_arrival(), state),
                            cases[i].line);
    }
}

static void a_reply_from_elsewhere_says_from_where_and_who_was_asked(void **state)
{
    arrival_t arrival = script_arrival();

    arrival.from = script_endpoint(9);
    assert_string_equal(
        reply_text(script_reply(REPLY_ELSEWHERE), arrival, state),
        "56 bytes from 192.0.2.9:7: seq=3 time=0.312 ms (elsewhere, not 192.0.2.1:7)\n");
}

static void a_reply_of_another_length_says_which_it_should_have(void **state)
{
    arrival_t arrival = script_arrival();

    arrival.length = 48;
    assert_string_equal(
        reply_text(script_reply(REPLY_CORRUPT), arrival, state),
        "48 bytes from 192.0.2.1:7: seq=3 time=0.312 ms (corrupt: expected 56 bytes)\n");
    arrival.length = 56;
    arrival.truncated = 1;
    assert_string_equal(
        reply_text(script_reply(REPLY_CORRUPT), arrival, state),
        "56 bytes or more from 192.0.2.1:7: seq=3 time=0.312 ms (corrupt: expected 56 bytes)\n");
}

static void what_is_known_of_the_way_is_told(void **state)
{
    reply_t reply = script_reply(REPLY_LATE);
    arrival_t arrival = script_arrival();

    reply.is_reordered = 1;
    reply.round_trip = 1204113;
    arrival.length = 3000;
    arrival.hop_limit = 64;
    arrival.fragment = 1480;
    assert_string_equal(reply_text(reply, arrival, state),
                        "3000 bytes from 192.0.2.1:7: seq=3 ttl=64 time=1204.113 ms fragment=1480 "
                        "(late, reordered)\n");
    reply.verdict = REPLY_ANSWER;
    arrival.fragment = 0;
    assert_string_equal(reply_text(reply, arrival, state),
                        "3000 bytes from 192.0.2.1:7: seq=3 ttl=64 time=1204.113 ms (reordered)\n");
}

static void several_source_ports_are_told_apart(void **state)
{
    const apr_port_t ports[] = {40000, 40001};
    run_t run = script_run(MEASURE_PING);
    reply_t reply = script_reply(REPLY_ANSWER);
    arrival_t arrival = script_arrival();
    event_t event = script_event(EVENT_REPLY, &run);

    run.flows = 2;
    run.ports = ports;
    reply.flow = 1;
    event.reply = &reply;
    event.arrival = &arrival;
    assert_string_equal(text_of(event, state),
                        "56 bytes from 192.0.2.1:7: seq=3 port=40001 time=0.312 ms\n");
}

static void datagrams_without_an_answer_are_told(void **state)
{
    run_t run = script_run(MEASURE_PING);
    request_t request = {.sequence = 9, .length = 56};
    event_t event = script_event(EVENT_MISSING, &run);

    event.request = &request;
    assert_string_equal(text_of(event, state),
                        "56 bytes to 192.0.2.1:7: seq=9 no answer within 1s\n");
    event.kind = EVENT_NOT_SENT;
    event.status = APR_ENETUNREACH;
    assert_string_equal(text_of(event, state),
                        "56 bytes to 192.0.2.1:7: seq=9 not sent: network unreachable\n");
}

static void refusals_say_by_whom(void **state)
{
    run_t run = script_run(MEASURE_PING);
    request_t request = {.sequence = 8};
    arrival_t arrival = {.from = script_endpoint(254), .refused = APR_ECONNREFUSED};
    event_t event = script_event(EVENT_REFUSED, &run);

    event.arrival = &arrival;
    assert_string_equal(text_of(event, state), "refused by 192.0.2.254: port unreachable\n");
    event.request = &request;
    event.has_sequence = 1;
    arrival.refused = EMSGSIZE;
    arrival.mtu = 1400;
    assert_string_equal(text_of(event, state), "refused by 192.0.2.254: seq=8 too big, MTU 1400\n");
}

static void quiet_leaves_the_first_line_and_the_summary(void **state)
{
    const report_options_t quiet = {.lines = 0};
    run_t run = script_run(MEASURE_PING);
    reply_t reply = script_reply(REPLY_ANSWER);
    arrival_t arrival = script_arrival();
    probe_summary_t summary = {.sent = 1, .lost = 1};
    event_t events[] = {script_event(EVENT_START, &run), script_event(EVENT_REPLY, &run),
                        script_event(EVENT_PROGRESS, &run), script_event(EVENT_SUMMARY, &run)};

    events[1].reply = &reply;
    events[1].arrival = &arrival;
    events[2].summary = events[3].summary = &summary;
    assert_string_equal(script_report(report_text, quiet, events, 4, *state),
                        "udpecho 192.0.2.1:7: 56 bytes of payload\n"
                        "--- 192.0.2.1:7 ---\n"
                        "1 sent, 0 received, 1 lost (100 %)\n"
                        "0 late, 0 duplicate, 0 reordered, 0 corrupt\n");
}

static load_result_t script_load(const run_t *load)
{
    return (load_result_t){
        .idle = {.sent = 50,
                 .received = 50,
                 .timed = 50,
                 .minimum = 1000,
                 .mean = 1100,
                 .maximum = 2500,
                 .p50 = 1050,
                 .p90 = 1200,
                 .p99 = 2000,
                 .p999 = 2400,
                 .jitter = 9},
        .loaded = {.sent = 50,
                   .received = 40,
                   .lost = 10,
                   .timed = 40,
                   .minimum = 1010,
                   .mean = 200000,
                   .maximum = 250500,
                   .p50 = 201050,
                   .p90 = 241200,
                   .p99 = 250000,
                   .p999 = 250400,
                   .jitter = 5},
        .has_load = 1,
        .load = {.sent = 1000, .received = 500, .lost = 500, .bytes = 700000, .elapsed = 1000000},
        .run = load};
}

static void a_load_is_compared_with_none(void **state)
{
    run_t run = script_run(MEASURE_LOAD), flood = script_run(MEASURE_LOAD);
    load_result_t load = script_load(&flood);
    event_t event = script_event(EVENT_LOAD, &run);

    flood.size = 1400;
    event.load = &load;
    assert_string_equal(text_of(event, state),
                        "--- 192.0.2.1:7, latency under load ---\n"
                        "                    idle      loaded    increase\n"
                        "sent                  50          50\n"
                        "lost %                 0          20\n"
                        "min ms             1.000       1.010       0.010\n"
                        "mean ms            1.100     200.000     198.900\n"
                        "p50 ms             1.050     201.050     200.000\n"
                        "p90 ms             1.200     241.200     240.000\n"
                        "p99 ms             2.000     250.000     248.000\n"
                        "p99.9 ms           2.400     250.400     248.000\n"
                        "max ms             2.500     250.500     248.000\n"
                        "jitter ms          0.009       0.005      -0.004\n"
                        "bitrate     sent/received        11.424/5.712 Mbit/s, with UDP and IP "
                        "headers\n"
                        "load        1000 sent, 500 received, 500 lost (50 %)\n");
    run.load = 20000000;
    assert_string_equal(
        text_of(script_event(EVENT_START, &run), state),
        "udpecho 192.0.2.1:7: 56 bytes of payload, idle and under a load of 20Mbit/s\n");
}

static void a_load_that_was_not_sent_has_a_reason(void **state)
{
    run_t run = script_run(MEASURE_LOAD);
    load_result_t load = {.idle = {.sent = 5, .lost = 5}, .run = &run};
    event_t event = script_event(EVENT_LOAD, &run);

    event.load = &load;
    assert_non_null(strstr(text_of(event, state), "\np50 ms                 -           -"
                                                  "           -\n"));
    assert_non_null(
        strstr(text_of(event, state), "\nno load was sent: nothing was answered without it\n"));
    load.idle.received = 1;
    assert_non_null(strstr(text_of(event, state), "\nno load was sent: the run ended before it\n"));
}

/* ---- The time ---- */

static void each_line_has_the_time_if_asked_for(void **state)
{
    run_t run = script_run(MEASURE_PING);
    probe_summary_t summary = {.sent = 2, .outstanding = 2};
    event_t event = script_event(EVENT_SUMMARY, &run);
    report_options_t options = {.lines = 1, .times = LINE_TIMES_EPOCH};

    event.summary = &summary;
    assert_string_equal(script_report(report_text, options, &event, 1, *state),
                        "[1769860800.000007] --- 192.0.2.1:7 ---\n"
                        "[1769860800.000007] 2 sent, 0 received, 0 lost, 2 outstanding\n"
                        "[1769860800.000007] 0 late, 0 duplicate, 0 reordered, 0 corrupt\n");
    event = script_event(EVENT_START, &run);
    options.times = LINE_TIMES_ISO;
    assert_string_equal(script_report(report_text, options, &event, 1, *state),
                        "2026-01-31T12:00:00.000007Z udpecho 192.0.2.1:7: 56 bytes of payload\n");
}

/* ---- Results ---- */

static void the_summary_has_every_number(void **state)
{
    run_t run = script_run(MEASURE_PING);
    probe_summary_t summary = script_summary();
    event_t event = script_event(EVENT_SUMMARY, &run);

    event.summary = &summary;
    assert_string_equal(text_of(event, state),
                        "--- 192.0.2.1:7 ---\n"
                        "1000 sent, 985 received, 2 corrupted, 11 lost (1.1022 %), 2 outstanding, "
                        "4 not sent, 3 refused\n"
                        "5 late, 7 duplicate, 6 reordered, 8 corrupt, 9 misdelivered, "
                        "10 from elsewhere, 12 unknown\n"
                        "round trip  min/mean/max/stddev  0.101/0.312/1204.113/0.020 ms\n"
                        "            p50/p90/p99/p99.9    0.305/0.400/1.001/999.999 ms\n"
                        "            jitter               0.017 ms\n");
}

static void a_summary_on_the_way_says_so(void **state)
{
    run_t run = script_run(MEASURE_PING);
    probe_summary_t summary = {.sent = 2, .outstanding = 2};
    event_t event = script_event(EVENT_SUMMARY, &run);

    event.summary = &summary;
    event.is_interim = 1;
    assert_string_equal(text_of(event, state), "--- 192.0.2.1:7, so far ---\n"
                                               "2 sent, 0 received, 0 lost, 2 outstanding\n"
                                               "0 late, 0 duplicate, 0 reordered, 0 corrupt\n");
}

static void a_single_datagram_has_no_bitrate(void **state)
{
    const probe_summary_t single = {.sent = 1, .received = 1, .is_scheduled = 1, .elapsed = 50};
    run_t run = script_run(MEASURE_FLOOD);
    event_t event = script_event(EVENT_SUMMARY, &run);

    run.bitrate = 336000;
    event.summary = &single;
    assert_null(strstr(text_of(event, state), "bitrate"));
    assert_null(strstr(text_of(event, state), "datagrams/s"));
}

/* 28 bytes of headers: (56 + 28) * 8 * 1000 bits in two seconds. */
static void a_bitrate_that_was_asked_for_is_told_as_it_counts(void **state)
{
    run_t run = script_run(MEASURE_FLOOD);
    probe_summary_t summary = script_summary();
    event_t event = script_event(EVENT_SUMMARY, &run);

    event.summary = &summary;
    assert_null(strstr(text_of(event, state), "bitrate"));
    run.bitrate = 336000;
    assert_non_null(strstr(text_of(event, state), "\nbitrate     sent/received        "
                                                  "336.000/330.960 kbit/s, with UDP and IP headers"
                                                  "\n"));
    summary.elapsed = 20000;
    assert_non_null(strstr(text_of(event, state), " 33.600/33.096 Mbit/s"));
}

static void a_flood_tells_its_rates(void **state)
{
    run_t run = script_run(MEASURE_FLOOD);
    probe_summary_t summary = script_summary();
    event_t event = script_event(EVENT_SUMMARY, &run);

    event.summary = &summary;
    assert_non_null(
        strstr(text_of(event, state),
               "\n493 datagrams/s came back, 0.220 Mbit/s of payload, for 2.000 s\nround trip"));
}

static void a_pace_that_was_not_kept_is_told(void **state)
{
    run_t run = script_run(MEASURE_PING);
    probe_summary_t summary = {
        .sent = 438, .received = 438, .timed = 438, .not_sent = 2, .is_scheduled = 1, .missed = 60};
    event_t event = script_event(EVENT_SUMMARY, &run);

    event.summary = &summary;
    assert_non_null(
        strstr(text_of(event, state),
               "438 sent, 438 received, 0 lost (0 %), 2 not sent\n"
               "500 were due, 60 missed: this host did not keep the requested rate\n0 late"));
}

static sweep_row_t sweep_row(apr_port_t port, int is_suspect)
{
    sweep_row_t row = {.port = port, .is_suspect = is_suspect, .summary = {.sent = 10}};

    if (is_suspect) {
        row.summary.lost = 10;
    } else {
        row.summary.received = 10;
        row.summary.timed = row.summary.received;
        row.summary.minimum = 101;
        row.summary.p50 = 305;
        row.summary.maximum = 1204113;
    }
    return row;
}

static const char *sweep_text(unsigned count, unsigned suspects, void **pool)
{
    run_t run = script_run(MEASURE_SWEEP);
    sweep_row_t *rows = apr_palloc(*pool, count * sizeof *rows);
    sweep_result_t sweep = {count, rows, suspects, "1 in 8 paths is bad."};
    event_t event = script_event(EVENT_SWEEP, &run);

    for (unsigned i = 0; i < count; i++) {
        rows[i] = sweep_row((apr_port_t)(40000 + i), i < suspects);
    }
    event.sweep = &sweep;
    return text_of(event, pool);
}

static void a_sweep_is_a_table_with_its_verdict(void **state)
{
    assert_string_equal(sweep_text(2, 1, state),
                        "--- 192.0.2.1:7, by source port ---\n"
                        "source port      sent   lost %      min ms      p50 ms      max ms\n"
                        "      40000        10      100           -           -           -  "
                        "suspect\n"
                        "      40001        10        0       0.101       0.305    1204.113\n"
                        "1 in 8 paths is bad.\n");
}

static void a_long_table_is_cut_behind_the_suspects(void **state)
{
    const char *text = sweep_text(64, 4, state);

    assert_non_null(strstr(text, "\n      40013 "));
    assert_null(strstr(text, "\n      40014 "));
    assert_non_null(strstr(text, "\n        ... and 50 more\n1 in 8"));
    assert_non_null(strstr(sweep_text(4096, 100, state),
                           "\n        ... and 4056 more, 60 suspects among "
                           "them\n"));
}

static const char *mtu_text(mtu_result_t mtu, void **pool)
{
    run_t run = script_run(MEASURE_MTU);
    event_t event = script_event(EVENT_MTU, &run);

    event.mtu = &mtu;
    return text_of(event, pool);
}

static void the_mtu_comes_with_what_is_known_of_the_limit(void **state)
{
    mtu_result_t mtu = {.payload = 1372,
                        .mtu = 1400,
                        .limit = MTU_LIMIT_FORWARD,
                        .hint = 1400,
                        .hint_from = script_endpoint(254),
                        .tells_fragments = 1};

    assert_string_equal(mtu_text(mtu, state),
                        "--- 192.0.2.1:7 ---\n"
                        "largest payload 1372 bytes, MTU 1400\n"
                        "the limit seems to be on the way there\n"
                        "192.0.2.254 said that the MTU is 1400; it was tried, not trusted\n");
    mtu.hint = 0;
    mtu.tells_fragments = 0;
    assert_string_equal(mtu_text(mtu, state),
                        "--- 192.0.2.1:7 ---\n"
                        "largest payload 1372 bytes, MTU 1400\n"
                        "whether replies came in fragments is not known here\n"
                        "the limit seems to be on the way there\n");
    mtu = (mtu_result_t){.limit = MTU_NO_ANSWER};
    assert_string_equal(mtu_text(mtu, state),
                        "--- 192.0.2.1:7 ---\nnothing came back as it was sent, at any size\n");
    mtu = (mtu_result_t){.limit = MTU_NOT_FOUND};
    assert_string_equal(mtu_text(mtu, state), "--- 192.0.2.1:7 ---\n"
                                              "largest payload not known: nothing came back yet\n"
                                              "the search ended before it had found the limit\n");
    mtu = (mtu_result_t){.payload = 8, .mtu = 36, .too_large = 1472, .limit = MTU_NOT_FOUND};
    assert_string_equal(mtu_text(mtu, state),
                        "--- 192.0.2.1:7 ---\n"
                        "largest payload not known: 8 bytes came back, and 1472 bytes did not\n"
                        "the search ended before it had found the limit\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_first_line_says_what_is_done),
        scene(a_name_stands_before_its_address),
        scene(every_verdict_has_its_line),
        scene(a_reply_from_elsewhere_says_from_where_and_who_was_asked),
        scene(a_reply_of_another_length_says_which_it_should_have),
        scene(what_is_known_of_the_way_is_told),
        scene(several_source_ports_are_told_apart),
        scene(datagrams_without_an_answer_are_told),
        scene(refusals_say_by_whom),
        scene(quiet_leaves_the_first_line_and_the_summary),
        scene(a_load_is_compared_with_none),
        scene(a_load_that_was_not_sent_has_a_reason),
        scene(each_line_has_the_time_if_asked_for),
        scene(the_summary_has_every_number),
        scene(a_summary_on_the_way_says_so),
        scene(a_bitrate_that_was_asked_for_is_told_as_it_counts),
        scene(a_single_datagram_has_no_bitrate),
        scene(a_flood_tells_its_rates),
        scene(a_pace_that_was_not_kept_is_told),
        scene(a_sweep_is_a_table_with_its_verdict),
        scene(a_long_table_is_cut_behind_the_suspects),
        scene(the_mtu_comes_with_what_is_known_of_the_limit),
    };

    return cmocka_run_group_tests_name("report_text", tests, NULL, NULL);
}
