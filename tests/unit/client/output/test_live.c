#include "unit.h"

#include "report_script.h"
#include "screen.h"

/* ---- Runs ---- */

typedef struct session {
    run_t run;
    apr_file_t *file;
    report_t *report;
    apr_time_t now;
    apr_uint64_t sequence;
    apr_pool_t *pool;
} session_t;

static session_t begin(measurement_t measurement, int lines, int histogram, apr_pool_t *pool)
{
    session_t session = {
        .run = script_run(measurement), .file = script_file(pool), .now = WALL_CLOCK, .pool = pool};
    const report_options_t options = {
        .lines = lines, .histogram = histogram, .output = output_create(session.file, 0, pool)};

    session.report = report_text(&options, pool);
    return session;
}

static void tell(session_t *session, event_t event)
{
    event.run = &session->run;
    event.wall_clock = WALL_CLOCK; /* which may stand still, or go back */
    event.now = session->now;
    session->report->tell(session->report->context, &event);
}

static void tell_replies(session_t *session, unsigned count, apr_interval_time_t between)
{
    arrival_t arrival = script_arrival();

    for (unsigned i = 0; i < count; i++) {
        reply_t reply = script_reply(REPLY_ANSWER);

        reply.sequence = session->sequence++;
        reply.round_trip = 300 + (apr_interval_time_t)(reply.sequence * 37 % 200);
        tell(session, (event_t){.kind = EVENT_REPLY, .reply = &reply, .arrival = &arrival});
        session->now += between;
    }
}

static void tell_summary(session_t *session, event_kind_t kind, probe_summary_t summary)
{
    tell(session, (event_t){.kind = kind, .summary = &summary});
}

static const char *written(const session_t *session)
{
    return script_written(session->file, session->pool);
}

static screen_t *screen_of(const session_t *session)
{
    screen_t *screen = apr_pcalloc(session->pool, sizeof *screen);

    show(screen, written(session));
    return screen;
}

/* ---- Scenes ---- */

static void lines_scroll_above_the_picture_and_nothing_of_it_stays(void **state)
{
    use_terminal(80, 24, 1, *state);
    session_t session = begin(MEASURE_PING, 1, 1, *state);

    tell(&session, (event_t){.kind = EVENT_START});
    tell_replies(&session, 30, 50000);
    screen_t *screen = screen_of(&session);

    for (unsigned i = 0; i < 30; i++) {
        const char *begins = apr_psprintf(*state, "56 bytes from 192.0.2.1:7: seq=%u ", i);

        assert_memory_equal(row_of(screen, i + 1), begins, strlen(begins));
    }
    assert_int_equal(screen->row, 31); /* at the beginning of the picture */
    assert_int_equal(screen->column, 0);
    assert_string_not_equal(row_of(screen, 32), "");

    tell_summary(&session, EVENT_SUMMARY, script_summary());
    screen = screen_of(&session);
    assert_memory_equal(row_of(screen, 31), "round trip, ms", 14); /* the histogram that stays */
    assert_string_equal(row_of(screen, screen->row), "");
    assert_memory_equal(row_of(screen, screen->row - 1), "            jitter", 18);
    for (unsigned row = screen->row; row < SCREEN_ROWS; row++) {
        assert_string_equal(row_of(screen, row), "");
    }
}

static void what_the_terminal_echoes_is_erased_too(void **state)
{
    use_terminal(80, 24, 1, *state);
    session_t session = begin(MEASURE_FLOOD, 0, 0, *state);

    tell(&session, (event_t){.kind = EVENT_START});
    session.now += 200000;
    tell_summary(&session, EVENT_PROGRESS, script_summary());
    screen_t *screen = screen_of(&session);
    const char *before = written(&session);

    assert_string_not_equal(row_of(screen, 1), "");
    show(screen, "^C");
    tell_summary(&session, EVENT_SUMMARY, (probe_summary_t){.sent = 1, .lost = 1});
    show(screen, written(&session) + strlen(before));
    assert_string_equal(row_of(screen, 1), "--- 192.0.2.1:7 ---");
    assert_string_equal(row_of(screen, screen->row), "");
}

static void a_flood_shows_one_line_that_is_written_over(void **state)
{
    probe_summary_t summary = script_summary();

    use_terminal(100, 24, 0, *state);
    session_t session = begin(MEASURE_FLOOD, 0, 0, *state);

    tell(&session, (event_t){.kind = EVENT_START});
    session.now += 500000;
    tell_summary(&session, EVENT_PROGRESS, summary);
    assert_string_equal(row_of(screen_of(&session), 1),
                        "0 s, lost 1.1022 %, sent 2000/s, received 1970/s, p50/p99 0.305/1.001 ms");
    session.now += 500000;
    summary.sent = 3000;
    tell_summary(&session, EVENT_PROGRESS, summary);
    session.now += 1000000;
    summary.sent = 3500;
    summary.received = 1485;
    summary.timed = summary.received;
    tell_summary(&session, EVENT_PROGRESS, summary);
    screen_t *screen = screen_of(&session);

    assert_string_equal(row_of(screen, 1),
                        "2 s, lost 0.3145 %, sent 500/s, received 500/s, p50/p99 0.305/1.001 ms");
    assert_string_equal(row_of(screen, 2), "");
}

