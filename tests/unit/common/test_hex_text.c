/* Bytes written as hexadecimal digits. */

#include "unit.h"

#include "common/hex_text.h"

static void digits_are_read_in_pairs(void **state)
{
    static const unsigned char expected[] = {0x00, 0xff, 0x1e};
    static const char *const texts[] = {"00ff1e", "00FF1E", "00:ff:1e", "00-ff 1e"};
    apr_size_t length;

    for (unsigned i = 0; i < 4; i++) {
        unsigned char *bytes = hex_read(texts[i], &length, *state);

        assert_non_null(bytes);
        assert_int_equal(length, sizeof expected);
        assert_memory_equal(bytes, expected, sizeof expected);
    }
}

static void nothing_is_no_bytes(void **state)
{
    apr_size_t length = 7;

    assert_non_null(hex_read("", &length, *state));
    assert_int_equal(length, 0);
}

static void other_text_is_none(void **state)
{
    static const char *const texts[] = {"0",   "000",    "0g",   "g0", ":00",
                                        "00:", "00::01", "0x00", " "};
    apr_size_t length;

    for (unsigned i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_null(hex_read(texts[i], &length, *state));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(digits_are_read_in_pairs),
        scene(nothing_is_no_bytes),
        scene(other_text_is_none),
    };

    return cmocka_run_group_tests_name("hex_text", tests, NULL, NULL);
}
