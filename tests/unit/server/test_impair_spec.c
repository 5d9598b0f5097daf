#include "unit.h"

#include <apr_strings.h>

#include "server/impair_spec.h"

static impair_profile_t parsed(const char *text, apr_pool_t *pool)
{
    impair_profile_t profile;
    const char *schedule;
    const char *error = impair_spec_parse(&profile, &schedule, text, pool);

    if (error != NULL) {
        fail_msg("%s: expected %s", text, error);
    }
    return profile;
}

static void all_of_it_is_read(void **state)
{
    impair_profile_t profile =
        parsed("from=192.0.2.0/24,port=8888,drop=1%,duplicate=1/10,reorder=0.25%,corrupt=100%,"
               "delay=50ms,jitter=10ms,distribution=normal,rate=1Mbit/s,queue=32KiB,seed=7",
               *state);

    assert_int_equal(profile.is_for_all, 0);
    assert_int_equal(profile.from.first.low, 0xffffc0000200);
    assert_int_equal(profile.port, 8888);
    assert_int_equal(profile.chance[IMPAIR_DROP].millionths, 10000);
    assert_int_equal(profile.chance[IMPAIR_DUPLICATE].every, 10);
    assert_int_equal(profile.chance[IMPAIR_REORDER].millionths, 2500);
    assert_int_equal(profile.chance[IMPAIR_CORRUPT].millionths, 1000000);
    assert_int_equal(profile.delay, 50000);
    assert_int_equal(profile.jitter, 10000);
    assert_int_equal(profile.is_normal, 1);
    assert_int_equal(profile.rate, 1000000);
    assert_int_equal(profile.queue, 32768);
    assert_int_equal(profile.seed, 7);
}

static void the_rest_is_as_documented(void **state)
{
    impair_profile_t profile = parsed("drop=0.0001%", *state);

    assert_int_equal(profile.chance[IMPAIR_DROP].millionths, 1);
    assert_int_equal(profile.is_for_all, 1);
    assert_int_equal(profile.is_normal, 0);
    assert_int_equal(profile.queue, IMPAIR_QUEUE_DEFAULT);
    assert_int_equal(profile.seed, 0);
    assert_int_equal(parsed("from=192.0.2.7,none", *state).is_for_all, 0);
}

static void what_is_wrong_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        ",",
        "drop",
        "drop=",
        "drop=0%",
        "drop=101%",
        "drop=%",
        "drop=.%",
        "drop=1.%",
        "drop=.5%",
        "drop=1",
        "drop=-1%",
        "drop=0.00001%",
        "drop=1/0",
        "drop=2/3",
        "drop=1/-1",
        "drop=1/1000000001",
        "drop=1%,",
        "drop=1%,drop=1%",
        "drop=1%,none",
        "none=1",
        "none,none",
        "from=192.0.2.0/24",
        "from=192.0.2.1/24,none",
        "port=0,none",
        "port=65536,none",
        "delay=0",
        "delay=61s",
        "delay=x",
        "jitter=1ms",
        "delay=1ms,jitter=2ms",
        "delay=1ms,distribution=normal",
        "delay=1ms,jitter=1ms,distribution=pareto",
        "rate=0",
        "rate=1bit/s",
        "queue=1KiB",
        "delay=1ms,queue=1KiB",
        "rate=1Mbit/s,queue=0",
        "seed=-1,drop=1%",
        "seed=7",
        "Drop=1%",
        "drop=1% ",
        "drop =1%",
        "drop==1%",
        "drop=1%;delay=1ms",
        "drop=99999999999999999999%",
        "schedule",
        "schedule=",
        "schedule=lines,drop=1%",
        "schedule=lines,none",
        "schedule=lines,schedule=others",
        "after=30s,drop=1%",
        "after-replies=30,drop=1%",
        "repeat",
    };
    impair_profile_t profile;
    const char *schedule;

    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (impair_spec_parse(&profile, &schedule, wrong[i], *state) == NULL) {
            fail_msg("\"%s\" passes", wrong[i]);
        }
    }
}

static void a_schedule_is_named_and_not_read(void **state)
{
    impair_profile_t profile;
    const char *schedule;

    assert_null(impair_spec_parse(&profile, &schedule,
                                  "schedule=/etc/udpecho/lines,from=192.0.2.0/24,port=7,seed=5",
                                  *state));
    assert_string_equal(schedule, "/etc/udpecho/lines");
    assert_int_equal(profile.port, 7);
    assert_int_equal(profile.seed, 5);
    assert_null(impair_spec_parse(&profile, &schedule, "drop=1%", *state));
    assert_null(schedule);
}

