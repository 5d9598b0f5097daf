#include "unit.h"

#include "server/impair_spec.h"

static impair_profile_t parsed(const char *text, apr_pool_t *pool)
{
    impair_profile_t profile;
    const char *error = impair_spec_parse(&profile, text, pool);

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
    };
    impair_profile_t profile;

    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        if (impair_spec_parse(&profile, wrong[i], *state) == NULL) {
            fail_msg("\"%s\" passes", wrong[i]);
        }
    }
}

/* One to three mistakes in what is right: whatever it is, it is read or refused with words. */
static void mistakes_do_no_harm(void **state)
{
    static const char right[] = "from=192.0.2.0/24,port=8,drop=0.1%,corrupt=1/9,delay=5ms,"
                                "jitter=1ms,distribution=normal,rate=1Mbit/s,queue=9KiB,seed=7";
    static const char letters[] = "0123456789.,=%/-:xKM \x7f\xff";
    apr_uint32_t seed = 1;
    apr_pool_t *scratch;

    apr_pool_create(&scratch, *state);
    for (unsigned i = 0; i < 50000; i++) {
        char text[sizeof right];
        impair_profile_t profile;

        memcpy(text, right, sizeof text);
        for (unsigned mistakes = 1 + i % 3; mistakes > 0; mistakes--) {
            seed = seed * 1664525 + 1013904223;
            text[(seed >> 8) % (sizeof right - 1)] = letters[(seed >> 20) % sizeof letters];
        }
        const char *error = impair_spec_parse(&profile, text, scratch);

        assert_true(error == NULL || *error != '\0');
        assert_true(error != NULL || (profile.jitter <= profile.delay && profile.rate >= 0));
        if (i % 1000 == 0) {
            apr_pool_clear(scratch);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(all_of_it_is_read),
        scene(the_rest_is_as_documented),
        scene(what_is_wrong_is_refused),
        scene(mistakes_do_no_harm),
    };

    return cmocka_run_group_tests_name("impair_spec", tests, NULL, NULL);
}
