/* The report of the monitoring plugin. */

#include "unit.h"

#include "client/output/report_check.h"
#include "report_script.h"

static const check_thresholds_t thresholds = {{100000, 200000}, {500000, 600000}};
static const check_thresholds_t none = {{-1, -1}, {-1, -1}};

/* A run of `host` that came to this. */
static void tell_run(report_t *report, const char *host, const probe_summary_t *summary)
{
    run_t run = script_run(MEASURE_PING);
    event_t event = script_event(EVENT_SUMMARY, &run);

    run.host = host;
    event.summary = summary;
    report->tell(report->context, &event);
}

static probe_summary_t answered(apr_uint64_t lost, apr_interval_time_t mean)
{
    return (probe_summary_t){.sent = 10,
                             .received = 10 - lost,
                             .lost = lost,
                             .timed = 10 - lost,
                             .mean = mean,
                             .minimum = mean,
                             .maximum = mean};
}

static void assert_result(const report_t *report, check_state_t state, const char *text,
                          apr_pool_t *pool)
{
    const char *found;

    assert_int_equal(report_check_result(report, &found, pool), state);
    assert_string_equal(found, text);
}

static void assert_check(const check_thresholds_t *limits, probe_summary_t summary,
                         check_state_t state, const char *text, void **pool)
{
    report_t *report = report_check(limits, *pool);

    tell_run(report, "h", &summary);
    assert_result(report, state, text, *pool);
}

static void what_is_worse_than_a_threshold_makes_a_state(void **state)
{
    assert_check(&thresholds, answered(2, 100000), CHECK_OK,
                 "UDPECHO OK - h: rtt 100.000 ms, lost 20 % | rtt=0.100000s;0.1;0.5;0 "
                 "loss=20%;20;60;0;100\n",
                 state);
    assert_check(&thresholds, answered(0, 100001), CHECK_WARNING,
                 "UDPECHO WARNING - h: rtt 100.001 ms, lost 0 % | rtt=0.100001s;0.1;0.5;0 "
                 "loss=0%;20;60;0;100\n",
                 state);
    assert_check(&thresholds, answered(3, 5), CHECK_WARNING,
                 "UDPECHO WARNING - h: rtt 0.005 ms, lost 30 % | rtt=0.000005s;0.1;0.5;0 "
                 "loss=30%;20;60;0;100\n",
                 state);
    assert_check(&thresholds, answered(7, 5), CHECK_CRITICAL,
                 "UDPECHO CRITICAL - h: rtt 0.005 ms, lost 70 % | rtt=0.000005s;0.1;0.5;0 "
                 "loss=70%;20;60;0;100\n",
                 state);
    assert_check(&none, answered(7, 1500000), CHECK_OK,
                 "UDPECHO OK - h: rtt 1500.000 ms, lost 70 % | rtt=1.500000s;;;0 "
                 "loss=70%;;;0;100\n",
                 state);
}

static void what_was_corrupted_or_not_sent_is_missing_too(void **state)
{
    probe_summary_t summary = {.sent = 8,
                               .received = 5,
                               .corrupted = 2,
                               .outstanding = 1,
                               .not_sent = 2,
                               .timed = 5,
                               .mean = 7};

    assert_check(&none, summary, CHECK_OK,
                 "UDPECHO OK - h: rtt 0.007 ms, lost 44.4444 % | rtt=0.000007s;;;0 "
                 "loss=44.4444%;;;0;100\n",
                 state);
}

static void no_answer_is_critical_and_nothing_sent_is_unknown(void **state)
{
    assert_check(&none, (probe_summary_t){.sent = 5, .lost = 5}, CHECK_CRITICAL,
                 "UDPECHO CRITICAL - h: no answer | rtt=U;;;0 loss=100%;;;0;100\n", state);
    assert_check(&none, (probe_summary_t){.sent = 5, .corrupted = 5}, CHECK_CRITICAL,
                 "UDPECHO CRITICAL - h: only corrupt answers | rtt=U;;;0 loss=100%;;;0;100\n",
                 state);
    assert_check(&none, (probe_summary_t){0}, CHECK_UNKNOWN,
                 "UDPECHO UNKNOWN - h: nothing was sent | rtt=U;;;0 loss=U;;;0;100\n", state);
}

