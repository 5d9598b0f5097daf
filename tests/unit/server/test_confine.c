/* What the settings about privileges and the sandbox make of the system's answers. A script stands
 * in for the system. */

#include "unit.h"

#include <errno.h>

#include "captured_log.h"
#include "server/confine.h"
#include "udpecho/confinement.h"

static struct script {
    apr_status_t privileges;
    privileges_failure_t failure;
    apr_status_t limits;
    apr_status_t sandbox;
    privileges_t wanted;
    sandbox_needs_t needs;
    int is_entered;
} script;

apr_status_t privileges_drop(const privileges_t *wanted, privileges_error_t *error,
                             apr_pool_t *pool)
{
    (void)pool;
    script.wanted = *wanted;
    *error = (privileges_error_t){script.failure, "become somebody"};
    return script.privileges;
}

apr_status_t limits_lower(const sandbox_needs_t *needs, const char **step)
{
    (void)needs;
    *step = "turn core dumps off";
    return script.limits;
}

apr_status_t sandbox_enter(const platform_t *platform, const sandbox_needs_t *needs,
                           const char **found)
{
    (void)platform;
    script.is_entered = 1;
    script.needs = *needs;
    *found = script.sandbox == APR_SUCCESS ? "seccomp" : "none: the script says so";
    return script.sandbox;
}

typedef struct outcome {
    exit_code_t code;
    int is_confined;
    const char *log;
} outcome_t;

static outcome_t drop_privileges(const settings_t *settings, apr_pool_t *pool)
{
    captured_log_t captured = capture_log(pool);
    outcome_t outcome = {.code = confine_privileges(settings, captured.log, pool)};

    outcome.log = captured_text(&captured);
    return outcome;
}

static outcome_t enter_sandbox(const settings_t *settings, apr_pool_t *pool)
{
    captured_log_t captured = capture_log(pool);
    platform_t platform = {0};
    outcome_t outcome = {.is_confined = 0};

    outcome.code = confine_calls(settings, &platform, 0, captured.log, &outcome.is_confined, pool);
    confine_log_refusals(captured.log);
    outcome.log = captured_text(&captured);
    return outcome;
}

static outcome_t enter_as(sandbox_mode_t mode, apr_status_t limits, apr_status_t sandbox,
                          apr_pool_t *pool)
{
    settings_t settings = settings_default(pool);

    script = (struct script){.limits = limits, .sandbox = sandbox};
    settings.sandbox = mode;
    return enter_sandbox(&settings, pool);
}

/* ---- Privileges ---- */

static void the_settings_name_the_user_the_group_and_the_root(void **state)
{
    settings_t settings = settings_default(*state);

    script = (struct script){.privileges = APR_SUCCESS};
    settings.user = "nobody";
    settings.group = "nogroup";
    settings.chroot = "/var/empty";
    outcome_t outcome = drop_privileges(&settings, *state);

    assert_int_equal(outcome.code, EXIT_OK);
    assert_string_equal(outcome.log, "");
    assert_string_equal(script.wanted.user, "nobody");
    assert_string_equal(script.wanted.group, "nogroup");
    assert_string_equal(script.wanted.root, "/var/empty");
}

static void each_failure_has_its_exit_code_and_says_what_to_do(void **state)
{
    static const struct {
        privileges_failure_t failure;
        exit_code_t code;
        const char *said;
    } failures[] = {
        {PRIVILEGES_UNKNOWN, EXIT_NO_USER, "--user and --group take a name"},
        {PRIVILEGES_NOT_PERMITTED, EXIT_NO_PERMISSION, "start it as root"},
        {PRIVILEGES_NO_ROOT, EXIT_CONFIG, "--chroot takes an existing directory"},
        {PRIVILEGES_NOT_HERE, EXIT_USAGE, "for POSIX systems"},
        {PRIVILEGES_SYSTEM, EXIT_SYSTEM, "step=\"become somebody\""},
    };
    settings_t settings = settings_default(*state);

    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        script = (struct script){.privileges = EPERM, .failure = failures[i].failure};
        outcome_t outcome = drop_privileges(&settings, *state);

        assert_int_equal(outcome.code, failures[i].code);
        assert_non_null(strstr(outcome.log, " error cannot drop privileges "));
        assert_non_null(strstr(outcome.log, failures[i].said));
    }
}

/* ---- The sandbox ---- */

static void it_is_entered_unless_it_is_off(void **state)
{
    static const sandbox_mode_t modes[] = {SANDBOX_AUTO, SANDBOX_ON};

    for (unsigned i = 0; i < 2; i++) {
        outcome_t outcome = enter_as(modes[i], APR_SUCCESS, APR_SUCCESS, *state);

        assert_int_equal(outcome.code, EXIT_OK);
        assert_true(outcome.is_confined);
        assert_non_null(strstr(outcome.log, " info confined sandbox=seccomp\n"));
    }
    /* What the system would answer is not asked. */
    outcome_t off = enter_as(SANDBOX_OFF, EPERM, EPERM, *state);

    assert_int_equal(off.code, EXIT_OK);
    assert_false(script.is_entered);
    assert_false(off.is_confined);
    assert_non_null(strstr(off.log, " info confined sandbox=off\n"));
}

