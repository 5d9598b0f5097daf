#include "unit.h"

#include "common/units.h"

typedef apr_status_t parser_t(const char *, apr_int64_t *);

static void assert_value(parser_t *parse, const char *text, apr_int64_t expected)
{
    apr_int64_t value = -1;

    if (parse(text, &value) != APR_SUCCESS) {
        fail_msg("%s was refused", text);
    }
    if (value != expected) {
        fail_msg("%s gave %lld", text, (long long)value);
    }
}

static void assert_refused(parser_t *parse, const char *text)
{
    apr_int64_t value = -1;

    if (parse(text, &value) == APR_SUCCESS) {
        fail_msg("%s was taken for %lld", text, (long long)value);
    }
    assert_int_equal(value, -1); /* nothing is stored on error */
}

static void numbers_are_digits(void **state)
{
    (void)state;
    assert_value(parse_number, "0", 0);
    assert_value(parse_number, "007", 7);
    assert_value(parse_number, "9223372036854775807", INT64_MAX);
    assert_refused(parse_number, "9223372036854775808");
    assert_refused(parse_number, "");
    assert_refused(parse_number, "-1");
    assert_refused(parse_number, "+1");
    assert_refused(parse_number, " 1");
    assert_refused(parse_number, "1 ");
    assert_refused(parse_number, "0x10");
}

static void sizes_take_binary_and_decimal_units(void **state)
{
    (void)state;
    assert_value(parse_size, "0", 0);
    assert_value(parse_size, "1400", 1400);
    assert_value(parse_size, "1400B", 1400);
    assert_value(parse_size, "64KiB", 65536);
    assert_value(parse_size, "64K", 65536);
    assert_value(parse_size, "64kB", 64000);
    assert_value(parse_size, "4MiB", 4 << 20);
    assert_value(parse_size, "1.5MiB", 3 << 19);
    assert_value(parse_size, "1.25KiB", 1280);
    assert_value(parse_size, "0.0009765625KiB", 1);
    assert_value(parse_size, "0.999999999999999999999KiB", 1023);
    assert_value(parse_size, "2GiB", APR_INT64_C(2) << 30);
    assert_refused(parse_size, "KiB");
    assert_refused(parse_size, "64kib");
    assert_refused(parse_size, "64 KiB");
    assert_refused(parse_size, "64KiB64");
    assert_refused(parse_size, "1.KiB");
    assert_refused(parse_size, ".");
    assert_refused(parse_size, ".KiB");
    assert_refused(parse_size, "9999999999GiB");
}

static void durations_take_units_and_sums(void **state)
{
    (void)state;
    assert_value(parse_duration, "5", 5000000);
    assert_value(parse_duration, "0.25", 250000);
    assert_value(parse_duration, "250us", 250);
    assert_value(parse_duration, "10ms", 10000);
    assert_value(parse_duration, "1h", APR_INT64_C(3600000000));
    assert_value(parse_duration, "1h30m", APR_INT64_C(5400000000));
    assert_value(parse_duration, "7d", APR_INT64_C(604800000000));
    assert_value(parse_duration, "1.0000001s", 1000000); /* below a microsecond */
    assert_refused(parse_duration, "1y");
    assert_refused(parse_duration, "h");
    assert_refused(parse_duration, "1h-30m");
    assert_refused(parse_duration, "1h 30m");
    assert_refused(parse_duration, "200000000d");
}

static void rates_are_per_second(void **state)
{
    (void)state;
    assert_value(parse_rate, "10000/s", 10000);
    assert_value(parse_rate, "10k/s", 10000);
    assert_value(parse_rate, "1.5M/s", 1500000);
    assert_refused(parse_rate, "10000");
    assert_refused(parse_rate, "10000/m");
    assert_refused(parse_rate, "10000/s ");
    assert_refused(parse_rate, "10KiB/s");
    assert_refused(parse_rate, "/s");
    assert_value(parse_bandwidth, "125MB/s", 125000000);
    assert_value(parse_bandwidth, "64KiB/s", 65536);
    assert_value(parse_bandwidth, "1400/s", 1400);
    assert_refused(parse_bandwidth, "125MB");
    assert_refused(parse_bandwidth, "125Mbit/s");
}

static void bitrates_are_written_in_many_ways(void **state)
{
    (void)state;
    assert_value(parse_bitrate, "10Mbit/s", 10000000);
    assert_value(parse_bitrate, "1kbit/s", 1000);
    assert_value(parse_bitrate, "2.5Gbit/s", APR_INT64_C(2500000000));
    assert_value(parse_bitrate, "64000bit/s", 64000);
    assert_value(parse_bitrate, "10M", 10000000);
    assert_value(parse_bitrate, "10Mbps", 10000000);
    assert_value(parse_bitrate, "64K", 64000);
    assert_value(parse_bitrate, "64000", 64000);
    assert_refused(parse_bitrate, "10M/s");
    assert_refused(parse_bitrate, "10MB/s");
    assert_refused(parse_bitrate, "10MB");
    assert_refused(parse_bitrate, "10mbit/s");
    assert_refused(parse_bitrate, "10Mbit/h");
}

static void what_is_formatted_parses_to_the_same(void **state)
{
    static const apr_int64_t values[] = {0,
                                         1,
                                         999,
                                         1000,
                                         1024,
                                         65527,
                                         65536,
                                         4 << 20,
                                         3600000000,
                                         5400000001,
                                         86400000000,
                                         125000000,
                                         1 << 30,
                                         APR_INT64_C(1000000000000),
                                         APR_INT64_C(90061001001)};

    for (unsigned i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_value(parse_size, format_size(values[i], *state), values[i]);
        assert_value(parse_duration, format_duration(values[i], *state), values[i]);
        assert_value(parse_rate, format_rate(values[i], *state), values[i]);
        assert_value(parse_bandwidth, format_bandwidth(values[i], *state), values[i]);
        assert_value(parse_bitrate, format_bitrate(values[i], *state), values[i]);
    }
    assert_string_equal(format_size(65536, *state), "64KiB");
    assert_string_equal(format_size(9000, *state), "9000");
    assert_string_equal(format_bandwidth(125000000, *state), "125MB/s");
    assert_string_equal(format_bandwidth(APR_INT64_C(1000000000000), *state), "1000GB/s");
    assert_string_equal(format_duration(5400000000, *state), "1h30m");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(numbers_are_digits),
        scene(sizes_take_binary_and_decimal_units),
        scene(durations_take_units_and_sums),
        scene(rates_are_per_second),
        scene(bitrates_are_written_in_many_ways),
        scene(what_is_formatted_parses_to_the_same),
    };

    return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