static void a_round_trip_that_is_not_known_has_no_state(void **state)
{
    probe_summary_t summary = {.sent = 5, .received = 5};

    assert_check(&thresholds, summary, CHECK_UNKNOWN,
                 "UDPECHO UNKNOWN - h: rtt not known, lost 0 % | rtt=U;0.1;0.5;0 "
                 "loss=0%;20;60;0;100\n",
                 state);
    assert_check(&none, summary, CHECK_OK,
                 "UDPECHO OK - h: rtt not known, lost 0 % | rtt=U;;;0 loss=0%;;;0;100\n", state);
}

static void why_nothing_was_answered_is_told(void **state)
{
    report_t *report = report_check(&none, *state);
    run_t run = script_run(MEASURE_PING);
    arrival_t arrival = {.from = script_endpoint(1), .refused = APR_ECONNREFUSED};
    request_t request = {0};
    probe_summary_t summary = {.sent = 1, .lost = 1, .refused = 1};
    event_t event = script_event(EVENT_REFUSED, &run);

    event.arrival = &arrival;
    event.request = &request;
    report->tell(report->context, &event);
    event = script_event(EVENT_SUMMARY, &run);
    event.summary = &summary;
    report->tell(report->context, &event);
    assert_result(report, CHECK_CRITICAL,
                  "UDPECHO CRITICAL - 192.0.2.1: no answer, port unreachable | rtt=U;;;0 "
                  "loss=100%;;;0;100\n",
                  *state);
}

static void losses_of_each_way_are_numbers_too(void **state)
{
    report_t *report = report_check(&none, *state);
    run_t run = script_run(MEASURE_PING);
    directions_summary_t directions = {.is_counted = 1, .losses = {.forward = 2, .backward = 1}};
    probe_summary_t summary = answered(3, 1000);
    event_t event = script_event(EVENT_SUMMARY, &run);

    event.summary = &summary;
    event.directions = &directions;
    report->tell(report->context, &event);
    assert_result(report, CHECK_OK,
                  "UDPECHO OK - 192.0.2.1: rtt 1.000 ms, lost 30 % | rtt=0.001000s;;;0 "
                  "loss=30%;;;0;100 lost_forward=2;;;0 lost_backward=1;;;0\n",
                  *state);
}

static void tell_of(report_t *report, const event_t *event, run_t *run, const char *host)
{
    run->host = host;
    report->tell(report->context, event);
}

/* The prober describes each of them in the same place in memory. */
static void each_name_that_is_not_found_is_told_and_may_be_found_later(void **state)
{
    report_t *report = report_check(&none, *state);
    probe_summary_t good = answered(0, 1000);
    run_t run = script_run(MEASURE_PING);
    event_t event = script_event(EVENT_LOOKUP, &run);
    const char *text;

    report_check_expect(report, "one");
    report_check_expect(report, "two");
    report_check_expect(report, "three");
    run.peer.length = 0;
    event.status = APR_EINVAL;
    tell_of(report, &event, &run, "one");
    tell_of(report, &event, &run, "two");
    tell_run(report, "two", &good);
    assert_int_equal(report_check_result(report, &text, *state), CHECK_UNKNOWN);
    assert_non_null(strstr(text, " 3 targets: 2 unknown, 1 ok |"));
    assert_non_null(strstr(text, "UNKNOWN - one: cannot find it: "));
    assert_non_null(strstr(text, "UNKNOWN - three: its name was not looked up in time\n"));
    assert_non_null(strstr(text, "OK - two: rtt 1.000 ms, lost 0 %\n"));
}

