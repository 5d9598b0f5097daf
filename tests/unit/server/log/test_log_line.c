#include "unit.h"

#include "server/log/log_line.h"

/* 2026-01-31T12:00:00.000007Z */
#define TIME (APR_INT64_C(1769860800) * APR_USEC_PER_SEC + 7)

static log_line_t *start(log_format_t format, apr_size_t payload_max, apr_pool_t *pool)
{
    log_line_t *line = apr_pcalloc(pool, sizeof *line);

    line->format = format;
    line->payload_max = payload_max;
    log_line_start(line, TIME, LOG_LEVEL_INFO, "listening");
    return line;
}

static const char *finish(log_line_t *line)
{
    log_line_finish(line);
    line->text[line->length] = '\0';
    return line->text;
}

static void every_format_says_the_same(void **state)
{
    static const struct {
        log_format_t format;
        const char *expected;
    } cases[] = {
        {LOG_FORMAT_TEXT,
         "2026-01-31T12:00:00.000007Z info listening address=127.0.0.1:7 count=-3 why=\"a b\"\n"},
        {LOG_FORMAT_LOGFMT, "time=2026-01-31T12:00:00.000007Z level=info message=listening "
                            "address=127.0.0.1:7 count=-3 why=\"a b\"\n"},
        {LOG_FORMAT_JSON, "{\"time\":\"2026-01-31T12:00:00.000007Z\",\"level\":\"info\","
                          "\"message\":\"listening\",\"address\":\"127.0.0.1:7\",\"count\":-3,"
                          "\"why\":\"a b\"}\n"},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        log_line_t *line = start(cases[i].format, 64, *state);
        endpoint_t endpoint = {.length = sizeof endpoint.sa.v4};

        endpoint.sa.v4.sin_family = APR_INET;
        endpoint.sa.v4.sin_port = htons(7);
        endpoint.sa.v4.sin_addr.s_addr = htonl(0x7f000001);
        log_endpoint(line, "address", &endpoint);
        log_number(line, "count", -3);
        log_text(line, "why", "a b");
        assert_string_equal(finish(line), cases[i].expected);
    }
}

static void a_count_of_nothing_is_left_out_of_text(void **state)
{
    log_line_t *text = start(LOG_FORMAT_TEXT, 64, *state);
    log_line_t *logfmt = start(LOG_FORMAT_LOGFMT, 64, *state);

    log_count(text, "lost", 0);
    log_count(text, "found", 3);
    assert_string_equal(finish(text), "2026-01-31T12:00:00.000007Z info listening found=3\n");
    log_count(logfmt, "lost", 0);
    log_count(logfmt, "found", 3);
    assert_non_null(strstr(finish(logfmt), " lost=0 found=3\n"));
}

static void only_what_needs_it_is_quoted(void **state)
{
    log_line_t *line = start(LOG_FORMAT_LOGFMT, 64, *state);

    log_text(line, "a", "plain");
    log_text(line, "b", "");
    log_text(line, "c", "x=y");
    log_text(line, "d", "say \"hi\"\n");
    log_text(line, "e", "back\\slash");
    assert_non_null(strstr(finish(line), " a=plain b=\"\" c=\"x=y\" d=\"say \\\"hi\\\"\\n\" "
                                         "e=\"back\\\\slash\"\n"));
}

static void a_byte_of_a_text_that_is_no_utf8_is_escaped(void **state)
{
    log_line_t *text = start(LOG_FORMAT_TEXT, 64, *state);
    log_line_t *json = start(LOG_FORMAT_JSON, 64, *state);

    log_text(text, "why", "\xc3\xa9\xe9");
    assert_non_null(strstr(finish(text), " why=\"\xc3\xa9\\xe9\"\n"));
    log_text(json, "why", "\xc3\xa9\xe9");
    assert_non_null(strstr(finish(json), ",\"why\":\"\xc3\xa9\\u00e9\"}\n"));
}

static void payloads_keep_every_byte(void **state)
{
    static const unsigned char payload[] = {'a', 0, '\n', '"', '\\', 0x7f, 0x80, 0xff};
    log_line_t *text = start(LOG_FORMAT_TEXT, 64, *state);
    log_line_t *json = start(LOG_FORMAT_JSON, 64, *state);

    log_payload(text, "payload", payload, sizeof payload);
    assert_non_null(strstr(finish(text), " payload=\"a\\x00\\n\\\"\\\\\\x7f\\x80\\xff\"\n"));
    log_payload(json, "payload", payload, sizeof payload);
    assert_non_null(
        strstr(finish(json), ",\"payload\":\"a\\u0000\\n\\\"\\\\\\u007f\\u0080\\u00ff\"}\n"));
}

static void payloads_are_bounded(void **state)
{
    log_line_t *line = start(LOG_FORMAT_TEXT, 3, *state);

    log_payload(line, "payload", (const unsigned char *)"abcdef", 6);
    assert_non_null(strstr(finish(line), " payload=\"abc\"\n"));
    line = start(LOG_FORMAT_TEXT, 0, *state);
    log_payload(line, "payload", (const unsigned char *)"abcdef", 6);
    assert_non_null(strstr(finish(line), " payload=\"\"\n"));
}

static void the_largest_payload_fits_in_its_longest_form(void **state)
{
    unsigned char payload[LOG_PAYLOAD_MAX] = {0};
    log_line_t *line = start(LOG_FORMAT_JSON, LOG_PAYLOAD_MAX, *state);

    log_payload(line, "payload", payload, sizeof payload);
    assert_int_equal(line->cut, 0);
    assert_true(line->length > 6 * sizeof payload);
}

static void a_field_that_does_not_fit_is_left_out_whole(void **state)
{
    static char long_text[LOG_LINE_MAX];
    log_line_t *line = start(LOG_FORMAT_JSON, 64, *state);

    memset(long_text, 'x', sizeof long_text - 1);
    log_text(line, "first", "1");
    log_text(line, "long", long_text);
    log_text(line, "last", "2");
    assert_non_null(strstr(finish(line), ",\"first\":\"1\",\"last\":\"2\",\"cut\":1}\n"));
    assert_true(line->length <= LOG_LINE_MAX);
}

static void a_line_that_is_not_wanted_takes_no_fields(void **state)
{
    (void)state;
    log_text(NULL, "a", "b");
    log_number(NULL, "a", 1);
    log_count(NULL, "a", 1);
    log_endpoint(NULL, "a", NULL);
    log_payload(NULL, "a", NULL, 0);
    log_status(NULL, "a", APR_SUCCESS);
    log_end(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(every_format_says_the_same),
        scene(a_count_of_nothing_is_left_out_of_text),
        scene(only_what_needs_it_is_quoted),
        scene(a_byte_of_a_text_that_is_no_utf8_is_escaped),
        scene(payloads_keep_every_byte),
        scene(payloads_are_bounded),
        scene(the_largest_payload_fits_in_its_longest_form),
        scene(a_field_that_does_not_fit_is_left_out_whole),
        scene(a_line_that_is_not_wanted_takes_no_fields),
    };

    return cmocka_run_group_tests_name("log_line", tests, NULL, NULL);
}