static void a_line_says_when_and_what(void **state)
{
    impair_profile_t whose = {.port = 7, .seed = 5, .queue = IMPAIR_QUEUE_DEFAULT};
    impair_line_t line;

    assert_null(impair_line_parse(&line, &whose, "after=1m30s,drop=1/3,delay=5ms", *state));
    assert_false(line.counts_replies || line.repeats);
    assert_int_equal(line.step.after, 90 * APR_USEC_PER_SEC);
    assert_int_equal(line.step.profile.chance[IMPAIR_DROP].every, 3);
    assert_int_equal(line.step.profile.delay, 5000);
    assert_int_equal(line.step.profile.port, 7);
    assert_int_equal(line.step.profile.seed, 5);
    assert_null(impair_line_parse(&line, &whose, "none,after-replies=0", *state));
    assert_true(line.counts_replies && !line.repeats);
    assert_int_equal(line.step.after, 0);
    assert_null(impair_line_parse(&line, &whose, "after=365d,repeat", *state));
    assert_true(line.repeats);
    assert_int_equal(line.step.after, IMPAIR_AFTER_MAX_US);
}

static void a_wrong_line_is_refused(void **state)
{
    static const char *const wrong[][2] = {
        {"drop=1%", "after=TIME or after-replies=N, as in after=5s,drop=1%"},
        {"after=1s,after-replies=1,none", "after=TIME or after-replies=N, as in after=5s,drop=1%"},
        {"after=366d,none", "a time of 0 to 365d as the value of after"},
        {"after=x,none", "a time of 0 to 365d as the value of after"},
        {"after-replies=-1,none", "a number up to 1000000000000000 as the value of after-replies"},
        {"after-replies=1000000000000001,none",
         "a number up to 1000000000000000 as the value of after-replies"},
        {"after=1s,repeat=2", "no value as part of repeat"},
        {"after=1s,repeat,drop=1%",
         "drop, duplicate, reorder, corrupt, delay or rate, or instead of these none or repeat"},
        {"after=1s",
         "drop, duplicate, reorder, corrupt, delay or rate, or instead of these none or repeat"},
        {"after=1s,drop=1%,seed=7",
         "some of drop=, duplicate=, reorder=, corrupt=, delay=, jitter=, distribution=, rate=, "
         "queue=, none, after=, after-replies=, repeat, separated by commas; not \"seed=7\""},
    };
    impair_profile_t whose = {.port = 7};
    impair_line_t line;

    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const char *expected = impair_line_parse(&line, &whose, wrong[i][0], *state);

        assert_non_null(expected);
        assert_string_equal(expected, wrong[i][1]);
    }
}

/* One to three mistakes in what is right: whatever it is, it is read or refused with words. */
static void mistakes_do_no_harm(void **state)
{
    static const char *const right[] = {
        ("from=192.0.2.0/24,port=8,drop=0.1%,corrupt=1/9,delay=5ms,jitter=1ms,distribution=normal,"
         "rate=1Mbit/s,queue=9KiB,seed=7"),
        "after=1m30s,drop=0.1%,corrupt=1/9,delay=5ms,jitter=1ms,distribution=normal,rate=1Mbit/s",
        "after-replies=1000,repeat",
    };
    static const char letters[] = "0123456789.,=%/-:xKM \x7f\xff";
    apr_uint32_t seed = 1;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, *state);
    for (unsigned i = 0; i < 100000; i++) {
        char *text = apr_pstrdup(scratch, right[i % 3]);
        impair_profile_t profile = {.port = 7};
        impair_line_t line = {.step.profile = profile};
        const char *schedule;

        for (unsigned mistakes = 1 + i % 4; mistakes > 0; mistakes--) {
            seed = seed * 1664525 + 1013904223;
            text[(seed >> 8) % strlen(right[i % 3])] = letters[(seed >> 20) % sizeof letters];
        }
        const char *error = i % 3 == 0 ? impair_spec_parse(&profile, &schedule, text, scratch)
                                       : impair_line_parse(&line, &profile, text, scratch);

        assert_true(error == NULL || *error != '\0');
        assert_true(error != NULL || (profile.jitter <= profile.delay && profile.rate >= 0));
        assert_true(error != NULL ||
                    (line.step.after >= 0 && line.step.profile.jitter <= line.step.profile.delay));
        if (i % 999 == 0) {
            apr_pool_clear(scratch);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(all_of_it_is_read),         scene(the_rest_is_as_documented),
        scene(what_is_wrong_is_refused),  scene(a_schedule_is_named_and_not_read),
        scene(a_line_says_when_and_what), scene(a_wrong_line_is_refused),
        scene(mistakes_do_no_harm),
    };

    return cmocka_run_group_tests_name("impair_spec", tests, NULL, NULL);
}
