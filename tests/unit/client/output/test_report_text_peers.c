#include "unit.h"

#include "report_script.h"

/* The text report where several peers are asked. */

#define PEERS 3

typedef struct script {
    run_t runs[PEERS];
    event_t events[32];
    unsigned count;
    apr_pool_t *pool;
} script_t;

/* Three peers whose first events have been told: a name, an IPv4 address and an IPv6 address with
 * a port. */
static script_t *begin(apr_pool_t *pool)
{
    static const char *const hosts[PEERS] = {"echo.example.net", "192.0.2.2", "[2001:db8::3]:8888"};
    script_t *script = apr_pcalloc(pool, sizeof *script);

    script->pool = pool;
    for (unsigned i = 0; i < PEERS; i++) {
        script->runs[i] = script_run(MEASURE_PING);
        script->runs[i].host = hosts[i];
        script->runs[i].peer = script_endpoint((unsigned char)(i + 1));
        script->runs[i].is_one_of_many = 1;
        script->events[script->count++] = script_event(EVENT_START, &script->runs[i]);
    }
    script->runs[2].peer = ipv6(0x20, 0x01, 3, 8888);
    script->runs[2].peer.sa.v6.sin6_addr.s6_addr[2] = 0x0d;
    script->runs[2].peer.sa.v6.sin6_addr.s6_addr[3] = 0xb8;
    return script;
}

static event_t *add(script_t *script, event_kind_t kind, unsigned peer)
{
    script->events[script->count] = script_event(kind, &script->runs[peer]);
    return &script->events[script->count++];
}

static void add_summary(script_t *script, unsigned peer, probe_summary_t summary)
{
    event_t *event = add(script, EVENT_SUMMARY, peer);

    event->summary = apr_pmemdup(script->pool, &summary, sizeof summary);
}

static const char *text_of(const script_t *script, report_options_t options)
{
    return script_report(report_text, options, script->events, script->count, script->pool);
}

/* Nothing is remarkable. */
static probe_summary_t good_summary(void)
{
    return (probe_summary_t){.sent = 1000,
                             .received = 1000,
                             .timed = 1000,
                             .minimum = 101,
                             .p50 = 305,
                             .p99 = 12001,
                             .maximum = 1204113,
                             .jitter = 17};
}

static const report_options_t usual = {.lines = 1};
static const report_options_t verbose = {.lines = 1, .lines_of_many = 1};

#define HEADING "target              address      sent lost % min ms p50 ms p99 ms max ms jitter\n"
#define FIRST   "echo.example.net    192.0.2.1    1000      0  0.101  0.305 12.001 1204.1  0.017\n"

static void each_peer_is_a_row_below_one_heading(void **state)
{
    script_t *script = begin(*state);

    add_summary(script, 0, good_summary());
    add_summary(script, 1, script_summary());
    add_summary(script, 2, (probe_summary_t){.sent = 4, .lost = 3, .outstanding = 1});
    assert_string_equal(
        text_of(script, usual), HEADING FIRST
        "192.0.2.2                        1000   1.10  0.101  0.305  1.001 1204.1  0.017"
        "  5 late, 7 duplicate, 6 reordered, 8 corrupt, 9 misdelivered, 10 from elsewhere, "
        "12 unknown, 4 not sent, 3 refused\n"
        "[2001:db8::3]:8888                  4    100      -      -      -      -      -\n");
}

static void without_names_there_is_no_column_for_addresses(void **state)
{
    script_t *script = begin(*state);

    memmove(script->events, script->events + 1, 2 * sizeof script->events[0]);
    script->count = 2;
    add_summary(script, 1, good_summary());
    assert_string_equal(text_of(script, usual),
                        "target                sent lost % min ms p50 ms p99 ms max ms jitter\n"
                        "192.0.2.2             1000      0  0.101  0.305 12.001 1204.1  0.017\n");
}

static void no_row_of_short_names_is_wider_than_80_columns(void **state)
{
    script_t *script = begin(*state);
    probe_summary_t summary = {.sent = 9999999,
                               .received = 9999998,
                               .timed = 1,
                               .lost = 1,
                               .minimum = 99999,
                               .p50 = 999994,
                               .p99 = 3599999999,
                               .maximum = 3600000000,
                               .jitter = 99999};

    script->runs[2] = script->runs[1];
    add_summary(script, 0, summary);
    const char *text = text_of(script, usual);

    assert_string_equal(strchr(text, '\n') + 1,
                        "echo.example.net  192.0.2.1 9999999   0.01 99.999 999.99 3599999 3600000 "
                        "99.999\n");
}

static void a_line_between_rows_has_them_begin_with_a_heading_again(void **state)
{
    script_t *script = begin(*state);
    endpoint_t former = script_endpoint(9);
    event_t *changed;

    add_summary(script, 0, good_summary());
    changed = add(script, EVENT_ADDRESS, 0);
    changed->former = &former;
    add_summary(script, 0, good_summary());
    add(script, EVENT_LOOKUP, 0)->status = APR_EINVAL;
    assert_string_equal(
        text_of(script, usual), HEADING FIRST
        "echo.example.net: address changed from 192.0.2.9 to 192.0.2.1\n" HEADING FIRST
        "echo.example.net: lookup failed: Invalid argument\n");
}