static void the_worst_of_several_comes_first(void **state)
{
    report_t *report = report_check(&thresholds, *state);
    probe_summary_t good = answered(0, 1000), slow = answered(0, 200000);
    run_t run = script_run(MEASURE_PING);
    event_t event = script_event(EVENT_LOOKUP, &run);

    run.host = "un|known";
    run.peer.length = 0;
    event.status = APR_EINVAL;
    tell_run(report, "one", &good);
    tell_run(report, "two", &slow);
    report->tell(report->context, &event);
    const char *text;

    assert_int_equal(report_check_result(report, &text, *state), CHECK_WARNING);
    assert_memory_equal(text,
                        "UDPECHO WARNING - 3 targets: 1 warning, 1 unknown, 1 ok | "
                        "'one rtt'=0.001000s;0.1;0.5;0 'one loss'=0%;20;60;0;100 "
                        "'two rtt'=0.200000s;0.1;0.5;0 'two loss'=0%;20;60;0;100\n"
                        "WARNING - two: rtt 200.000 ms, lost 0 %\n"
                        "UNKNOWN - un/known: cannot find it: ",
                        sizeof "UDPECHO WARNING - 3 targets: 1 warning, 1 unknown, 1 ok | "
                               "'one rtt'=0.001000s;0.1;0.5;0 'one loss'=0%;20;60;0;100 "
                               "'two rtt'=0.200000s;0.1;0.5;0 'two loss'=0%;20;60;0;100\n"
                               "WARNING - two: rtt 200.000 ms, lost 0 %\n"
                               "UNKNOWN - un/known: cannot find it: " -
                            1);
    assert_non_null(strstr(text, "\nOK - one: rtt 1.000 ms, lost 0 %\n"));
}

static void addresses_of_one_host_are_told_apart(void **state)
{
    report_t *report = report_check(&none, *state);
    probe_summary_t summary = answered(0, 1000);
    run_t runs[] = {script_run(MEASURE_PING), script_run(MEASURE_PING)};

    for (unsigned i = 0; i < 2; i++) {
        event_t event = script_event(EVENT_SUMMARY, &runs[i]);

        runs[i].host = "h";
        runs[i].peer = script_endpoint((unsigned char)(i + 1));
        event.summary = &summary;
        report->tell(report->context, &event);
    }
    assert_result(report, CHECK_OK,
                  "UDPECHO OK - 2 targets: 2 ok | 'h 192.0.2.1 rtt'=0.001000s;;;0 "
                  "'h 192.0.2.1 loss'=0%;;;0;100 'h 192.0.2.2 rtt'=0.001000s;;;0 "
                  "'h 192.0.2.2 loss'=0%;;;0;100\n"
                  "OK - h 192.0.2.1: rtt 1.000 ms, lost 0 %\n"
                  "OK - h 192.0.2.2: rtt 1.000 ms, lost 0 %\n",
                  *state);
}

static void what_nothing_is_told_of_is_unknown(void **state)
{
    report_t *report = report_check(&none, *state);
    probe_summary_t good = answered(0, 1000);

    report_check_expect(report, "slow");
    report_check_expect(report, "one");
    tell_run(report, "one", &good);
    assert_result(report, CHECK_UNKNOWN,
                  "UDPECHO UNKNOWN - 2 targets: 1 unknown, 1 ok | 'one rtt'=0.001000s;;;0 "
                  "'one loss'=0%;;;0;100\n"
                  "UNKNOWN - slow: its name was not looked up in time\n"
                  "OK - one: rtt 1.000 ms, lost 0 %\n",
                  *state);
}

static void nothing_asked_is_unknown(void **state)
{
    assert_result(report_check(&none, *state), CHECK_UNKNOWN,
                  "UDPECHO UNKNOWN - nothing was asked\n", *state);
    assert_string_equal(check_unknown("a|b\nc", *state), "UDPECHO UNKNOWN - a/b c\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(what_is_worse_than_a_threshold_makes_a_state),
        scene(what_was_corrupted_or_not_sent_is_missing_too),
        scene(no_answer_is_critical_and_nothing_sent_is_unknown),
        scene(a_round_trip_that_is_not_known_has_no_state),
        scene(why_nothing_was_answered_is_told),
        scene(losses_of_each_way_are_numbers_too),
        scene(each_name_that_is_not_found_is_told_and_may_be_found_later),
        scene(the_worst_of_several_comes_first),
        scene(addresses_of_one_host_are_told_apart),
        scene(what_nothing_is_told_of_is_unknown),
        scene(nothing_asked_is_unknown),
    };

    return cmocka_run_group_tests_name("report_check", tests, NULL, NULL);
}
