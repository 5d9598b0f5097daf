#include "unit.h"

#include <apr_file_info.h>

#include "client/output/report_plot.h"
#include "report_script.h"

/* One picture. */
typedef struct session {
    report_plot_t *plot;
    const char *path;
    apr_time_t now;
    apr_pool_t *pool;
} session_t;

static session_t begin(apr_pool_t *pool)
{
    session_t session = {.path = "report_plot.svg", .now = WALL_CLOCK, .pool = pool};

    apr_file_remove(session.path, pool);
    assert_null(report_plot_create(&session.plot, session.path, pool));
    assert_null(report_plot_report(session.plot)->output);
    return session;
}

static void tell(const session_t *session, const run_t *run, event_t event)
{
    report_t *report = report_plot_report(session->plot);

    event.run = run;
    event.now = session->now;
    event.wall_clock = WALL_CLOCK;
    report->tell(report->context, &event);
}

static void tell_reply(const session_t *session, const run_t *run, reply_verdict_t verdict)
{
    reply_t reply = script_reply(verdict);
    arrival_t arrival = script_arrival();

    tell(session, run, (event_t){.kind = EVENT_REPLY, .reply = &reply, .arrival = &arrival});
}

static void tell_summary(const session_t *session, const run_t *run, probe_summary_t summary,
                         int is_interim)
{
    tell(session, run,
         (event_t){.kind = EVENT_SUMMARY, .summary = &summary, .is_interim = is_interim});
}

/* The file, which must be there, and is taken away. */
static const char *taken(const session_t *session)
{
    apr_file_t *file;

    assert_int_equal(report_plot_status(session->plot), APR_SUCCESS);
    assert_int_equal(apr_file_open(&file, session->path, APR_FOPEN_READ, 0, session->pool),
                     APR_SUCCESS);
    const char *text = script_written(file, session->pool);

    apr_file_close(file);
    apr_file_remove(session->path, session->pool);
    return text;
}

static int exists(const session_t *session)
{
    apr_finfo_t info;

    return apr_stat(&info, session->path, APR_FINFO_TYPE, session->pool) == APR_SUCCESS;
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("%s is missing in %s", part, text);
    }
}

static void it_has_the_numbers_of_the_summary(void **state)
{
    session_t session = begin(*state);
    run_t run = script_run(MEASURE_PING);

    tell(&session, &run, (event_t){.kind = EVENT_START});
    session.now += 3000000;
    tell_reply(&session, &run, REPLY_ANSWER);
    tell_reply(&session, &run, REPLY_CORRUPT);
    tell_reply(&session, &run, REPLY_DUPLICATE);
    assert_false(exists(&session));
    tell_summary(&session, &run, script_summary(), 0);
    const char *text = taken(&session);

    assert_has(text, ">udpecho 192.0.2.1:7<");
    assert_has(text, ">2026-01-31 12:00:00 to 2026-01-31 12:00:03 UTC<");
    assert_has(text, ">1000 sent, 985 received, 2 corrupted, 11 lost (1.1022 %), 2 outstanding, "
                     "4 not sent, 3 refused<");
    assert_has(text, ">11 lost<");
    assert_has(text, ">5 late<");
    assert_has(text, ">8 corrupt<");
    assert_has(text, ">7 duplicate<");
    assert_has(text, ">p50 0.305 ms<");
    assert_has(text, ">p99 1.001 ms<");
    assert_has(text, ">seconds since the start<");
}

static void an_interim_summary_writes_it_as_well(void **state)
{
    session_t session = begin(*state);
    run_t run = script_run(MEASURE_PING);

    tell(&session, &run, (event_t){.kind = EVENT_START});
    tell_summary(&session, &run, script_summary(), 1);
    assert_has(taken(&session), "UTC, not at its end yet<");
    tell_summary(&session, &run, script_summary(), 0);
    assert_null(strstr(taken(&session), "not at its end yet"));
}

static void a_late_answer_is_not_lost(void **state)
{
    session_t session = begin(*state);
    run_t run = script_run(MEASURE_PING);
    request_t request = {.sequence = 3};
    probe_summary_t summary = {.sent = 1, .received = 1, .late = 1};

    tell(&session, &run, (event_t){.kind = EVENT_START});
    session.now += 2000000;
    tell(&session, &run, (event_t){.kind = EVENT_MISSING, .request = &request});
    tell_reply(&session, &run, REPLY_LATE);
    tell_summary(&session, &run, summary, 0);
    const char *text = taken(&session);

    assert_has(text, "<path class=\"lost\" fill=\"none\" stroke-width=\"1.5\" stroke=\"#b00020\" "
                     "d=\"\"/>");
    assert_has(text, ">1 late<");
}

