/* What the service manager is asked for, and what becomes of its answers. A script stands in for
 * it. */

#include "unit.h"

#include <apr_file_info.h>
#include <apr_strings.h>

#include "common/installation.h"
#include "server/server_installation.h"
#include "udpecho/service_manager.h"

static struct script {
    apr_status_t answer;
    const char *options; /* what was asked for, in one line */
    int open_firewall;
} script;

apr_status_t service_install(const apr_array_header_t *options, int open_firewall,
                             apr_array_header_t *notes, apr_pool_t *pool)
{
    (void)notes;
    script.options = options != NULL ? apr_array_pstrcat(pool, options, ' ') : NULL;
    script.open_firewall = open_firewall;
    return script.answer;
}

apr_status_t service_uninstall(apr_array_header_t *notes, apr_pool_t *pool)
{
    (void)notes, (void)pool;
    return script.answer;
}

/* Installs with this command line. */
static void install(int argc, const char *const *argv, apr_pool_t *pool)
{
    apr_array_header_t *notes = apr_array_make(pool, 4, sizeof(const char *));
    settings_t settings;
    exit_code_t code;

    script = (struct script){APR_SUCCESS, NULL, 0};
    assert_null(settings_read(&settings, argc, argv, &code, pool));
    assert_null(server_installation_add(&settings, notes, &code, pool));
    assert_int_equal(code, EXIT_OK);
}

static void the_service_gets_the_other_options(void **state)
{
    static const char *const argv[] = {"udpechod", "--install-service", "--listen",
                                       "*:7",      "--open-firewall",   "--workers=2"};

    install(6, argv, *state);
    assert_string_equal(script.options, "--listen=*:7 --workers=2");
    assert_true(script.open_firewall);
}

static void without_options_it_keeps_those_that_it_has(void **state)
{
    static const char *const argv[] = {"udpechod", "--install-service", "--open-firewall"};

    script.options = "--workers=2";
    install(3, argv, *state);
    assert_null(script.options);
}

/* The form in the registry and from the MSI, with variables to expand. */
static void the_command_line_of_a_service_does_for_options(void **state)
{
    static const char *const argv[] = {"udpechod", "--install-service",
                                       "#%C:\\Program Files\\udpecho\\bin\\udpechod.exe",
                                       "--service", "--workers=2"};

    install(5, argv, *state);
    assert_string_equal(script.options, "--workers=2");
    install(4, argv, *state);
    assert_string_equal(script.options, "");
}

static void a_program_alone_is_no_command_line_of_a_service(void **state)
{
    static const char *const wrong[][4] = {
        {"udpechod", "--install-service", "C:\\udpechod.exe"},
        {"udpechod", "--service", "C:\\udpechod.exe"},
        {"udpechod", "--install-service", "--service", "C:\\udpechod.exe"},
    };

    for (unsigned i = 0; i < 3; i++) {
        settings_t settings;
        exit_code_t code;
        const char *error = settings_read(&settings, i < 2 ? 3 : 4, wrong[i], &code, *state);

        assert_int_equal(error == NULL, i == 2);
    }
}

static const char *refusal_of(const char *option, exit_code_t *code, apr_pool_t *pool)
{
    const char *argv[] = {"udpechod", "--install-service", option};
    settings_t settings = settings_default(pool);

    script = (struct script){APR_SUCCESS, NULL, 0};
    /* That there is no such file is not what this is about. */
    settings_read(&settings, 3, argv, code, pool);
    return server_installation_add(&settings, apr_array_make(pool, 4, sizeof(const char *)), code,
                                   pool);
}

static void a_file_of_networks_or_keys_needs_its_full_path(void **state)
{
    static const char *const options[] = {"--allow=@networks", "--deny=@sub/networks",
                                          "--rate-limit-exempt=@networks",
                                          "--stamp-key-file=networks"};
    exit_code_t code;
    char *here;

    for (unsigned i = 0; i < sizeof options / sizeof options[0]; i++) {
        assert_non_null(strstr(refusal_of(options[i], &code, *state),
                               "networks: a service needs the full path of a file"));
        assert_int_equal(code, EXIT_USAGE);
        assert_null(script.options);
    }
    assert_int_equal(apr_filepath_get(&here, 0, *state), APR_SUCCESS);
    assert_null(
        refusal_of(apr_pstrcat(*state, "--allow=@", here, "/networks", NULL), &code, *state));
    assert_string_equal(script.options, apr_pstrcat(*state, "--allow=@", here, "/networks", NULL));
}

static void the_firewall_stays_shut_unless_asked(void **state)
{
    static const char *const argv[] = {"udpechod", "--install-service", "--listen=*:7"};

    install(3, argv, *state);
    assert_false(script.open_firewall);
}

static void every_answer_has_its_exit_code(void **state)
{
    static const struct {
        apr_status_t answer;
        exit_code_t code;
        const char *part; /* of what is said */
    } cases[] = {
        {APR_ENOTIMPL, EXIT_USAGE, "on Windows only"},
        {APR_EEXIST, EXIT_UNAVAILABLE, "another file"},
        {APR_ENOENT, EXIT_UNAVAILABLE, "not installed"},
        {APR_EBADPATH, EXIT_USAGE, "%NAME%"},
        {APR_EACCES, EXIT_NO_PERMISSION, "administrator"},
        {APR_TIMEUP, EXIT_SYSTEM, "does not stop"},
        {APR_EGENERAL, EXIT_SYSTEM, "refuses"},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        apr_array_header_t *notes = apr_array_make(*state, 4, sizeof(const char *));
        exit_code_t code = EXIT_OK;

        script.answer = cases[i].answer;
        assert_non_null(strstr(installation_remove(notes, &code, *state), cases[i].part));
        assert_int_equal(code, cases[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_service_gets_the_other_options),
        scene(without_options_it_keeps_those_that_it_has),
        scene(the_command_line_of_a_service_does_for_options),
        scene(a_program_alone_is_no_command_line_of_a_service),
        scene(a_file_of_networks_or_keys_needs_its_full_path),
        scene(the_firewall_stays_shut_unless_asked),
        scene(every_answer_has_its_exit_code),
    };

    return cmocka_run_group_tests_name("server_installation", tests, NULL, NULL);
}
