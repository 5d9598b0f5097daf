/* Settings that change while the server runs, and what is made of them. */

#include "unit.h"

#include "captured_log.h"
#include "common/authentication.h"
#include "common/ip_address.h"
#include "core/source_ports.h"
#include "core/stamp.h"
#include "secret_file.h"
#include "server/reload.h"
#include "written_file.h"

#define FILE_NAME     "test-reload.conf"
#define KEY_FILE_NAME "test-reload.keys"

typedef struct outcome {
    setup_t *first;
    setup_t *second; /* NULL: the reload failed */
    const char *log;
} outcome_t;

/* Starts with one file, and perhaps an option, and reloads another. */
static outcome_t reloaded_by(const char *option, const char *before, const char *after,
                             apr_pool_t *pool)
{
    const char *argv[] = {"udpechod", "--config=" FILE_NAME, option, NULL};
    captured_log_t captured = capture_log(pool);
    settings_t *settings = apr_pcalloc(pool, sizeof *settings);
    setup_frame_t frame = {.settings = settings, .log = captured.log, .pool = pool};
    outcome_t outcome;
    exit_code_t code;

    platform_probe(&frame.platform, pool);
    write_file(FILE_NAME, before, pool);
    assert_null(settings_read(settings, option != NULL ? 3 : 2, argv, &code, pool));
    frame.options = listener_options(settings, &frame.platform);
    log_set_level(captured.log, settings->log_level);
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

static outcome_t reloaded(const char *before, const char *after, apr_pool_t *pool)
{
    return reloaded_by(NULL, before, after, pool);
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
    /* The command line wins as before. */
    outcome_t outcome =
        reloaded_by("--workers=2", "listen=127.0.0.1:0\nworkers=3\n",
                    "listen=127.0.0.1:0\nworkers=4\ncount=3\nsandbox=off\n", *state);

    assert_non_null(
        strstr(outcome.log, " warning changed settings need a restart options=sandbox,count\n"));
    assert_int_equal(outcome.second->settings.count, 0);
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
        strstr(outcome.log, " error reload failed, nothing changed error=\"" FILE_NAME ":2: "));
    assert_null(strstr(outcome.log, "in detail"));
}

static void a_listener_that_cannot_be_opened_changes_nothing(void **state)
{
    outcome_t outcome =
        reloaded("listen=127.0.0.1:0\n",
                 "listen=127.0.0.1:0\nlisten=224.0.0.1:0\nlog-level=debug\n", *state);

    assert_null(outcome.second);
    assert_non_null(strstr(outcome.log, " error cannot listen address=224.0.0.1:0"));
    assert_non_null(strstr(outcome.log, " error reload failed, nothing changed"));
    assert_null(strstr(outcome.log, "in detail"));
}

/* ---- Every option ---- */

static int answers(const setup_t *setup, const char *source)
{
    endpoint_t endpoint = {0};

    assert_true(ip_address_parse(&endpoint, source));
    return setup->policy->access == NULL || access_list_allows(setup->policy->access, &endpoint);
}

static int listens_on_ipv6(const setup_t *setup)
{
    const listener_t *listener = APR_ARRAY_IDX(setup->listeners.all, 0, const listener_t *);

    return listener_describe(listener)->local.sa.any.sa_family == APR_INET6;
}

static int has_no_offload(const setup_t *setup)
{
    return !setup->settings.offload;
}

static int allows_one_network(const setup_t *setup)
{
    return answers(setup, "192.0.2.1") && !answers(setup, "203.0.113.1");
}

static int denies_one_network(const setup_t *setup)
{
    return !answers(setup, "192.0.2.1") && answers(setup, "203.0.113.1");
}

static int refuses_a_port(const setup_t *setup)
{
    return source_ports_refuse(setup->policy->ports, 4000);
}

static int has_no_limit(const setup_t *setup)
{
    return setup->policy->per_source == NULL;
}

static int exempts_nobody(const setup_t *setup)
{
    return setup->policy->exempt == NULL;
}

static int only_counts(const setup_t *setup)
{
    return setup->policy->per_source_dry_run;
}

