/* What udpecho's command line says, and what is wrong with it. */

#include "unit.h"

#include <apr_file_io.h>
#include <apr_strings.h>

#include "advice.h"
#include "client/client_settings.h"
#include "client/output/timed_lines.h"
#include "written_file.h"

/* Reads a command line, its words parted by blanks. */
static const char *read_line(client_settings_t *settings, const char *line, apr_pool_t *pool)
{
    char **argv;
    int argc = 0;

    apr_tokenize_to_argv(apr_pstrcat(pool, "udpecho ", line, NULL), &argv, pool);
    while (argv[argc] != NULL) {
        argc++;
    }
    return client_settings_read(settings, argc, (const char *const *)argv, pool);
}

static void assert_error(const char *line, const char *expected, apr_pool_t *pool)
{
    client_settings_t settings;
    const char *error = read_line(&settings, line, pool);

    assert_non_null(error);
    assert_string_equal(error, expected);
}

static void a_host_alone_is_asked_once_a_second_at_port_7(void **state)
{
    client_settings_t settings;

    assert_null(read_line(&settings, "192.0.2.1", *state));
    assert_int_equal(settings.measurement, MEASURE_PING);
    assert_string_equal(settings.address.host, "192.0.2.1");
    assert_int_equal(settings.address.port, 7);
    assert_int_equal(settings.interval, APR_USEC_PER_SEC);
    assert_int_equal(settings.timeout, APR_USEC_PER_SEC);
    assert_int_equal(settings.size, 56);
    assert_int_equal(settings.count, 0);
    assert_int_equal(settings.flows, 1);
    assert_int_equal(settings.dscp, -1);
    assert_null(settings.payload);
}

static void an_ipv6_address_needs_no_brackets_without_a_port(void **state)
{
    client_settings_t settings;

    assert_null(read_line(&settings, "2001:db8::1", *state));
    assert_string_equal(settings.address.host, "2001:db8::1");
    assert_int_equal(settings.address.port, 7);
    assert_null(read_line(&settings, "[2001:db8::1]:8888", *state));
    assert_int_equal(settings.address.port, 8888);
    assert_null(read_line(&settings, "fe80::1%eth0", *state));
    assert_string_equal(settings.address.scope, "eth0");
}

static void options_may_follow_the_host_as_with_ping(void **state)
{
    client_settings_t settings;

    assert_null(read_line(&settings, "localhost:8888 -c 3 -i 0.5 -s1400 -q", *state));
    assert_int_equal(settings.count, 3);
    assert_int_equal(settings.interval, 500000);
    assert_int_equal(settings.size, 1400);
    assert_int_equal(settings.quiet, 1);
}

static void each_measurement_has_defaults_of_its_own(void **state)
{
    client_settings_t settings;

    assert_null(read_line(&settings, "h --flood", *state));
    assert_int_equal(settings.measurement, MEASURE_FLOOD);
    assert_int_equal(settings.window, 32);
    assert_int_equal(settings.interval, 0);
    assert_int_equal(settings.duration, 10 * APR_USEC_PER_SEC);
    assert_null(read_line(&settings, "h --flood --rate=10k/s --count=5", *state));
    assert_int_equal(settings.rate, 10000);
    assert_int_equal(settings.window, 0);
    assert_int_equal(settings.duration, 0);
    assert_null(read_line(&settings, "h --sweep=64", *state));
    assert_int_equal(settings.measurement, MEASURE_SWEEP);
    assert_int_equal(settings.flows, 64);
    assert_int_equal(settings.count, 10);
    assert_null(read_line(&settings, "h --mtu", *state));
    assert_int_equal(settings.measurement, MEASURE_MTU);
}

