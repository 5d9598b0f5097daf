#include "unit.h"

#include "common/options.h"

/* What is stored, and what is written of it: "" where read() refused. */
static const char *round_trip(const option_t *option, const char *text, apr_pool_t *pool)
{
    apr_int64_t place = 77;

    if (option->kind->read(option, &place, text, pool) != NULL) {
        assert_int_equal(place, 77); /* nothing is stored on error */
        return "";
    }
    /* cppcheck-suppress returnDanglingLifetime ; what is returned is text of its own */
    return option->kind->format(option, &place, pool);
}

static void choices_are_words(void **state)
{
    static const char *const words[] = {"workers", "processes", "off", NULL};
    static const char *const wrong[] = {"no", "work", "workers|processes", ""};
    const option_t option = {.kind = &option_choice, .choices = words};
    unsigned place = 77;

    for (unsigned i = 0; i < 4; i++) {
        assert_string_equal(option.kind->read(&option, &place, wrong[i], *state),
                            "one of workers|processes|off");
        assert_int_equal(place, 77);
    }
    for (unsigned i = 0; words[i] != NULL; i++) {
        assert_null(option.kind->read(&option, &place, words[i], *state));
        assert_int_equal(place, i);
        assert_string_equal(option.kind->format(&option, &place, *state), words[i]);
    }
}

static void numbers_keep_their_bounds(void **state)
{
    const option_t option = {.kind = &option_number, .minimum = 2, .maximum = 9};

    assert_string_equal(round_trip(&option, "2", *state), "2");
    assert_string_equal(round_trip(&option, "9", *state), "9");
    assert_string_equal(round_trip(&option, "1", *state), "");
    assert_string_equal(round_trip(&option, "10", *state), "");
    assert_string_equal(round_trip(&option, "auto", *state), "");
}

static void a_word_may_stand_for_zero(void **state)
{
    const option_t option = {
        .kind = &option_duration, .minimum = 1000, .maximum = 60000000, .zero = "unlimited"};
    apr_int64_t place = 1;

    assert_null(option.kind->read(&option, &place, "unlimited", *state));
    assert_int_equal(place, 0);
    assert_string_equal(round_trip(&option, "unlimited", *state), "unlimited");
    assert_string_equal(round_trip(&option, "0", *state), "");
    assert_string_equal(
        option.kind->read(&option, &place, "2m", *state),
        "a time (seconds, or with us, ms, s, m, h or d) from 1ms to 1m, or unlimited");
}

static void sizes_are_bytes(void **state)
{
    const option_t option = {.kind = &option_size, .minimum = 0, .maximum = 1 << 20};

    assert_string_equal(round_trip(&option, "65536", *state), "64KiB");
    assert_string_equal(round_trip(&option, "2MiB", *state), "");
}

static void rates_have_a_unit_and_may_be_off(void **state)
{
    const option_t rate = {.kind = &option_rate, .minimum = 1, .maximum = 1000, .zero = "off"};
    const option_t bandwidth = {.kind = &option_bandwidth, .minimum = 1, .maximum = 1 << 20};
    apr_int64_t place = 1;

    assert_string_equal(round_trip(&rate, "1k/s", *state), "1000/s");
    assert_string_equal(round_trip(&rate, "off", *state), "off");
    assert_string_equal(round_trip(&rate, "0/s", *state), "");
    assert_string_equal(round_trip(&bandwidth, "65536/s", *state), "64KiB/s");
    assert_string_equal(rate.kind->read(&rate, &place, "1000", *state),
                        "a rate (N/s, Nk/s or NM/s) from 1/s to 1000/s, or off");
}

static void an_empty_text_is_none(void **state)
{
    const option_t option = {.kind = &option_text, .argument = "FILE"};
    const char *place = NULL;

    assert_string_equal(option.kind->read(&option, &place, "", *state), "FILE");
    assert_null(place);
    assert_null(option.kind->read(&option, &place, "a b", *state));
    assert_string_equal(place, "a b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(choices_are_words),
        scene(numbers_keep_their_bounds),
        scene(a_word_may_stand_for_zero),
        scene(sizes_are_bytes),
        scene(rates_have_a_unit_and_may_be_off),
        scene(an_empty_text_is_none),
    };

    return cmocka_run_group_tests_name("option_kinds", tests, NULL, NULL);
}