static void a_system_without_one_matters_only_where_it_was_demanded(void **state)
{
    outcome_t automatic = enter_as(SANDBOX_AUTO, APR_SUCCESS, APR_ENOTIMPL, *state);
    outcome_t demanded = enter_as(SANDBOX_ON, APR_SUCCESS, APR_ENOTIMPL, *state);

    assert_int_equal(automatic.code, EXIT_OK);
    assert_false(automatic.is_confined);
    assert_non_null(strstr(automatic.log, " info confined sandbox=\"none: "));
    assert_null(strstr(automatic.log, "error="));
    assert_int_equal(demanded.code, EXIT_SYSTEM);
    assert_false(demanded.is_confined);
    assert_non_null(strstr(demanded.log, " error no sandbox, required by --sandbox=on "));
}

static void running_out_of_memory_is_an_error_even_if_the_sandbox_is_optional(void **state)
{
    outcome_t outcome = enter_as(SANDBOX_AUTO, APR_SUCCESS, APR_ENOMEM, *state);

    assert_int_equal(outcome.code, EXIT_SYSTEM);
    assert_non_null(strstr(outcome.log, " error cannot enter the sandbox "));
}

static void a_limit_that_stays_matters_only_where_it_was_demanded(void **state)
{
    outcome_t automatic = enter_as(SANDBOX_AUTO, EPERM, APR_SUCCESS, *state);

    assert_int_equal(automatic.code, EXIT_OK);
    assert_true(automatic.is_confined);
    assert_non_null(
        strstr(automatic.log, " warning cannot lower a resource limit step=\"turn core "));
    outcome_t demanded = enter_as(SANDBOX_ON, EPERM, APR_SUCCESS, *state);

    assert_int_equal(demanded.code, EXIT_SYSTEM);
    assert_false(script.is_entered);
}

/* ---- What stays allowed ---- */

static void add(apr_array_header_t **list, const char *value, apr_pool_t *pool)
{
    *list = apr_array_make(pool, 2, sizeof(const char *));
    APR_ARRAY_PUSH(*list, const char *) = "192.0.2.0/24";
    APR_ARRAY_PUSH(*list, const char *) = value;
}

static void the_files_of_a_reload_can_be_read(void **state)
{
    settings_t settings = settings_default(*state);

    script = (struct script){.sandbox = APR_SUCCESS};
    settings.file = "udpechod.conf";
    settings.impair = apr_array_make(*state, 2, sizeof(const char *));
    APR_ARRAY_PUSH(settings.impair, const char *) = "from=192.0.2.1,none";
    APR_ARRAY_PUSH(settings.impair, const char *) = "schedule=impairments,port=7";
    add(&settings.allow, "@allowed", *state);
    add(&settings.deny, "@denied", *state);
    add(&settings.rate_limit_exempt, "@exempt", *state);
    enter_sandbox(&settings, *state);
    assert_string_equal(apr_array_pstrcat(*state, script.needs.files, ' '),
                        "udpechod.conf impairments allowed denied exempt");
}

static void nothing_is_allowed_that_no_setting_asks_for(void **state)
{
    settings_t settings = settings_default(*state);

    script = (struct script){.sandbox = APR_SUCCESS};
    enter_sandbox(&settings, *state);
    assert_int_equal(script.needs.files->nelts, 0);
    assert_false(script.needs.opens_listeners || script.needs.stores_listeners ||
                 script.needs.connections > 0 || script.needs.serves_http ||
                 script.needs.hands_over);
    settings.file = "udpechod.conf";
    enter_sandbox(&settings, *state);
    assert_true(script.needs.opens_listeners);
    settings.control = "/control";
    enter_sandbox(&settings, *state);
    assert_int_equal(script.needs.connections, 1);
    settings.metrics_listen = "127.0.0.1:9000";
    enter_sandbox(&settings, *state);
    assert_true(script.needs.connections > 1 && script.needs.serves_http);
    unsigned connections = script.needs.connections;

    settings.health_listen = "127.0.0.1:9001";
    enter_sandbox(&settings, *state);
    assert_true(script.needs.connections > connections);
    settings.metrics_listen = NULL;
    enter_sandbox(&settings, *state);
    assert_true(script.needs.connections == connections && script.needs.serves_http);
    assert_false(script.needs.hands_over);
    settings.takeover = "/takeover";
    enter_sandbox(&settings, *state);
    assert_true(script.needs.hands_over);
}

static void each_refused_call_is_logged_once(void **state)
{
    settings_t settings = settings_default(*state);

    script = (struct script){.sandbox = APR_SUCCESS};
    assert_null(strstr(enter_sandbox(&settings, *state).log, "refused"));
    atomic_store(&script.needs.refusals->call, 41);
    atomic_store(&script.needs.refusals->count, 3);
    assert_non_null(strstr(enter_sandbox(&settings, *state).log,
                           " warning the sandbox refused a system call call=41 count=3 "));
    assert_null(strstr(enter_sandbox(&settings, *state).log, "refused"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_settings_name_the_user_the_group_and_the_root),
        scene(each_failure_has_its_exit_code_and_says_what_to_do),
        scene(it_is_entered_unless_it_is_off),
        scene(a_system_without_one_matters_only_where_it_was_demanded),
        scene(running_out_of_memory_is_an_error_even_if_the_sandbox_is_optional),
        scene(a_limit_that_stays_matters_only_where_it_was_demanded),
        scene(the_files_of_a_reload_can_be_read),
        scene(nothing_is_allowed_that_no_setting_asks_for),
        scene(each_refused_call_is_logged_once),
    };

    return cmocka_run_group_tests_name("confine", tests, NULL, NULL);
}