static void floods_are_measured_in_datagrams_or_bits(void **state)
{
    client_settings_t settings;

    assert_null(read_line(&settings, "h --flood --bitrate=10M", *state));
    assert_int_equal(settings.bitrate, 10000000);
    assert_int_equal(settings.window, 0);
    assert_int_equal(settings.size, 56);
    assert_error("h --bitrate=10Mbps", "--bitrate: expected --flood with it", *state);
    assert_error("h --flood --bitrate=10M --rate=5/s",
                 "--rate and --bitrate: expected one of them, not both", *state);
    assert_error("h --flood --bitrate=10M --window=5",
                 "--bitrate and --window: expected one of them, not both", *state);
    assert_error("h --flood --bitrate=10M --interval=5",
                 "--bitrate and --interval: expected one of them, not both", *state);
    assert_error("h --flood --bitrate=10MB/s",
                 "--bitrate=10MB/s: expected bits per second (N, or with bit/s, kbit/s, Mbit/s or "
                 "Gbit/s) from 1bit/s to 1000Gbit/s",
                 *state);
    for (unsigned i = 0; i < 3; i++) {
        static const char *const rates[] = {"10M/s", "10G/s", "10Mbit/s"};

        assert_error(apr_pstrcat(*state, "h --flood --rate=", rates[i], NULL),
                     apr_pstrcat(*state, "--rate=", rates[i],
                                 ": expected datagrams per second (N/s or Nk/s) from 1/s to "
                                 "100000000/s, or --bitrate=10Mbit/s for bits",
                                 NULL),
                     *state);
    }
    assert_error("h --flood --bandwidth=10M",
                 "unknown option --bandwidth=10M; did you mean --bitrate=BITS/s? --help lists the "
                 "options",
                 *state);
}

static void nothing_is_fast_that_was_not_asked_to_be(void **state)
{
    client_settings_t settings;

    assert_error("h --interval=19ms", "--interval=19ms: expected 20ms or more, or --flood with it",
                 *state);
    assert_error("h --sweep=9 --interval=199ms",
                 "--interval=199ms: expected 200ms or more with --sweep", *state);
    assert_error("h --rate=5/s", "--rate: expected --flood with it", *state);
    assert_error("h --window=5", "--window: expected --flood with it", *state);
    assert_error("h --flows=5", "--flows: expected --flood with it", *state);
    assert_error("h --duration=5", "--duration: expected --flood with it", *state);
    assert_null(read_line(&settings, "h --interval=20ms", *state));
    assert_int_equal(settings.interval, 20000);
    assert_null(read_line(&settings, "h --interval=200ms --sweep=9", *state));
    assert_null(read_line(&settings, "h -i .2", *state));
    assert_int_equal(settings.interval, 200000);
    assert_null(read_line(&settings, "h --interval=1ms --flood", *state));
    assert_int_equal(settings.window, 0);
}

static void options_that_exclude_each_other_are_named(void **state)
{
    assert_error("h -4 -6", "--ipv4 and --ipv6: expected one of them, not both", *state);
    assert_error("h --flood --mtu", "--flood and --mtu: expected one of them, not both", *state);
    assert_error("h --payload=x --size=3", "--size and --payload: expected one of them, not both",
                 *state);
    assert_error("h --mtu --payload-hex=00",
                 "--mtu and --payload-hex: expected one of them, not both", *state);
    assert_error("h --mtu --max-loss=5", "--mtu and --max-loss: expected one of them, not both",
                 *state);
    assert_error("h --json -D", "--json and --timestamps: expected one of them, not both", *state);
    assert_error("h --csv --timestamps=iso",
                 "--csv and --timestamps: expected one of them, not both", *state);
    assert_error("h --json --csv", "--json and --csv: expected one of them, not both", *state);
    assert_error("h --flood --rate=5/s --window=2",
                 "--rate and --window: expected one of them, not both", *state);
}

static void several_hosts_are_targets(void **state)
{
    client_settings_t settings;

    assert_null(read_line(&settings, "a b:8 A:7 --interval=2s", *state));
    assert_int_equal(settings.targets->names->nelts, 2);
    assert_true(settings.has_several);
    assert_string_equal(settings.host, "a");
    assert_null(read_line(&settings, "a --all-addresses", *state));
    assert_true(settings.has_several);
    assert_null(read_line(&settings, "a a:7", *state));
    assert_false(settings.has_several);
}

