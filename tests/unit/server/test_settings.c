#include "unit.h"

#include "advice.h"
#include "common/authentication.h"
#include "server/settings.h"
#include "udpecho/transport.h"

static const option_t *find(const char *name)
{
    for (const option_t *option = settings_table; option->name != NULL; option++) {
        if (strcmp(option->name, name) == 0) {
            return option;
        }
    }
    return NULL;
}

static void the_default_listens_on_the_loopback_only(void **state)
{
    settings_t settings = settings_default(*state);

    assert_int_equal(settings.listen[PROTOCOL_ECHO]->nelts, 1);
    assert_string_equal(APR_ARRAY_IDX(settings.listen[PROTOCOL_ECHO], 0, const char *),
                        "localhost:8888");
}

static void every_option_has_its_own_place_and_a_help(void **state)
{
    (void)state;
    for (const option_t *option = settings_table; option->name != NULL; option++) {
        assert_non_null(option->help);
        assert_non_null(option->kind);
        for (const option_t *before = settings_table; before < option; before++) {
            assert_true(before->offset + before->kind->size <= option->offset ||
                        option->offset + option->kind->size <= before->offset);
            assert_string_not_equal(before->name, option->name);
        }
    }
}

static void help_names_every_choice(void **state)
{
    for (const option_t *option = settings_table; option->name != NULL; option++) {
        for (unsigned i = 0; option->choices != NULL && option->choices[i] != NULL; i++) {
            const char *help = apr_pstrcat(*state, option->argument, " ", option->help, NULL);

            if (strstr(help, option->choices[i]) == NULL) {
                fail_msg("the help of --%s lacks %s", option->name, option->choices[i]);
            }
        }
    }
}

/* What --check-config prints must be readable again, so a default must be a value that its option
 * would take. */
static void every_default_is_a_value_that_its_option_takes(void **state)
{
    settings_t settings = settings_default(*state);

    for (const option_t *option = settings_table; option->name != NULL; option++) {
        char place[sizeof(settings_t)];

        if (option->argument == NULL || option->kind->format == NULL) {
            continue;
        }
        const char *value =
            option->kind->format(option, (const char *)&settings + option->offset, *state);

        if (value != NULL && option->kind->read(option, place, value, *state) != NULL) {
            fail_msg("--%s does not take its default %s", option->name, value);
        }
    }
}

static void no_more_are_listened_on_than_there_can_be(void **state)
{
    apr_array_header_t *list = NULL;
    const option_t *listen = find("listen");

    for (int i = 0; i < LISTENERS_MAX; i++) {
        assert_null(listen->kind->read(listen, &list, "127.0.0.1:7", *state));
    }
    assert_string_equal(listen->kind->read(listen, &list, "127.0.0.1:7", *state),
                        "at most 256 addresses");
}

static void a_bad_listen_is_refused_at_once(void **state)
{
    apr_array_header_t *list = NULL;
    const option_t *listen = find("listen");

    assert_non_null(listen->kind->read(listen, &list, "::1", *state));
    assert_null(list);
    assert_null(listen->kind->read(listen, &list, "[::1]:7", *state));
    assert_int_equal(list->nelts, 1);
}

static void who_exempts_nobody_exempts_no_network(void **state)
{
    static const char *const before[] = {"udpechod", "--rate-limit-exempt=none",
                                         "--rate-limit-exempt=10.0.0.0/8"};
    static const char *const after[] = {"udpechod", "--rate-limit-exempt=10.0.0.0/8",
                                        "--rate-limit-exempt=none"};
    settings_t settings;
    exit_code_t code;

    assert_null(settings_read(&settings, 2, before, &code, *state));
    assert_null(settings.exempt);
    assert_string_equal(settings_read(&settings, 3, before, &code, *state),
                        "--rate-limit-exempt=10.0.0.0/8: expected networks, or none alone");
    assert_int_equal(code, EXIT_USAGE);
    assert_string_equal(settings_read(&settings, 3, after, &code, *state),
                        "--rate-limit-exempt=none: expected networks, or none alone");
}

