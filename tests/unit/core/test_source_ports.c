#include "unit.h"

#include <apr_strings.h>

#include "core/source_ports.h"

#define NOW apr_time_from_sec(1000)

static source_ports_t *create(const char *list, apr_pool_t *pool)
{
    source_ports_t *ports;
    const char *expected = source_ports_create(&ports, list, pool);

    if (expected != NULL) {
        fail_msg("%s was refused: expected %s", list, expected);
    }
    return ports;
}

/* The ports that are refused, as a list without ranges. */
static const char *refused(const source_ports_t *ports, apr_pool_t *pool)
{
    const char *list = "";

    for (unsigned port = 0; port <= 65535; port++) {
        if (source_ports_refuse(ports, (apr_port_t)port)) {
            list = apr_psprintf(pool, "%s%s%u", list, *list != '\0' ? "," : "", port);
        }
    }
    return list;
}

static void the_default_is_refused_as_it_is_written(void **state)
{
    assert_string_equal(refused(create(SOURCE_PORTS_DEFAULT, *state), *state),
                        SOURCE_PORTS_DEFAULT);
}

static void a_list_has_ports_and_ranges(void **state)
{
    assert_string_equal(refused(create("0,7,9,100-103,65535", *state), *state),
                        "0,7,9,100,101,102,103,65535");
    assert_string_equal(refused(create("0,9,7-9", *state), *state), "0,7,8,9");
    assert_string_equal(refused(create("5-5", *state), *state), "0,5");
}

static void port_zero_can_never_be_answered(void **state)
{
    assert_string_equal(refused(create("7", *state), *state), "0,7");
    assert_string_equal(refused(create("none", *state), *state), "0");
}

static void a_word_stands_for_all_low_ports(void **state)
{
    source_ports_t *ports = create("below-1024", *state);

    assert_true(source_ports_refuse(ports, 0));
    assert_true(source_ports_refuse(ports, 1023));
    assert_false(source_ports_refuse(ports, 1024));
}

static void mistakes_are_refused(void **state)
{
    static const char *const lists[] = {
        "",
        ",",
        "7,",
        ",7",
        "7,,9",
        "7 9",
        "7, 9",
        "7-",
        "-7",
        "9-7",
        "65536",
        "1-65536",
        "99999999999999999999",
        "+7",
        "x",
        "None",
        "7,none",
        "below-1023",
        "1-2-3",
    };

    for (unsigned i = 0; i < sizeof lists / sizeof *lists; i++) {
        source_ports_t *ports;

        if (source_ports_create(&ports, lists[i], *state) == NULL) {
            fail_msg("\"%s\" was taken", lists[i]);
        }
    }
}

/* How many of `count` datagrams at this moment are answered. */
static unsigned answered(source_ports_t *ports, apr_port_t port, unsigned count, apr_time_t now)
{
    unsigned answers = 0;

    while (count-- > 0) {
        answers += !source_ports_throttle(ports, port, now);
    }
    return answers;
}

static void throttled_ports_are_answered_a_few_times_a_second(void **state)
{
    source_ports_t *ports = create(SOURCE_PORTS_DEFAULT, *state);
    unsigned answers = 0;

    assert_int_equal(answered(ports, 1900, 100, NOW), THROTTLED_PER_SECOND);
    for (int i = 1; i <= 1000; i++) { /* ten seconds of a flood */
        answers += answered(ports, 1900, 3, NOW + i * 10000);
    }
    assert_int_equal(answers, 10 * THROTTLED_PER_SECOND);
    /* A pause of whatever length saves up no more than a second has. */
    assert_int_equal(answered(ports, 1900, 100, NOW + apr_time_from_sec(1000)),
                     THROTTLED_PER_SECOND);
}

static void each_throttled_port_has_a_count_of_its_own(void **state)
{
    static const apr_port_t throttled[] = {1900, 2049, 3702, 5353, 5355, 11211};
    source_ports_t *ports = create("7", *state);

    for (unsigned i = 0; i < sizeof throttled / sizeof *throttled; i++) {
        assert_false(source_ports_refuse(ports, throttled[i]));
        assert_int_equal(answered(ports, throttled[i], 100, NOW), THROTTLED_PER_SECOND);
    }
    assert_int_equal(answered(ports, 40000, 100, NOW), 100);
}

static void none_throttles_nothing_and_a_list_may_refuse_throttled_ports(void **state)
{
    assert_int_equal(answered(create("none", *state), 1900, 100, NOW), 100);
    assert_true(source_ports_refuse(create("1900", *state), 1900));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_default_is_refused_as_it_is_written),
        scene(a_list_has_ports_and_ranges),
        scene(port_zero_can_never_be_answered),
        scene(a_word_stands_for_all_low_ports),
        scene(mistakes_are_refused),
        scene(throttled_ports_are_answered_a_few_times_a_second),
        scene(each_throttled_port_has_a_count_of_its_own),
        scene(none_throttles_nothing_and_a_list_may_refuse_throttled_ports),
    };

    return cmocka_run_group_tests_name("source ports", tests, NULL, NULL);
}