static void one_target_alone_is_measured_by_other_means_than_ping(void **state)
{
    assert_error("a b --flood", "--flood: expected one HOST[:PORT] only", *state);
    assert_error("a b --sweep=2", "--sweep: expected one HOST[:PORT] only", *state);
    assert_error("a --mtu --all-addresses", "--mtu: expected one HOST[:PORT] only", *state);
    assert_error("a b --source-port=5", "--source-port: expected one HOST[:PORT] only", *state);
}

static void names_are_looked_up_again_where_there_is_no_end(void **state)
{
    client_settings_t settings;

    assert_null(read_line(&settings, "h", *state));
    assert_int_equal(settings.resolve_interval, 300 * APR_USEC_PER_SEC);
    assert_null(read_line(&settings, "h -c 3", *state));
    assert_int_equal(settings.resolve_interval, 0);
    assert_null(read_line(&settings, "h -w 3", *state));
    assert_int_equal(settings.resolve_interval, 0);
    assert_null(read_line(&settings, "h --flood", *state));
    assert_int_equal(settings.resolve_interval, 0);
    assert_null(read_line(&settings, "h --source-port=5", *state));
    assert_int_equal(settings.resolve_interval, 0);
    assert_null(read_line(&settings, "h --resolve-interval=never", *state));
    assert_int_equal(settings.resolve_interval, 0);
    assert_null(read_line(&settings, "h -c 3 --resolve-interval=10s", *state));
    assert_int_equal(settings.resolve_interval, 10 * APR_USEC_PER_SEC);
    assert_error("h --source-port=5 --resolve-interval=10s",
                 "--resolve-interval and --source-port: expected one of them, not both", *state);
}

static void a_host_that_cannot_be_asked_is_told(void **state)
{
    assert_error("-q", "expected HOST[:PORT] or --targets=FILE; --help lists the options", *state);
    assert_error("h:0", "h:0: expected HOST[:PORT] (0 is not a port)", *state);
    assert_error("h:x", "h:x: expected HOST[:PORT] (the port must be a number from 0 to 65535)",
                 *state);
    assert_error(":7", ":7: expected HOST[:PORT] (the host is missing)", *state);
    assert_error("*:7", "*:7: expected HOST[:PORT] (* is not a host)", *state);
    assert_error("h --source-port=65530 --sweep=64",
                 "--source-port=65530: expected one with 63 ports above it", *state);
}

static void code_points_go_by_number_and_by_name(void **state)
{
    client_settings_t settings;

    assert_null(read_line(&settings, "h --dscp=46", *state));
    assert_int_equal(settings.dscp, 46);
    assert_null(read_line(&settings, "h --dscp=ef", *state));
    assert_int_equal(settings.dscp, 46);
    assert_null(read_line(&settings, "h -Q AF41", *state));
    assert_int_equal(settings.dscp, 34);
    assert_error("h --dscp=64",
                 "--dscp=64: expected a number from 0 to 63, or a name: CS0 to CS7, AF11 to AF43, "
                 "EF, VA, LE",
                 *state);
}

static void shares_are_read_with_and_without_their_sign(void **state)
{
    client_settings_t settings;

    assert_null(read_line(&settings, "h", *state));
    assert_true(settings.max_loss < 0);
    assert_null(read_line(&settings, "h --max-loss=0", *state));
    assert_int_equal(settings.max_loss, 0);
    assert_null(read_line(&settings, "h --max-loss=0.5%", *state));
    assert_int_equal(settings.max_loss, 5000);
    assert_null(read_line(&settings, "h --max-loss=100", *state));
    assert_int_equal(settings.max_loss, 1000000);
    for (unsigned i = 0; i < 6; i++) {
        static const char *const wrong[] = {"101%", "-1", "inf", "0x10", "1e1", "5%%"};

        assert_non_null(
            read_line(&settings, apr_pstrcat(*state, "h --max-loss=", wrong[i], NULL), *state));
    }
}

