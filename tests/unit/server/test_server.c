/* The service from its start to its end, in this process. */

#include "unit.h"

#include "bound_socket.h"
#include "captured_log.h"
#include "server/confine.h"
#include "server/server.h"

typedef struct outcome {
    exit_code_t code;
    const char *log;
} outcome_t;

static settings_t loopback_settings(apr_pool_t *pool)
{
    settings_t settings = settings_default(pool);

    settings.sandbox = SANDBOX_OFF; /* this process has more to do */
    APR_ARRAY_IDX(settings.listen[PROTOCOL_ECHO], 0, const char *) = "127.0.0.1:0";
    return settings;
}

static outcome_t run_server(const settings_t *settings, apr_pool_t *pool)
{
    captured_log_t captured = capture_log(pool);
    outcome_t outcome;
    host_t *host;

    assert_int_equal(host_start(&host, 1, pool), APR_SUCCESS);
    outcome.code = server_run(settings, host, captured.log, pool);
    outcome.log = captured_text(&captured);
    return outcome;
}

static void it_ends_by_itself_at_its_duration(void **state)
{
    settings_t settings = loopback_settings(*state);

    settings.duration = 20000;
    settings.workers = 3;
    outcome_t outcome = run_server(&settings, *state);

    assert_int_equal(outcome.code, EXIT_OK);
    assert_non_null(strstr(outcome.log, " info listening address=127.0.0.1:"));
    assert_non_null(strstr(outcome.log, " info serving workers=3 backend="));
    assert_non_null(strstr(outcome.log, " info stopped reason=duration received=0 "));
}

static void the_summary_has_no_counter_that_tells_nothing(void **state)
{
    settings_t settings = loopback_settings(*state);

    settings.duration = 1000;
    outcome_t outcome = run_server(&settings, *state);

    assert_non_null(strstr(outcome.log, " stopped reason=duration received=0 received_bytes=0 "
                                        "echoed=0 echoed_bytes=0 health=ok\n"));
}

/* An address of the loopback that another socket has. */
static const char *used_address(apr_pool_t *pool)
{
    return apr_psprintf(pool, "127.0.0.1:%u", (unsigned)bound_socket(pool)->port);
}

static void nothing_is_started_when_one_listener_cannot_be(void **state)
{
    settings_t settings = loopback_settings(*state);

    APR_ARRAY_PUSH(settings.listen[PROTOCOL_ECHO], const char *) = used_address(*state);
    outcome_t outcome = run_server(&settings, *state);

    assert_int_equal(outcome.code, EXIT_UNAVAILABLE);
    assert_null(strstr(outcome.log, "listening"));
    assert_null(strstr(outcome.log, "serving"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(it_ends_by_itself_at_its_duration),
        scene(the_summary_has_no_counter_that_tells_nothing),
        scene(nothing_is_started_when_one_listener_cannot_be),
    };

    return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