static void a_name_that_is_not_found_is_told_once_an_hour(void **state)
{
    static const char *const line = "echo.example.net: lookup failed: Invalid argument\n";
    const char *thrice = apr_pstrcat(*state, line, line, line, NULL);
    script_t *script = begin(*state);

    for (unsigned i = 0; i < 3; i++) {
        add(script, EVENT_LOOKUP, 0)->status = APR_EINVAL;
    }
    add(script, EVENT_LOOKUP, 0)->status = APR_EINVAL;
    script->events[script->count - 1].now += APR_INT64_C(3600) * APR_USEC_PER_SEC;
    add(script, EVENT_START, 0); /* it is found */
    add(script, EVENT_LOOKUP, 0)->status = APR_EINVAL;
    script->events[script->count - 1].now += APR_INT64_C(3600) * APR_USEC_PER_SEC;
    assert_string_equal(text_of(script, usual), thrice);
}

static void datagrams_have_lines_only_if_they_are_asked_for(void **state)
{
    script_t *script = begin(*state);
    reply_t reply = script_reply(REPLY_ANSWER);
    arrival_t arrival = script_arrival();
    request_t request = {.sequence = 9, .length = 56};
    event_t *event = add(script, EVENT_REPLY, 0);

    event->reply = &reply;
    event->arrival = &arrival;
    add(script, EVENT_MISSING, 1)->request = &request;
    assert_string_equal(text_of(script, usual), "");
    assert_string_equal(text_of(script, verbose),
                        "udpecho echo.example.net (192.0.2.1:7): 56 bytes of payload\n"
                        "udpecho 192.0.2.2:7: 56 bytes of payload\n"
                        "udpecho [2001:db8::3]:8888: 56 bytes of payload\n"
                        "echo.example.net: 56 bytes from 192.0.2.1:7: seq=3 time=0.312 ms\n"
                        "192.0.2.2: 56 bytes to 192.0.2.2:7: seq=9 no answer within 1s\n");
}

static void an_interval_is_a_line_for_each_target(void **state)
{
    script_t *script = begin(*state);
    probe_summary_t good = good_summary();
    const probe_summary_t lost = {.sent = 4, .lost = 3, .outstanding = 1};
    const probe_summary_t none = {.sent = 0};

    add(script, EVENT_INTERVAL, 0)->summary = &good;
    add(script, EVENT_INTERVAL, 1)->summary = &lost;
    add(script, EVENT_INTERVAL, 2)->summary = &none;
    script->runs[1].is_one_of_many = 0; /* one target has them as well */
    memmove(script->events, script->events + 3, 3 * sizeof script->events[0]);
    script->count = 3;
    assert_string_equal(text_of(script, usual),
                        "echo.example.net: sent 1000, lost 0 %, min/p50/p99/max "
                        "0.101/0.305/12.001/1204.113 ms\n"
                        "192.0.2.2: sent 4, lost 100 %\n"
                        "[2001:db8::3]:8888: sent 0, none answered or lost yet\n");
}

static void a_target_that_was_not_asked_has_a_row(void **state)
{
    script_t *script = begin(*state);

    add_summary(script, 0, good_summary());
    add(script, EVENT_NOT_ASKED, 1);
    script->runs[1].peer.length = 0;
    assert_string_equal(text_of(script, usual), HEADING FIRST
                        "192.0.2.2                     not asked: its name was not looked up "
                        "in time\n");
}

static void the_total_comes_last(void **state)
{
    static histogram_t lateness;
    script_t *script = begin(*state);
    total_t total = {.peers = 3, .answered = 2, .lateness = &lateness, .summary = good_summary()};
    event_t *event;

    add_summary(script, 0, good_summary());
    event = add(script, EVENT_TOTAL, 0);
    event->total = &total;
    event->run = NULL;
    assert_string_equal(text_of(script, usual), HEADING FIRST "--- all peers ---\n"
                                                              "3 asked, 2 answered\n"
                                                              "1000 sent, 1000 received, 0 lost "
                                                              "(0 %)\n");
    histogram_add(&lateness, 15);
    histogram_add(&lateness, 100);
    total.summary = script_summary();
    total.failures = 1;
    event->is_interim = 1;
    script->events[0] = *event;
    script->count = 1;
    assert_string_equal(text_of(script, usual),
                        "--- all peers, so far ---\n"
                        "3 asked, 2 answered, 1 lookup failed\n"
                        "1000 sent, 985 received, 2 corrupted, 11 lost (1.1022 %), 2 outstanding, "
                        "4 not sent, 3 refused\n"
                        "5 late, 7 duplicate, 6 reordered, 8 corrupt, 9 misdelivered, "
                        "10 from elsewhere, 12 unknown\n"
                        "sent after due  p50/p99/max  0.015/0.100/0.100 ms\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(each_peer_is_a_row_below_one_heading),
        scene(without_names_there_is_no_column_for_addresses),
        scene(no_row_of_short_names_is_wider_than_80_columns),
        scene(a_line_between_rows_has_them_begin_with_a_heading_again),
        scene(a_name_that_is_not_found_is_told_once_an_hour),
        scene(datagrams_have_lines_only_if_they_are_asked_for),
        scene(an_interval_is_a_line_for_each_target),
        scene(a_target_that_was_not_asked_has_a_row),
        scene(the_total_comes_last),
    };

    return cmocka_run_group_tests_name("report_text_peers", tests, NULL, NULL);
}