static void a_payload_comes_as_text_digits_or_a_file(void **state)
{
    client_settings_t settings;
    char path[] = "payloadXXXXXX";
    apr_file_t *file;

    assert_null(read_line(&settings, "h --payload=hello", *state));
    assert_int_equal(settings.size, 5);
    assert_memory_equal(settings.payload, "hello", 5);
    assert_null(read_line(&settings, "h --payload-hex=00:fF-1e20", *state));
    assert_int_equal(settings.size, 4);
    assert_memory_equal(settings.payload, "\x00\xff\x1e\x20", 4);
    assert_error("h --payload-hex=0",
                 "--payload-hex=0: expected pairs of hexadecimal digits: 00ff1e", *state);
    assert_int_equal(apr_file_mktemp(&file, path, 0, *state), APR_SUCCESS);
    apr_file_puts("from a file", file);
    assert_null(read_line(&settings, apr_pstrcat(*state, "h --payload-file=", path, NULL), *state));
    assert_int_equal(settings.size, 11);
    assert_memory_equal(settings.payload, "from a file", 11);
    apr_file_close(file);
    apr_file_remove(path, *state);
    assert_non_null(read_line(&settings, "h --payload-file=/nonexistent", *state));
}

static void a_load_has_defaults_of_its_own(void **state)
{
    client_settings_t settings;

    assert_null(read_line(&settings, "h --load=20M", *state));
    assert_int_equal(settings.measurement, MEASURE_LOAD);
    assert_int_equal(settings.load, 20000000);
    assert_int_equal(settings.interval, 20000);
    assert_int_equal(settings.duration, 10 * APR_USEC_PER_SEC);
    assert_int_equal(settings.size, 1400);
    assert_int_equal(settings.flows, 2);
    assert_null(read_line(&settings, "h --load=20M --duration=3s --size=200 -i 50ms", *state));
    assert_int_equal(settings.duration, 3 * APR_USEC_PER_SEC);
    assert_int_equal(settings.size, 200);
    assert_error("h --load=20M --flood", "--load and --flood: expected one of them, not both",
                 *state);
    assert_error("h --load=20M --bitrate=5M", "--bitrate: expected --flood with it", *state);
    assert_error("h --load=20M -c 5", "--load and --count: expected one of them, not both", *state);
    assert_error("h --load=20M -i 19ms",
                 "--interval=19ms: expected 20ms or more, or --flood with it", *state);
    assert_error("a b --load=20M", "--load: expected one HOST[:PORT] only", *state);
}

/* ---- Checks ---- */

static void a_check_has_defaults_and_letters_of_its_own(void **state)
{
    client_settings_t settings;

    assert_null(read_line(&settings, "h --check", *state));
    assert_int_equal(settings.count, 5);
    assert_int_equal(settings.interval, 200000);
    assert_int_equal(settings.thresholds.warning.rtt, -1);
    assert_int_equal(settings.thresholds.critical.loss, -1);
    assert_null(read_line(&settings, "-w 100.5,20% -c 1s,60% h --check --count=3", *state));
    assert_int_equal(settings.count, 3);
    assert_int_equal(settings.deadline, 0);
    assert_int_equal(settings.thresholds.warning.rtt, 100500);
    assert_int_equal(settings.thresholds.warning.loss, 200000);
    assert_int_equal(settings.thresholds.critical.rtt, 1000000);
    assert_int_equal(settings.thresholds.critical.loss, 600000);
    assert_null(read_line(&settings, "--check -w 20% -c 5ms h", *state));
    assert_int_equal(settings.thresholds.warning.rtt, -1);
    assert_int_equal(settings.thresholds.critical.rtt, 5000);
    assert_null(read_line(&settings, "-w 3 -c 1 h", *state));
    assert_int_equal(settings.deadline, 3000000);
    assert_int_equal(settings.count, 1);
}

static void thresholds_that_make_no_sense_are_refused(void **state)
{
    static const char *const wrong[] = {"x", "100,", ",5%", "5%,6%", "1ms,2ms",
                                        "0", "101%", "-5",  "2h",    "1ms,5%,"};

    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_error(apr_pstrcat(*state, "--check h -w ", wrong[i], NULL),
                     apr_pstrcat(*state, "--warning=", wrong[i],
                                 ": expected a round trip of up to an hour, a loss from 0% to "
                                 "100%, or both: 100ms,20%",
                                 NULL),
                     *state);
    }
    assert_error("--check h -w 5ms,1% -c 3ms",
                 "--warning=5ms,1%: expected no more than "
                 "--critical=3ms",
                 *state);
    assert_error("--check h -w 3% -c 2%", "--warning=3%: expected no more than --critical=2%",
                 *state);
    assert_error("h --critical=5%", "--critical: expected --check with it", *state);
    assert_error("h --check --json", "--check and --json: expected one of them, not both", *state);
}

