#include "unit.h"

#include "report_script.h"
#include "screen.h"

/* The text report of several peers on a terminal. */

#define PEERS 3

typedef struct session {
    run_t runs[PEERS];
    char hosts[PEERS][16];
    apr_file_t *file;
    report_t *report;
    apr_time_t now;
    apr_pool_t *pool;
} session_t;

static void tell(session_t *session, unsigned peer, event_t event)
{
    event.run = event.kind == EVENT_TOTAL ? NULL : &session->runs[peer];
    event.wall_clock = WALL_CLOCK;
    event.now = session->now;
    session->report->tell(session->report->context, &event);
}

static session_t *begin(report_options_t options, apr_pool_t *pool)
{
    session_t *session = apr_pcalloc(pool, sizeof *session);

    session->pool = pool;
    session->now = WALL_CLOCK;
    session->file = script_file(pool);
    options.output = output_create(session->file, 0, pool);
    session->report = report_text(&options, pool);
    for (unsigned i = 0; i < PEERS; i++) {
        apr_snprintf(session->hosts[i], sizeof session->hosts[i], "192.0.2.%u", i + 1);
        session->runs[i] = script_run(MEASURE_PING);
        session->runs[i].host = session->hosts[i];
        session->runs[i].peer = script_endpoint((unsigned char)(i + 1));
        session->runs[i].is_one_of_many = 1;
        tell(session, i, (event_t){.kind = EVENT_START});
    }
    return session;
}

static void tell_summary(session_t *session, event_kind_t kind, unsigned peer, apr_uint64_t sent,
                         apr_uint64_t lost)
{
    probe_summary_t summary = {.sent = sent, .lost = lost, .received = sent - lost};

    tell(session, peer, (event_t){.kind = kind, .summary = &summary});
}

static void tell_total(session_t *session)
{
    static histogram_t lateness;
    total_t total = {.peers = PEERS, .answered = PEERS, .lateness = &lateness};

    tell(session, 0, (event_t){.kind = EVENT_TOTAL, .total = &total});
}

/* A second later. */
static void tell_progress(session_t *session, apr_uint64_t sent)
{
    session->now += APR_USEC_PER_SEC;
    for (unsigned i = 0; i < PEERS; i++) {
        tell_summary(session, EVENT_PROGRESS, i, sent, i);
    }
    session->now += APR_USEC_PER_SEC;
    tell_summary(session, EVENT_PROGRESS, 0, sent, 0);
}

static screen_t *screen_of(const session_t *session)
{
    screen_t *screen = apr_pcalloc(session->pool, sizeof *screen);

    show(screen, script_written(session->file, session->pool));
    return screen;
}

static void assert_begins(const char *text, const char *beginning)
{
    assert_memory_equal(text, beginning, strlen(beginning));
}

static const report_options_t usual = {.lines = 1, .table = 1, .has_keys = 1};

static void the_table_shows_every_peer_and_is_written_over(void **state)
{
    use_terminal(80, 24, 0, *state);
    session_t *session = begin(usual, *state);

    for (unsigned sent = 10; sent < 15; sent++) {
        tell_progress(session, sent);
    }
    const screen_t *screen = screen_of(session);

    assert_int_equal(screen->row, 0);
    assert_int_equal(screen->column, 0);
    assert_begins(row_of(screen, 0), "3 peers, 2 with loss, by loss, ");
    assert_begins(row_of(screen, 1), "target     loss %    sent");
    assert_begins(row_of(screen, 2), "192.0.2.3   14.29      14");
    assert_begins(row_of(screen, 4), "192.0.2.1       0      14");
    assert_string_equal(row_of(screen, 5), "");
}

static void nothing_is_erased_that_is_written_again(void **state)
{
    use_terminal(80, 24, 0, *state);
    session_t *session = begin(usual, *state);

    tell_progress(session, 10);
    tell_progress(session, 11);
    assert_null(strstr(script_written(session->file, *state), "\r\033[J"));
}

static void lines_scroll_above_it_and_the_rest_replaces_it(void **state)
{
    use_terminal(80, 24, 0, *state);
    session_t *session = begin(usual, *state);

    tell_progress(session, 10);
    tell(session, 1, (event_t){.kind = EVENT_LOOKUP, .status = APR_EINVAL});
    assert_begins(row_of(screen_of(session), 0), "192.0.2.2: lookup failed: ");
    assert_begins(row_of(screen_of(session), 1), "3 peers, ");
    for (unsigned i = 0; i < PEERS; i++) {
        tell_summary(session, EVENT_SUMMARY, i, 10, i);
    }
    tell_total(session);
    const screen_t *screen = screen_of(session);

    assert_begins(row_of(screen, 1), "target ");
    assert_begins(row_of(screen, 4), "192.0.2.3 ");
    assert_string_equal(row_of(screen, 5), "--- all peers ---");
    for (unsigned row = screen->row; row < SCREEN_ROWS; row++) {
        assert_string_equal(row_of(screen, row), "");
    }
}