static void what_does_not_go_together_is_refused(void **state)
{
    static const char *const both[] = {"udpechod", "--install-service", "--uninstall-service"};
    static const char *const alone[] = {"udpechod", "--open-firewall"};
    static const char *const questions[] = {"udpechod", "--ready", "--drain"};
    settings_t settings;
    exit_code_t code;

    assert_non_null(settings_read(&settings, 3, both, &code, *state));
    assert_int_equal(code, EXIT_USAGE);
    assert_non_null(settings_read(&settings, 2, alone, &code, *state));
    assert_int_equal(code, EXIT_USAGE);
    assert_string_equal(settings_read(&settings, 3, questions, &code, *state),
                        "--status, --ready, --drain and --undrain: give one of them");
    assert_int_equal(code, EXIT_USAGE);
    assert_null(settings_read(&settings, 2, questions, &code, *state));
}

static void access_lists_are_read_when_all_is_known(void **state)
{
    static const char *const allow[] = {"udpechod", "--allow=10.0.0.0/8", "--deny=10.1.0.0/16"};
    static const char *const tie[] = {"udpechod", "--allow=10.0.0.0/8", "--deny=10.0.0.0/8"};
    static const char *const file[] = {"udpechod", "--allow=@no-such-file", "--help"};
    settings_t settings;
    exit_code_t code;

    assert_null(settings_read(&settings, 1, allow, &code, *state));
    assert_null(settings.access);
    assert_null(settings_read(&settings, 3, allow, &code, *state));
    assert_non_null(settings.access);
    assert_string_equal(settings_read(&settings, 3, tie, &code, *state),
                        "--allow=10.0.0.0/8 and --deny=10.0.0.0/8 contradict each other");
    assert_int_equal(code, EXIT_USAGE); /* no file says so */
    assert_non_null(settings_read(&settings, 2, file, &code, *state));
    assert_int_equal(code, EXIT_CONFIG);
    assert_null(settings_read(&settings, 3, file, &code, *state)); /* who asks for help gets it */
}

/* A user who asks may not be allowed to read what the service does. */
static void who_only_asks_needs_no_file_of_networks_or_keys(void **state)
{
    static const char *const files[] = {"--allow=@no-such-file", "--stamp-key-file=no-such-file"};
    static const char *const questions[] = {"--help",  "--version", "--status",       "--ready",
                                            "--drain", "--undrain", "--show-platform"};
    settings_t settings;
    exit_code_t code;

    for (unsigned i = 0; i < 2; i++) {
        for (unsigned j = 0; j < sizeof questions / sizeof questions[0]; j++) {
            const char *argv[] = {"udpechod", files[i], questions[j], "--check-config"};

            if (i == 1 && !authentication_is_available()) {
                continue;
            }
            assert_null(settings_read(&settings, 3, argv, &code, *state));
            assert_int_equal(code, EXIT_OK);
            /* It checks them, unless all that is asked for is help. */
            assert_int_equal(settings_read(&settings, 4, argv, &code, *state) == NULL, j < 2);
        }
    }
}

static void an_error_shows_only_values_that_its_option_takes(void **state)
{
    assert_advice_is_taken(settings_table, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_default_listens_on_the_loopback_only),
        scene(every_option_has_its_own_place_and_a_help),
        scene(help_names_every_choice),
        scene(every_default_is_a_value_that_its_option_takes),
        scene(no_more_are_listened_on_than_there_can_be),
        scene(a_bad_listen_is_refused_at_once),
        scene(who_exempts_nobody_exempts_no_network),
        scene(what_does_not_go_together_is_refused),
        scene(access_lists_are_read_when_all_is_known),
        scene(who_only_asks_needs_no_file_of_networks_or_keys),
        scene(an_error_shows_only_values_that_its_option_takes),
    };

    return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