/* ---- The file of options ---- */

#define CONFIG "test-client-settings.conf"

static const char *read_config(client_settings_t *settings, const char *content, const char *line,
                               apr_pool_t *pool)
{
    write_file(CONFIG, content, pool);
    const char *error =
        read_line(settings, apr_pstrcat(pool, "--config=" CONFIG " ", line, NULL), pool);

    apr_file_remove(CONFIG, pool);
    return error;
}

static void the_command_line_wins_over_the_file(void **state)
{
    client_settings_t settings;

    assert_null(read_config(&settings,
                            "# often\ninterval=200ms\ncount 5\nquiet\npayload='a b'\ntimestamps\n",
                            "h -c 3", *state));
    assert_int_equal(settings.interval, 200000);
    assert_int_equal(settings.count, 3);
    assert_int_equal(settings.quiet, 1);
    assert_memory_equal(settings.payload, "a b", 3);
    assert_int_equal(settings.timestamps, LINE_TIMES_EPOCH);
    assert_int_equal(settings.dscp, -1);
    assert_null(read_config(&settings, "flood\nrate=5/s", "h --timestamps=none", *state));
    assert_int_equal(settings.measurement, MEASURE_FLOOD);
}

static void what_is_wrong_with_the_file_names_its_line(void **state)
{
    static const struct {
        const char *content, *error;
    } cases[] = {
        {"quiet\nsize=x",
         CONFIG ":2: size=x: expected a size (bytes, or with KiB, MiB, GiB, kB, MB "
                "or GB) from 0 to 65527"},
        {"192.0.2.1", CONFIG ":1: unknown option 192.0.2.1; --help lists the options"},
        {"config=x", CONFIG ":1: config: only the command line takes this option"},
        {"help", CONFIG ":1: help: only the command line takes this option"},
        {"rate=5/s", "--rate: expected --flood with it"},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        client_settings_t settings;

        assert_string_equal(read_config(&settings, cases[i].content, "h", *state), cases[i].error);
    }
    client_settings_t settings;
    const char *error = read_line(&settings, "--config=no-such-file.conf h", *state);

    assert_non_null(strstr(error, "--config=no-such-file.conf: cannot be read"));
}

static void a_payload_may_have_line_ends_on_the_command_line(void **state)
{
    const char *argv[] = {"udpecho", "--payload=a\r\n", "h"};
    client_settings_t settings;

    assert_null(client_settings_read(&settings, 3, argv, *state));
    assert_int_equal(settings.size, 3);
}

static void an_error_shows_only_values_that_its_option_takes(void **state)
{
    assert_advice_is_taken(client_settings_table, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_host_alone_is_asked_once_a_second_at_port_7),
        scene(an_ipv6_address_needs_no_brackets_without_a_port),
        scene(options_may_follow_the_host_as_with_ping),
        scene(each_measurement_has_defaults_of_its_own),
        scene(floods_are_measured_in_datagrams_or_bits),
        scene(nothing_is_fast_that_was_not_asked_to_be),
        scene(options_that_exclude_each_other_are_named),
        scene(several_hosts_are_targets),
        scene(one_target_alone_is_measured_by_other_means_than_ping),
        scene(names_are_looked_up_again_where_there_is_no_end),
        scene(a_host_that_cannot_be_asked_is_told),
        scene(code_points_go_by_number_and_by_name),
        scene(shares_are_read_with_and_without_their_sign),
        scene(a_payload_comes_as_text_digits_or_a_file),
        scene(a_load_has_defaults_of_its_own),
        scene(a_check_has_defaults_and_letters_of_its_own),
        scene(thresholds_that_make_no_sense_are_refused),
        scene(the_command_line_wins_over_the_file),
        scene(what_is_wrong_with_the_file_names_its_line),
        scene(a_payload_may_have_line_ends_on_the_command_line),
        scene(an_error_shows_only_values_that_its_option_takes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