static void a_peer_that_is_asked_no_more_has_no_row(void **state)
{
    use_terminal(80, 24, 0, *state);
    session_t *session = begin(usual, *state);

    tell_progress(session, 10);
    tell_summary(session, EVENT_SUMMARY, 2, 10, 2);
    tell(session, 2, (event_t){.kind = EVENT_START}); /* whatever has its memory now is another */
    tell_summary(session, EVENT_SUMMARY, 1, 10, 1);
    tell_progress(session, 11);
    tell_summary(session, EVENT_SUMMARY, 1, 10, 1); /* of which nothing is known */
    const screen_t *screen = screen_of(session);
    unsigned row = 0;

    while (strncmp(row_of(screen, row), "2 peers, ", 9) != 0) {
        assert_in_range(row++, 0, SCREEN_ROWS - 2);
    }
    assert_begins(row_of(screen, row + 2), "192.0.2.3   18.18      11");
    assert_begins(row_of(screen, row + 3), "192.0.2.1 ");
    assert_string_equal(row_of(screen, row + 4), "");
}

static void rows_that_stay_leave_out_addresses_that_do_not_fit(void **state)
{
    use_terminal(80, 24, 0, *state);
    session_t *session = begin(usual, *state);

    session->runs[0].host = "echo1.fra.example.net";
    tell(session, 0, (event_t){.kind = EVENT_START});
    tell_summary(session, EVENT_SUMMARY, 0, 10, 0);
    made_up.is.columns = 100;
    tell(session, 1, (event_t){.kind = EVENT_LOOKUP, .status = APR_EINVAL});
    tell_summary(session, EVENT_SUMMARY, 0, 10, 0);
    made_up.is.columns = 65;
    tell(session, 2, (event_t){.kind = EVENT_LOOKUP, .status = APR_EINVAL});
    tell_summary(session, EVENT_SUMMARY, 0, 10, 0);
    const screen_t *screen = screen_of(session);

    assert_begins(row_of(screen, 0), "target                   sent");
    assert_begins(row_of(screen, 1), "echo1.fra.example.net      10");
    assert_begins(row_of(screen, 3), "target                 address      sent");
    assert_begins(row_of(screen, 4), "echo1.fra.example.net  192.0.2.1      10");
    assert_begins(row_of(screen, 6), "target             sent");
    assert_begins(row_of(screen, 7), "echo1.fra.example.net      10");
}

static void a_name_without_an_address_has_a_row_until_it_is_found(void **state)
{
    use_terminal(80, 24, 0, *state);
    session_t *session = begin(usual, *state);
    run_t run = session->runs[0];

    run.host = "no.example.net";
    run.peer.length = 0;
    event_t event = {.kind = EVENT_LOOKUP, .run = &run, .status = APR_EINVAL};

    event.now = session->now;
    session->report->tell(session->report->context, &event);
    tell_progress(session, 10);
    assert_begins(row_of(screen_of(session), 1), "3 peers, 1 not asked, 2 with loss");
    assert_begins(row_of(screen_of(session), 3), "no.example.net  not found: ");
    session->now += 60 * APR_USEC_PER_SEC; /* nobody has looked it up since: it is no target */
    tell_progress(session, 11);
    assert_begins(row_of(screen_of(session), 1), "3 peers, 2 with loss");
    event.now = session->now;
    session->report->tell(session->report->context, &event);
    tell_progress(session, 12);
    assert_begins(row_of(screen_of(session), 1), "3 peers, 1 not asked");
    run.peer = script_endpoint(4);
    event.kind = EVENT_START;
    session->report->tell(session->report->context, &event);
    tell_progress(session, 13);
    assert_begins(row_of(screen_of(session), 1), "4 peers, 2 with loss");
}