static int limits_datagrams(const setup_t *setup)
{
    return setup->policy->datagrams != NULL;
}

static int limits_bytes(const setup_t *setup)
{
    return setup->policy->bytes != NULL;
}

static int logs_errors_only(const setup_t *setup)
{
    return setup->settings.log_level == LOG_LEVEL_ERROR;
}

static int has_a_lame_duck_time(const setup_t *setup)
{
    return setup->settings.lame_duck == 5 * APR_USEC_PER_SEC;
}

static int speaks(const setup_t *setup, protocol_t protocol)
{
    for (int i = 0; i < setup->listeners.all->nelts; i++) {
        const listener_t *listener = APR_ARRAY_IDX(setup->listeners.all, i, const listener_t *);

        if (listener_set_protocol(&setup->listeners, listener) == protocol) {
            return 1;
        }
    }
    return 0;
}

static int speaks_stamp(const setup_t *setup)
{
    return speaks(setup, PROTOCOL_STAMP);
}

static int speaks_echo_plus(const setup_t *setup)
{
    return speaks(setup, PROTOCOL_ECHO_PLUS);
}

static int is_stateful(const setup_t *setup)
{
    return setup->policy->stamp->is_stateful;
}

static int is_unauthenticated(const setup_t *setup)
{
    return setup->settings.stamp_mode == STAMP_MODE_UNAUTHENTICATED;
}

static int has_keys(const setup_t *setup)
{
    return setup->policy->stamp->keys != NULL && setup->policy->stamp->is_authenticated;
}

static int refuses_short_requests(const setup_t *setup)
{
    return !setup->policy->stamp->answers_short;
}

static int writes_ptp(const setup_t *setup)
{
    return setup->policy->stamp->clock == STAMP_CLOCK_PTP;
}

static int is_ahead_of_utc(const setup_t *setup)
{
    return setup->policy->stamp->ptp_offset_ns == APR_INT64_C(37000000000);
}

static int permits_a_dscp(const setup_t *setup)
{
    return setup->policy->stamp->permitted_dscps == APR_UINT64_C(1) << 46;
}

static int copies_tlvs(const setup_t *setup)
{
    return !setup->policy->stamp->reads_tlvs;
}

static int is_strict(const setup_t *setup)
{
    return setup->policy->stamp->is_strict;
}

static int mirrors_dscp(const setup_t *setup)
{
    return setup->policy->mirror_dscp;
}

static int has_another_buffer(const setup_t *setup)
{
    return setup->settings.impair_buffer == 1 << 20;
}

static int drains_longer(const setup_t *setup)
{
    return setup->policy->impair_drain_us == 5 * APR_USEC_PER_SEC;
}

static int impairs(const setup_t *setup)
{
    return setup->settings.impair != NULL;
}

/* Of every option that a file takes, another value than the default, and what shows that it is in
 * force; NULL: it needs a restart. */
