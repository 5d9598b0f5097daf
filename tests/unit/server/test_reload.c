/* Settings that change while the server runs, and what is made of them. */

#include "unit.h"

#include "captured_log.h"
#include "server/reload.h"
#include "written_file.h"

#define FILE_NAME "test-reload.conf"

typedef struct outcome {
    setup_t *first;
    setup_t *second; /* NULL: the reload failed */
    const char *log;
} outcome_t;

/* Starts with one file, reloads another. */
static outcome_t reloaded(const char *before, const char *after, apr_pool_t *pool)
{
    static const char *const argv[] = {"udpechod", "--config=" FILE_NAME, "--workers=2", NULL};
    captured_log_t captured = capture_log(pool);
    settings_t *settings = apr_pcalloc(pool, sizeof *settings);
    setup_frame_t frame = {.settings = settings, .log = captured.log, .pool = pool};
    outcome_t outcome;
    exit_code_t code;

    platform_probe(&frame.platform, pool);
    write_file(FILE_NAME, before, pool);
    assert_null(settings_read(settings, 3, argv, &code, pool));
    frame.options = listener_options(settings, &frame.platform);
    log_set_level(captured.log, (log_level_t)settings->log_level);
    assert_int_equal(reload_first(&outcome.first, &frame), EXIT_OK);
    write_file(FILE_NAME, after, pool);
    outcome.second = reload_next(outcome.first, &frame);
    if (outcome.second != NULL) {
        reload_log(outcome.first, outcome.second, &frame);
        reload_retire(outcome.first, outcome.second, frame.log);
    }
    log_end(log_begin(captured.log, LOG_LEVEL_DEBUG, "in detail"));
    apr_file_remove(FILE_NAME, pool);
    outcome.log = captured_text(&captured);
    return outcome;
}

static void the_level_rises_and_falls(void **state)
{
    outcome_t outcome = reloaded("listen=127.0.0.1:0\nlog-level=error",
                                 "listen=127.0.0.1:0\nlog-level=debug", *state);

    assert_non_null(strstr(outcome.log, " info reloaded log_level=debug changed=log-level\n"));
    assert_non_null(strstr(outcome.log, " debug in detail\n"));
    assert_int_equal(outcome.second->settings.log_level, LOG_LEVEL_DEBUG);
    outcome = reloaded("listen=127.0.0.1:0\nlog-level=debug", "listen=127.0.0.1:0\nlog-level=error",
                       *state);
    assert_non_null(strstr(outcome.log, " info reloaded log_level=error"));
    assert_null(strstr(outcome.log, "in detail"));
}

static void what_needs_a_restart_is_named_and_stays(void **state)
{
    outcome_t outcome = reloaded("listen=127.0.0.1:0\nworkers=3\n",
                                 "listen=127.0.0.1:0\nworkers=4\ncount=3\nsandbox=off\n", *state);

    /* --workers is on the command line, which wins as before. */
    assert_non_null(
        strstr(outcome.log, " warning changed settings need a restart options=count,sandbox\n"));
    assert_int_equal(outcome.second->settings.count, 0);
}

static void whom_to_answer_and_how_much_changes(void **state)
{
    outcome_t outcome = reloaded("listen=127.0.0.1:0\nallow=192.0.2.0/24\nrate-limit=10/s\n",
                                 "listen=127.0.0.1:0\ndeny=192.0.2.0/25\nmax-rate=100/s\n"
                                 "deny-source-ports=7\nrate-limit-exempt=none\n",
                                 *state);

    assert_non_null(strstr(outcome.log, "changed=allow,deny,deny-source-ports,rate-limit,"
                                        "rate-limit-exempt,max-rate\n"));
    assert_null(strstr(outcome.log, "restart"));
    assert_non_null(outcome.second->policy->access);
    assert_null(outcome.second->policy->exempt);
    assert_non_null(outcome.second->policy->datagrams);
}

static void listeners_come_and_go(void **state)
{
    outcome_t outcome = reloaded("listen=127.0.0.1:0\n", "listen=[::1]:0\n", *state);

    assert_non_null(strstr(outcome.log, " changed=listen\n"));
    assert_non_null(strstr(outcome.log, " info listening address=[::1]:"));
    assert_non_null(strstr(outcome.log, " info no longer listening address=127.0.0.1:"));
    assert_int_equal(outcome.second->listeners.all->nelts, 1);
}

static void nothing_else_is_said_when_nothing_changed(void **state)
{
    outcome_t outcome =
        reloaded("listen=127.0.0.1:0\ncount=3", "listen=127.0.0.1:0\ncount=3", *state);

    assert_non_null(strstr(outcome.log, " info reloaded log_level=info\n"));
    assert_null(strstr(outcome.log, "restart"));
    assert_null(strstr(outcome.log, "listening"));
}

static void a_wrong_file_changes_nothing_and_is_told_with_its_line(void **state)
{
    outcome_t outcome = reloaded("listen=127.0.0.1:0\n", "log-level=debug\ncount=none\n", *state);

    assert_null(outcome.second);
    assert_non_null(
        strstr(outcome.log, " error cannot reload, nothing changed error=\"" FILE_NAME ":2: "));
    assert_null(strstr(outcome.log, "in detail"));
}

static void a_listener_that_cannot_be_opened_changes_nothing(void **state)
{
    outcome_t outcome =
        reloaded("listen=127.0.0.1:0\n",
                 "listen=127.0.0.1:0\nlisten=224.0.0.1:0\nlog-level=debug\n", *state);

    assert_null(outcome.second);
    assert_non_null(strstr(outcome.log, " error cannot listen address=224.0.0.1:0"));
    assert_non_null(strstr(outcome.log, " error cannot reload, nothing changed"));
    assert_null(strstr(outcome.log, "in detail"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_level_rises_and_falls),
        scene(what_needs_a_restart_is_named_and_stays),
        scene(whom_to_answer_and_how_much_changes),
        scene(listeners_come_and_go),
        scene(nothing_else_is_said_when_nothing_changed),
        scene(a_wrong_file_changes_nothing_and_is_told_with_its_line),
        scene(a_listener_that_cannot_be_opened_changes_nothing),
    };

    return cmocka_run_group_tests_name("reload", tests, NULL, NULL);
}
