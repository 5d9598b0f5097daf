#include "unit.h"

#include <apr_strings.h>

#include "common/json_text.h"

static const char *escaped(const char *bytes, apr_size_t length, unsigned how, apr_pool_t *pool)
{
    char out[64];

    return apr_pstrmemdup(pool, out,
                          json_escape(out, sizeof out, (const unsigned char *)bytes, length, how));
}

static void a_text_stands_in_quotes(void **state)
{
    assert_string_equal(json_text("", *state), "\"\"");
    assert_string_equal(json_text("a b", *state), "\"a b\"");
    assert_string_equal(json_text("say \"hi\"", *state), "\"say \\\"hi\\\"\"");
    assert_string_equal(json_text("C:\\n/", *state), "\"C:\\\\n/\"");
}

static void control_characters_are_escaped(void **state)
{
    assert_string_equal(json_text("\n\r\t\b\x1f\x7f", *state),
                        "\"\\n\\r\\t\\u0008\\u001f\\u007f\"");
    assert_string_equal(escaped("a\0b", 3, 0, *state), "a\\u0000b");
}

static void characters_stay_as_they_are(void **state)
{
    static const char *const characters[] = {
        "\xc2\x80",         "\xc3\xa9",         "\xdf\xbf",         "\xe0\xa0\x80",
        "\xe2\x82\xac",     "\xed\x9f\xbf",     "\xee\x80\x80",     "\xef\xbf\xbf",
        "\xf0\x90\x80\x80", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf",
    };

    for (unsigned i = 0; i < sizeof characters / sizeof *characters; i++) {
        assert_string_equal(json_text(characters[i], *state),
                            apr_pstrcat(*state, "\"", characters[i], "\"", NULL));
    }
}

static void bytes_that_are_no_character_are_escaped_one_by_one(void **state)
{
    static const struct {
        const char *text;
        const char *json;
    } cases[] = {
        {"\x80z", "\"\\u0080z\""},                                /* no first byte */
        {"\xc3z", "\"\\u00c3z\""},                                /* a second one missing */
        {"\xe2\x82", "\"\\u00e2\\u0082\""},                       /* a third one, at the end */
        {"\xc1\xbf", "\"\\u00c1\\u00bf\""},                       /* longer than it need be */
        {"\xe0\x9f\xbf", "\"\\u00e0\\u009f\\u00bf\""},            /* this too */
        {"\xf0\x8f\xbf\xbf", "\"\\u00f0\\u008f\\u00bf\\u00bf\""}, /* this too */
        {"\xed\xa0\x80", "\"\\u00ed\\u00a0\\u0080\""},            /* a surrogate */
        {"\xed\xbf\xbf", "\"\\u00ed\\u00bf\\u00bf\""},            /* the last of them */
        {"\xf4\x90\x80\x80", "\"\\u00f4\\u0090\\u0080\\u0080\""}, /* above U+10FFFF */
        {"\xf8\x88\x80\x80\x80", "\"\\u00f8\\u0088\\u0080\\u0080\\u0080\""},
        {"\xff\xc3\xa9", "\"\\u00ff\xc3\xa9\""}, /* the next one is */
    };

    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(json_text(cases[i].text, *state), cases[i].json);
    }
}

static void of_bytes_none_is_a_character(void **state)
{
    assert_string_equal(escaped("a\xc3\xa9", 3, JSON_OF_BYTES, *state), "a\\u00c3\\u00a9");
}

static void what_is_no_json_has_an_x(void **state)
{
    assert_string_equal(escaped("\xc3\xa9\xff\0\n", 5, JSON_WITH_X, *state),
                        "\xc3\xa9\\xff\\x00\\n");
    assert_string_equal(escaped("\xc3\xa9", 2, JSON_OF_BYTES | JSON_WITH_X, *state), "\\xc3\\xa9");
}

static void what_moves_text_or_is_not_seen_is_not_shown(void **state)
{
    static const struct {
        const char *text;
        const char *shown;
    } cases[] = {
        {"\xe2\x80\xae\xe2\x80\xac", "\\xe2\\x80\\xae\\xe2\\x80\\xac"}, /* U+202E, U+202C */
        {"\xc2\x9b", "\\xc2\\x9b"},                                     /* U+009B */
        {"\xc2\xad", "\\xc2\\xad"},                                     /* U+00AD */
        {"\xd8\x9c", "\\xd8\\x9c"},                                     /* U+061C */
        {"\xe2\x80\x8b", "\\xe2\\x80\\x8b"},                            /* U+200B */
        {"\xe2\x80\x8f", "\\xe2\\x80\\x8f"},                            /* U+200F */
        {"\xe2\x81\xa6\xe2\x81\xa9", "\\xe2\\x81\\xa6\\xe2\\x81\\xa9"}, /* U+2066, U+2069 */
        {"\xef\xbb\xbf", "\\xef\\xbb\\xbf"},                            /* U+FEFF */
        {"\xf3\xa0\x80\xa0", "\\xf3\\xa0\\x80\\xa0"},                   /* U+E0020 */
        {"\xe2\x80\x8c\xe2\x80\x8d", "\xe2\x80\x8c\xe2\x80\x8d"},       /* words have these */
        {"\xe2\x80\xaf\xe2\x80\xa7", "\xe2\x80\xaf\xe2\x80\xa7"},       /* U+202F, U+2027 */
    };

    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(printable_text(cases[i].text, *state), cases[i].shown);
    }
    /* JSON is for programs. */
    assert_string_equal(json_text("\xe2\x80\x8b", *state), "\"\xe2\x80\x8b\"");
}

static void nothing_is_written_beyond_the_room(void **state)
{
    const unsigned char bytes[] = "ab\xff\xc3\xa9"; /* ab, \u00ff and a character of two bytes */

    (void)state;
    for (apr_size_t room = 0; room <= 10; room++) {
        char out[16];

        memset(out, '#', sizeof out);
        assert_int_equal(json_escape(out, room, bytes, sizeof bytes - 1, 0), 10);
        for (apr_size_t i = room; i < sizeof out; i++) {
            assert_int_equal(out[i], '#');
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_text_stands_in_quotes),
        scene(control_characters_are_escaped),
        scene(characters_stay_as_they_are),
        scene(bytes_that_are_no_character_are_escaped_one_by_one),
        scene(of_bytes_none_is_a_character),
        scene(what_is_no_json_has_an_x),
        scene(what_moves_text_or_is_not_seen_is_not_shown),
        scene(nothing_is_written_beyond_the_room),
    };

    return cmocka_run_group_tests_name("json_text", tests, NULL, NULL);
}