static const struct {
    const char *name;
    const char *value;
    int (*is_in_force)(const setup_t *setup);
} changes[] = {
    {"listen", "[::1]:0", listens_on_ipv6},
    {"stamp", "127.0.0.1:0", speaks_stamp},
    {"echo-plus", "127.0.0.1:0", speaks_echo_plus},
    {"stamp-sessions", "stateful", is_stateful},
    {"stamp-key-file", KEY_FILE_NAME, has_keys},
    {"stamp-mode", "unauthenticated", is_unauthenticated},
    {"stamp-short-requests", "refuse", refuses_short_requests},
    {"stamp-clock", "ptp", writes_ptp},
    {"stamp-ptp-offset", "37s", is_ahead_of_utc},
    {"stamp-dscp", "46", permits_a_dscp},
    {"stamp-tlv", "off", copies_tlvs},
    {"stamp-strict", "on", is_strict},
    {"mirror-dscp", "on", mirrors_dscp},
    {"impair", "drop=1%", impairs},
    {"impair-buffer", "1MiB", has_another_buffer},
    {"impair-drain", "5s", drains_longer},
    {"workers", "3", NULL},
    {"pin", NULL, NULL},
    {"spin", "50us", NULL},
    {"reuse-port", "off", NULL},
    {"receive-buffer", "1MiB", NULL},
    {"send-buffer", "1MiB", NULL},
    {"offload", "off", has_no_offload},
    {"payload-max", "100", NULL},
    {"allow", "192.0.2.0/24", allows_one_network},
    {"deny", "192.0.2.0/24", denies_one_network},
    {"deny-source-ports", "4000", refuses_a_port},
    {"rate-limit", "off", has_no_limit},
    {"rate-limit-exempt", "none", exempts_nobody},
    {"rate-limit-dry-run", NULL, only_counts},
    {"max-rate", "5/s", limits_datagrams},
    {"max-bandwidth", "5/s", limits_bytes},
    {"loop-detector", "off", NULL},
    {"count", "3", NULL},
    {"duration", "1h", NULL},
    {"lame-duck", "5s", has_a_lame_duck_time},
    {"log-level", "error", logs_errors_only},
    {"log-format", "json", NULL},
    {"log-payload", "1", NULL},
    {"user", "nobody", NULL},
    {"group", "nogroup", NULL},
    {"chroot", "/var/empty", NULL},
    {"sandbox", "off", NULL},
    {"metrics-listen", "127.0.0.1:9000", NULL},
    {"health-listen", "127.0.0.1:9002", NULL},
    {"control", "127.0.0.1:9001", NULL},
    {"takeover", "/run/udpechod", NULL},
};

/* The index of its change. */
static size_t change_of(const option_t *option)
{
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        if (strcmp(changes[i].name, option->name) == 0) {
            return i;
        }
    }
    fail_msg("what does a reload make of --%s?", option->name);
    return 0;
}

static void every_option_comes_into_force_or_needs_a_restart(void **state)
{
    const setup_t *before = reloaded("listen=127.0.0.1:0\n", "listen=127.0.0.1:0\n", *state).second;

    write_file(KEY_FILE_NAME, "00", *state);
    keep_from_others(KEY_FILE_NAME);
    for (const option_t *option = settings_table; option->name != NULL; option++) {
        if (option->command_line_only) {
            continue;
        }
        size_t i = change_of(option);

        if (changes[i].is_in_force == has_keys && !authentication_is_available()) {
            continue;
        }
        const char *listen = option == settings_table ? "" : "listen=127.0.0.1:0\n";
        const char *allow = changes[i].is_in_force == impairs ? "allow=127.0.0.0/8\n" : "";
        const char *value = changes[i].value;
        outcome_t outcome = reloaded(
            apr_pstrcat(*state, "listen=127.0.0.1:0\n", allow, NULL),
            apr_pstrcat(*state, listen, allow, option->name, value != NULL ? "=" : "", value, NULL),
            *state);
        const char *told = apr_pstrcat(*state, " changed=", option->name, "\n", NULL);
        const char *warned = apr_pstrcat(
            *state, " warning changed settings need a restart options=", option->name, "\n", NULL);
        int is_reloadable = changes[i].is_in_force != NULL;

        assert_non_null(outcome.second);
        assert_false(is_reloadable && changes[i].is_in_force(before));
        if ((strstr(outcome.log, told) != NULL) != is_reloadable ||
            (strstr(outcome.log, warned) != NULL) == is_reloadable ||
            (is_reloadable && !changes[i].is_in_force(outcome.second))) {
            fail_msg("--%s: %s", option->name, outcome.log);
        }
    }
    apr_file_remove(KEY_FILE_NAME, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_level_rises_and_falls),
        scene(what_needs_a_restart_is_named_and_stays),
        scene(listeners_come_and_go),
        scene(nothing_else_is_said_when_nothing_changed),
        scene(a_wrong_file_changes_nothing_and_is_told_with_its_line),
        scene(a_listener_that_cannot_be_opened_changes_nothing),
        scene(every_option_comes_into_force_or_needs_a_restart),
    };

    return cmocka_run_group_tests_name("reload", tests, NULL, NULL);
}