static void it_tells_which_way_datagrams_are_lost(void **state)
{
    probe_summary_t summary = script_summary();
    loss_counts_t losses = {.forward = 7, .backward = 4};

    use_terminal(120, 24, 0, *state);
    session_t session = begin(MEASURE_FLOOD, 0, 0, *state);

    tell(&session, (event_t){.kind = EVENT_START});
    session.now += 500000;
    tell(&session, (event_t){.kind = EVENT_PROGRESS, .summary = &summary, .losses = &losses});
    assert_string_equal(row_of(screen_of(&session), 1),
                        "0 s, lost 1.1022 % (forward 7, backward 4), sent 2000/s, "
                        "received 1970/s, p50/p99 0.305/1.001 ms");
}

static void no_line_is_as_wide_as_the_terminal(void **state)
{
    static const unsigned widths[] = {20, 21, 40, 80, 200};

    for (unsigned i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        for (unsigned rows = 1; rows <= 24; rows++) {
            use_terminal(widths[i], rows, (int)rows % 2, *state);
            session_t session = begin(MEASURE_FLOOD, 0, 1, *state);

            tell_replies(&session, 300, 20000);
            tell_summary(&session, EVENT_PROGRESS, script_summary());
            screen_t *screen = screen_of(&session);
            unsigned used = 0;

            assert_in_range(screen->longest, 0, widths[i] - 1);
            while (*row_of(screen, used) != '\0') {
                used++;
            }
            assert_in_range(used, rows > 1, rows - (rows > 1));
        }
    }
}

static void it_is_drawn_anew_ten_times_a_second_at_most(void **state)
{
    use_terminal(80, 24, 1, *state);
    session_t session = begin(MEASURE_FLOOD, 0, 1, *state);
    unsigned drawn = 0;

    tell_replies(&session, 2001, 1000);
    for (const char *at = written(&session); (at = strstr(at, "\033[J")) != NULL; at++) {
        drawn++;
    }
    assert_int_equal(drawn, 20); /* in 2 s; the first time there is nothing to erase */
}

static void a_window_that_was_resized_is_asked_again(void **state)
{
    use_terminal(200, 24, 1, *state);
    session_t session = begin(MEASURE_PING, 0, 1, *state);

    tell_replies(&session, 300, 20000);
    const char *before = written(&session);

    made_up.is.columns = 20;
    tell_replies(&session, 5, 20000);
    screen_t *screen = apr_pcalloc(*state, sizeof *screen);

    show(screen, written(&session) + strlen(before));
    assert_in_range(screen->longest, 10, 19);
}

static void colours_mark_what_is_wrong(void **state)
{
    request_t request = {.sequence = 3, .length = 56};

    use_terminal(80, 24, 1, *state);
    session_t session = begin(MEASURE_PING, 1, 0, *state);

    tell_replies(&session, 1, 0);
    tell(&session, (event_t){.kind = EVENT_MISSING, .request = &request});
    assert_string_equal(written(&session),
                        "56 bytes from 192.0.2.1:7: seq=0 time=0.300 ms\n"
                        "\033[31m56 bytes to 192.0.2.1:7: seq=3 no answer within 1s\033[m\n");
}

static void no_color_is_heard(void **state)
{
    request_t request = {.sequence = 3, .length = 56};

    use_terminal(80, 24, 1, *state);
    apr_env_set("NO_COLOR", "1", *state);
    session_t session = begin(MEASURE_PING, 1, 0, *state);

    tell(&session, (event_t){.kind = EVENT_MISSING, .request = &request});
    assert_string_equal(written(&session), "56 bytes to 192.0.2.1:7: seq=3 no answer within 1s\n");
    apr_env_set("NO_COLOR", "", *state);
    session = begin(MEASURE_PING, 1, 0, *state);
    tell(&session, (event_t){.kind = EVENT_MISSING, .request = &request});
    assert_non_null(strstr(written(&session), "\033[31m"));
}

static void what_is_no_terminal_gets_text_and_one_histogram_in_ascii(void **state)
{
    made_up.exists = 0;
    session_t session = begin(MEASURE_FLOOD, 0, 1, *state);

    tell(&session, (event_t){.kind = EVENT_START});
    tell_replies(&session, 300, 20000);
    tell_summary(&session, EVENT_PROGRESS, script_summary());
    assert_string_equal(written(&session), "udpecho 192.0.2.1:7: a flood of 56 bytes of payload\n");
    tell_summary(&session, EVENT_SUMMARY, script_summary());
    const char *text = written(&session);

    assert_non_null(strstr(text, "payload\nround trip, ms, linear scale\n0.30 - 0.32 ##"));
    assert_null(strchr(text, '\033'));
    for (const char *at = text; *at != '\0'; at++) {
        assert_false(*at & 0x80);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(lines_scroll_above_the_picture_and_nothing_of_it_stays),
        scene(what_the_terminal_echoes_is_erased_too),
        scene(a_flood_shows_one_line_that_is_written_over),
        scene(it_tells_which_way_datagrams_are_lost),
        scene(no_line_is_as_wide_as_the_terminal),
        scene(it_is_drawn_anew_ten_times_a_second_at_most),
        scene(a_window_that_was_resized_is_asked_again),
        scene(colours_mark_what_is_wrong),
        scene(no_color_is_heard),
        scene(what_is_no_terminal_gets_text_and_one_histogram_in_ascii),
    };

    return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