/* The old run waits for what is under way while the new one goes on. */
static void a_name_that_moves_has_one_picture(void **state)
{
    session_t session = begin(*state);
    run_t first = script_run(MEASURE_PING), second = script_run(MEASURE_PING);
    endpoint_t former = script_endpoint(1);
    probe_summary_t one = {.sent = 3, .received = 1, .lost = 2, .timed = 1};
    probe_summary_t other = {.sent = 2, .received = 1, .lost = 1, .timed = 1};

    one.minimum = one.maximum = one.p50 = one.p90 = one.p99 = 312;
    other.minimum = other.maximum = other.p50 = other.p90 = other.p99 = 312;
    second.peer = script_endpoint(2);
    tell(&session, &first, (event_t){.kind = EVENT_START});
    tell_reply(&session, &first, REPLY_ANSWER);
    session.now += 1000000;
    tell(&session, &second, (event_t){.kind = EVENT_START});
    tell(&session, &second, (event_t){.kind = EVENT_ADDRESS, .former = &former});
    tell_reply(&session, &second, REPLY_ANSWER);
    tell_summary(&session, &first, one, 0);
    assert_false(exists(&session));
    tell_summary(&session, &second, other, 0);
    const char *text = taken(&session);

    assert_has(text, ">2 sent, 1 received, 1 lost (50 %)<");
    assert_has(text, ">The lines above are of the last of 2 addresses,");
    assert_has(text, ">3 lost<");
}

static void round_trips_with_load_are_beside_those_without(void **state)
{
    session_t session = begin(*state);
    run_t idle = script_run(MEASURE_LOAD), loaded = idle, flood = idle;
    load_result_t load = {.idle = {.sent = 2, .received = 1, .timed = 1, .lost = 1, .p50 = 301},
                          .loaded = {.sent = 4, .received = 1, .timed = 1, .lost = 3, .p50 = 307},
                          .has_load = 1,
                          .load = script_summary(),
                          .run = &flood};

    load.idle.minimum = load.idle.maximum = load.loaded.minimum = load.loaded.maximum = 312;
    tell(&session, &idle, (event_t){.kind = EVENT_START});
    session.now += 1000000;
    tell_reply(&session, &idle, REPLY_ANSWER);
    session.now += 1000000;
    tell_reply(&session, &loaded, REPLY_ANSWER);
    tell(&session, &idle, (event_t){.kind = EVENT_LOAD, .load = &load});
    tell_summary(&session, &idle, load.loaded, 0);
    const char *text = taken(&session);

    assert_has(text, ">with load<");
    assert_has(text, ">4 lost<");
    assert_has(text, ">Datagrams by round trip without load, ms, linear scale<");
    assert_has(text, ">p50 0.301 ms<");
    assert_has(text, ">Datagrams by round trip with load, ms, linear scale<");
    assert_has(text, ">p50 0.307 ms<");
    assert_has(text, ">                    idle      loaded    increase<");
}

static void each_way_has_a_line(void **state)
{
    session_t session = begin(*state);
    run_t run = script_run(MEASURE_PING);
    one_way_t one_way = {.has_delays = 1, .forward = 300, .backward = 200};
    directions_summary_t directions = {.forward = {.count = 1, .minimum = 300},
                                       .backward = {.count = 1, .minimum = 200}};
    reply_t reply = script_reply(REPLY_ANSWER);
    arrival_t arrival = script_arrival();
    probe_summary_t summary = script_summary();

    tell(&session, &run, (event_t){.kind = EVENT_START});
    session.now += 1000;
    tell(&session, &run,
         (event_t){.kind = EVENT_REPLY, .reply = &reply, .arrival = &arrival, .one_way = &one_way});
    tell(&session, &run,
         (event_t){.kind = EVENT_SUMMARY, .summary = &summary, .directions = &directions});
    const char *text = taken(&session);

    assert_has(text, ">Packet delay variation each way, mean, ms<");
    assert_has(text, ">forward<");
    assert_has(text, ">backward<");
}

static void a_sweep_has_a_column_for_each_port(void **state)
{
    session_t session = begin(*state);
    run_t run = script_run(MEASURE_SWEEP);
    const sweep_row_t rows[] = {{.port = 41000, .is_suspect = 1, .summary = {.sent = 3, .lost = 3}},
                                {.port = 41001, .summary = script_summary()}};
    sweep_result_t sweep = {.count = 2, .rows = rows, .suspects = 1, .verdict = "1 is <worse>."};

    tell(&session, &run, (event_t){.kind = EVENT_START});
    tell(&session, &run, (event_t){.kind = EVENT_SWEEP, .sweep = &sweep});
    tell_summary(&session, &run, script_summary(), 0);
    const char *text = taken(&session);

    assert_has(text, ">! 41000<");
    assert_has(text, ">41001<");
    assert_has(text, ">100<");
    assert_has(text, ">1 is &lt;worse&gt;.<");
}

