#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "report_script.h"

/* One run in all formats: whatever two of them tell, they tell alike. */

#define REPLIES 3

static const reply_verdict_t verdicts[REPLIES] = {REPLY_ANSWER, REPLY_LATE, REPLY_DUPLICATE};

typedef struct written {
    const char *text, *json, *csv;
} written_t;

static written_t write_run(report_options_t options, apr_pool_t *pool)
{
    run_t run = script_run(MEASURE_FLOOD);
    probe_summary_t summary = script_summary();
    arrival_t arrival = script_arrival();
    reply_t replies[REPLIES];
    event_t events[REPLIES + 2];

    events[0] = script_event(EVENT_START, &run);
    for (unsigned i = 0; i < REPLIES; i++) {
        replies[i] = script_reply(verdicts[i]);
        replies[i].sequence = 10 + i;
        replies[i].round_trip = 999 + (apr_interval_time_t)i * 1000001;
        events[i + 1] = script_event(EVENT_REPLY, &run);
        events[i + 1].reply = &replies[i];
        events[i + 1].arrival = &arrival;
    }
    events[REPLIES + 1] = script_event(EVENT_SUMMARY, &run);
    events[REPLIES + 1].summary = &summary;
    return (written_t){script_report(report_text, options, events, REPLIES + 2, pool),
                       script_report(report_json, options, events, REPLIES + 2, pool),
                       script_report(report_csv, options, events, REPLIES + 2, pool)};
}

/* The number behind `before`, which must be there, in microseconds or as it stands. */
static double number_behind(const char *text, const char *before)
{
    const char *found = strstr(text, before);

    if (found == NULL) {
        fail_msg("%s is missing in %s", before, text);
        return 0;
    }
    return strtod(found + strlen(before), NULL);
}

static void assert_summary_number(const written_t *written, const char *name, double expected)
{
    char member[64];
    char row[64];

    snprintf(member, sizeof member, "\"%s\":", name);
    snprintf(row, sizeof row, ",%s,", name);
    if (number_behind(strstr(written->json, "\"summary\""), member) != expected ||
        number_behind(strstr(written->csv, "\nsummary,"), row) != expected) {
        fail_msg("%s is not %f everywhere", name, expected);
    }
}

/* `names` are those of the numbers in the text that begins with `before`, with something else
 * between any two. */
static void assert_text_numbers(const written_t *written, const char *before,
                                const char *const *names, double scale)
{
    const char *at = strstr(written->text, before);

    assert_non_null(at);
    at += strlen(before);
    for (; *names != NULL; names++) {
        char *end;
        double shown = strtod(at + strcspn(at, "0123456789"), &end);

        at = end;
        assert_summary_number(written, *names,
                              (double)(apr_int64_t)(shown * scale * 10000 + 0.5) / 10000);
    }
}

static void the_formats_agree_on_the_summary(void **state)
{
    static const char *const datagrams[] = {"sent",     "received",     "corrupted",
                                            "lost",     "loss_percent", "outstanding",
                                            "not_sent", "refused",      NULL};
    static const char *const replies[] = {"late",
                                          "duplicate_replies",
                                          "reordered",
                                          "corrupt_replies",
                                          "misdelivered_replies",
                                          "elsewhere_replies",
                                          "unknown_replies",
                                          "received_per_second",
                                          NULL};
    static const char *const extremes[] = {"round_trip_min_us", "round_trip_mean_us",
                                           "round_trip_max_us", "round_trip_stddev_us", NULL};
    static const char *const percentiles[] = {"round_trip_p50_us", "round_trip_p90_us",
                                              "round_trip_p99_us", "round_trip_p999_us", NULL};
    static const char *const jitter[] = {"round_trip_jitter_us", NULL};
    written_t written = write_run((report_options_t){.lines = 1}, *state);

    assert_text_numbers(&written, "---\n", datagrams, 1);
    assert_text_numbers(&written, "refused\n", replies, 1);
    assert_text_numbers(&written, "min/mean/max/stddev", extremes, 1000);
    assert_text_numbers(&written, "p50/p90/p99/p99.9", percentiles, 1000);
    assert_text_numbers(&written, "jitter", jitter, 1000);
}

static void the_formats_agree_on_every_reply(void **state)
{
    written_t written = write_run((report_options_t){.lines = 1}, *state);
    const char *text = written.text;
    const char *json = written.json;
    const char *csv = written.csv;

    for (unsigned i = 0; i < REPLIES; i++) {
        char cell[128];

        text = strstr(text, "\n56 bytes from") + 1;
        json = strstr(json, "\n{\"record\":\"reply\"") + 1;
        csv = strstr(csv, "\nreply,") + 1;
        assert_true(number_behind(text, "seq=") == 10 + i);
        assert_true(number_behind(json, "\"sequence\":") == 10 + i);
        snprintf(cell, sizeof cell, "Z,,%u,", 10 + i);
        assert_ptr_equal(strstr(csv, cell), strstr(csv, "Z,,"));

        double round_trip = 999 + i * 1000001.0;

        assert_true((apr_int64_t)(number_behind(text, "time=") * 1000 + 0.5) ==
                    (apr_int64_t)round_trip);
        assert_true(number_behind(json, "\"round_trip_us\":") == round_trip);
        assert_true(number_behind(csv, ",192.0.2.1:7,56,false,56,") == round_trip);
    }
}

static void quiet_formats_keep_the_first_and_the_last(void **state)
{
    written_t written = write_run((report_options_t){.lines = 0}, *state);

    assert_null(strstr(written.text, "56 bytes from"));
    assert_null(strstr(written.json, "\"reply\""));
    assert_null(strstr(written.csv, "\nreply,"));
    assert_non_null(strstr(written.json, "\"start\""));
    assert_non_null(strstr(written.csv, "\nstart,"));
    assert_non_null(strstr(written.json, "\"summary\""));
    assert_non_null(strstr(written.csv, "\nsummary,"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_formats_agree_on_the_summary),
        scene(the_formats_agree_on_every_reply),
        scene(quiet_formats_keep_the_first_and_the_last),
    };

    return cmocka_run_group_tests_name("reports", tests, NULL, NULL);
}