static void many_lines_at_a_time_are_not_followed_by_a_table_each(void **state)
{
    use_terminal(80, 24, 0, *state);
    session_t *session = begin(usual, *state);
    endpoint_t former = script_endpoint(9);
    unsigned tables = 0;

    tell_progress(session, 10);
    for (unsigned i = 0; i < 100; i++) {
        session->now += 1000;
        tell(session, 1, (event_t){.kind = EVENT_ADDRESS, .former = &former});
    }
    for (const char *at = script_written(session->file, *state);
         (at = strstr(at, "3 peers")) != NULL; at++) {
        tables++;
    }
    assert_in_range(tables, 3, 6);
}

static void keys_sort_it(void **state)
{
    use_terminal(80, 24, 0, *state);
    session_t *session = begin(usual, *state);

    tell_progress(session, 10);
    assert_true(session->report->is_live);
    for (unsigned i = 0; i < 3; i++) {
        session->report->take_key(session->report->context, 's');
    }
    tell_summary(session, EVENT_PROGRESS, 0, 10, 0); /* at the same time as the last one */
    assert_begins(row_of(screen_of(session), 0), "3 peers, 2 with loss, by target, ");
    assert_begins(row_of(screen_of(session), 2), "192.0.2.1 ");
    session->report->take_key(session->report->context, 'r');
    session->report->take_key(session->report->context, 'x');
    tell_summary(session, EVENT_PROGRESS, 0, 10, 0);
    assert_begins(row_of(screen_of(session), 0), "3 peers, 2 with loss, by target, reversed, ");
    assert_begins(row_of(screen_of(session), 2), "192.0.2.3 ");
}

static void a_job_in_the_background_draws_nothing(void **state)
{
    use_terminal(80, 24, 0, *state);
    apr_env_set("NO_COLOR", "1", *state);
    session_t *session = begin(usual, *state);

    tell_progress(session, 10);
    const char *before = script_written(session->file, *state);

    made_up.is.is_background = 1;
    tell_progress(session, 11);
    tell(session, 1, (event_t){.kind = EVENT_LOOKUP, .status = APR_EINVAL});
    const char *after = script_written(session->file, *state) + strlen(before);

    assert_begins(after, "192.0.2.2: lookup failed: ");
    assert_null(strchr(after, '\033'));
    made_up.is.is_background = 0;
    tell_progress(session, 12);
    assert_non_null(strstr(script_written(session->file, *state) + strlen(before), "3 peers"));
}

static void a_terminal_that_was_resized_is_asked_again(void **state)
{
    use_terminal(200, 24, 0, *state);
    session_t *session = begin(usual, *state);

    tell_progress(session, 10);
    const char *before = script_written(session->file, *state);

    made_up.is = (terminal_t){.columns = 40, .rows = 4};
    tell_progress(session, 11);
    screen_t *screen = apr_pcalloc(*state, sizeof *screen);

    show(screen, script_written(session->file, *state) + strlen(before));
    assert_in_range(screen->longest, 20, 39);
    assert_string_equal(row_of(screen, 2), "and 3 more, 2 of them with loss");
}

static void what_is_no_terminal_has_no_table(void **state)
{
    made_up.exists = 0;
    session_t *session = begin(usual, *state);

    tell_progress(session, 10);
    assert_false(session->report->is_live);
    assert_null(session->report->take_key);
    assert_string_equal(script_written(session->file, *state), "");
}

static void colours_are_left_out_on_demand(void **state)
{
    use_terminal(80, 24, 0, *state);
    session_t *session = begin(usual, *state);

    tell_progress(session, 10);
    assert_non_null(strstr(script_written(session->file, *state), "\033[33m192.0.2.3 "));
    apr_env_set("NO_COLOR", "1", *state);
    session = begin(usual, *state);
    tell_progress(session, 10);
    tell_summary(session, EVENT_SUMMARY, 2, 10, 2);
    assert_null(strstr(script_written(session->file, *state), "\033[33m"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_table_shows_every_peer_and_is_written_over),
        scene(nothing_is_erased_that_is_written_again),
        scene(lines_scroll_above_it_and_the_rest_replaces_it),
        scene(a_peer_that_is_asked_no_more_has_no_row),
        scene(rows_that_stay_leave_out_addresses_that_do_not_fit),
        scene(a_name_without_an_address_has_a_row_until_it_is_found),
        scene(many_lines_at_a_time_are_not_followed_by_a_table_each),
        scene(keys_sort_it),
        scene(a_job_in_the_background_draws_nothing),
        scene(a_terminal_that_was_resized_is_asked_again),
        scene(what_is_no_terminal_has_no_table),
        scene(colours_are_left_out_on_demand),
    };

    return cmocka_run_group_tests_name("live_table", tests, NULL, NULL);
}