/* ---- Several peers ---- */

#define PEERS 50

static void several_peers_have_a_row_each_the_worst_first(void **state)
{
    session_t session = begin(*state);
    static histogram_t lateness;
    total_t total = {.peers = PEERS, .answered = PEERS - 1, .lateness = &lateness};
    run_t runs[PEERS];

    for (unsigned i = 0; i < PEERS; i++) {
        runs[i] = script_run(MEASURE_PING);
        runs[i].host = apr_psprintf(*state, "host-%u.example.net", i);
        runs[i].is_one_of_many = 1;
        tell(&session, &runs[i], (event_t){.kind = EVENT_START});
    }
    session.now += 1000000;
    for (unsigned i = 0; i < PEERS; i++) {
        probe_summary_t summary = script_summary();

        summary.lost = i == 7 ? summary.sent - summary.outstanding : i;
        tell_reply(&session, &runs[i], REPLY_ANSWER);
        tell_summary(&session, &runs[i], summary, 0);
        assert_false(exists(&session));
    }
    tell(&session, NULL, (event_t){.kind = EVENT_TOTAL, .total = &total});
    const char *text = taken(&session);

    assert_has(text, ">udpecho: 50 peers<");
    assert_has(text, ">50 asked, 49 answered<");
    assert_has(text, ">and 10 more<");
    const char *worst = strstr(text, ">host-7.example.net (192.0.2.1:7)<");
    const char *next = strstr(text, ">host-49.example.net (192.0.2.1:7)<");

    assert_non_null(worst);
    assert_true(next > worst);
    assert_null(strstr(text, ">host-0.example.net"));
}

/* However many there were in a long time. */
static void peers_that_are_over_make_room(void **state)
{
    session_t session = begin(*state);
    static histogram_t lateness;
    total_t total = {.peers = 5000, .lateness = &lateness};
    run_t run = script_run(MEASURE_PING);

    run.is_one_of_many = 1;
    for (unsigned i = 0; i < 5000; i++) {
        probe_summary_t summary = script_summary();

        summary.lost = i == 4999 ? 998 : 0;
        run.host = apr_psprintf(*state, "host-%u", i);
        tell(&session, &run, (event_t){.kind = EVENT_START});
        tell_reply(&session, &run, REPLY_ANSWER);
        tell_summary(&session, &run, summary, 0);
    }
    tell(&session, &run, (event_t){.kind = EVENT_TOTAL, .total = &total});
    const char *text = taken(&session);

    assert_has(text, ">host-4999 (192.0.2.1:7)<");
    assert_has(text, ">and 4960 more<");
}

static void a_long_name_is_cut_off(void **state)
{
    session_t session = begin(*state);
    run_t run = script_run(MEASURE_PING);
    char name[300] = "";

    memset(name, 'n', sizeof name - 1);
    run.host = name;
    tell(&session, &run, (event_t){.kind = EVENT_START});
    tell_summary(&session, &run, script_summary(), 0);
    assert_has(taken(&session), "nnn\xe2\x80\xa6<");
}

/* ---- The file ---- */

static void a_folder_that_is_missing_is_known_at_the_start(void **state)
{
    report_plot_t *plot;
    const char *error = report_plot_create(&plot, "no-such-folder/run.svg", *state);

    assert_non_null(error);
    assert_memory_equal(error, "cannot write it: ", 17);
}

static void a_failure_is_known_at_the_end(void **state)
{
    session_t session = begin(*state);
    run_t run = script_run(MEASURE_PING);

    assert_int_equal(apr_dir_make(session.path, APR_FPROT_OS_DEFAULT, *state), APR_SUCCESS);
    tell(&session, &run, (event_t){.kind = EVENT_START});
    tell_summary(&session, &run, script_summary(), 0);
    assert_int_not_equal(report_plot_status(session.plot), APR_SUCCESS);
    assert_int_equal(apr_dir_remove(session.path, *state), APR_SUCCESS);
    tell_summary(&session, &run, script_summary(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(it_has_the_numbers_of_the_summary),
        scene(an_interim_summary_writes_it_as_well),
        scene(a_late_answer_is_not_lost),
        scene(a_name_that_moves_has_one_picture),
        scene(round_trips_with_load_are_beside_those_without),
        scene(each_way_has_a_line),
        scene(a_sweep_has_a_column_for_each_port),
        scene(several_peers_have_a_row_each_the_worst_first),
        scene(peers_that_are_over_make_room),
        scene(a_long_name_is_cut_off),
        scene(a_folder_that_is_missing_is_known_at_the_start),
        scene(a_failure_is_known_at_the_end),
    };

    return cmocka_run_group_tests_name("report_plot", tests, NULL, NULL);
}
