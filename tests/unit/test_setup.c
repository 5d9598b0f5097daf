/* Settings that change while the server runs. */

#include "unit.h"

#include "captured_log.h"
#include "reload.h"
#include "written_file.h"

#define FILE_NAME "test-reload.conf"

/* Starts with one file, reloads another; returns the log and sets `settings`. */
static const char *reloaded(const char *before, const char *after, settings_t *settings,
                            apr_pool_t *pool)
{
    static const char *const argv[] = {"udpechod", "--config=" FILE_NAME, "--workers=2", NULL};
    captured_log_t captured = capture_log(pool);
    exit_code_t code;

    write_file(FILE_NAME, before, pool);
    assert_null(settings_read(settings, 3, argv, &code, pool));
    log_set_level(captured.log, (log_level_t)settings->log_level);
    write_file(FILE_NAME, after, pool);
    reload(settings, captured.log, pool);
    log_end(log_begin(captured.log, LOG_LEVEL_DEBUG, "in detail"));
    apr_file_remove(FILE_NAME, pool);
    return captured_text(&captured);
}

static void the_level_rises_and_falls(void **state)
{
    settings_t settings;
    const char *log = reloaded("log-level=error", "log-level=debug", &settings, *state);

    assert_non_null(strstr(log, " info reloaded log_level=debug\n"));
    assert_non_null(strstr(log, " debug in detail\n"));
    assert_int_equal(settings.log_level, LOG_LEVEL_DEBUG);
    log = reloaded("log-level=debug", "log-level=error", &settings, *state);
    assert_non_null(strstr(log, " info reloaded log_level=error\n"));
    assert_null(strstr(log, "in detail"));
}

static void what_needs_a_restart_is_named(void **state)
{
    settings_t settings;
    const char *log =
        reloaded("workers=3", "listen=[::1]:7\nworkers=4\ncount=3", &settings, *state);

    /* --workers is on the command line, which wins as before. */
    assert_non_null(strstr(log, " warning changed settings need a restart options=listen,count\n"));
    assert_int_equal(settings.count, 0);
    assert_string_equal(APR_ARRAY_IDX(settings.listen, 0, const char *), "127.0.0.1:8888");
}

static void nothing_else_is_said_when_nothing_else_changed(void **state)
{
    settings_t settings;

    assert_null(strstr(reloaded("count=3", "count=3", &settings, *state), "restart"));
}

static void a_wrong_file_changes_nothing_and_is_told_with_its_line(void **state)
{
    settings_t settings;
    const char *log =
        reloaded("log-level=info", "log-level=debug\ncount=none\n", &settings, *state);

    assert_non_null(strstr(log, " error cannot reload, nothing changed error=\"" FILE_NAME ":2: "));
    assert_null(strstr(log, "in detail"));
    assert_int_equal(settings.log_level, LOG_LEVEL_INFO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_level_rises_and_falls),
        scene(what_needs_a_restart_is_named),
        scene(nothing_else_is_said_when_nothing_else_changed),
        scene(a_wrong_file_changes_nothing_and_is_told_with_its_line),
    };

    return cmocka_run_group_tests_name("reload", tests, NULL, NULL);
}
