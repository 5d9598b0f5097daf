#include "unit.h"

#include "core/impair_profile.h"

#define REPLIES 100000

/* How many of the replies meet it. */
static unsigned counted(const impair_profile_t *profile, impairment_t impairment)
{
    unsigned count = 0;

    for (unsigned number = 1; number <= REPLIES; number++) {
        impair_decision_t decision;

        impair_decide(&decision, profile, number);
        count += decision.does[impairment] != 0;
    }
    return count;
}

static void every_nth_is_exact(void **state)
{
    (void)state;
    for (unsigned impairment = 0; impairment < IMPAIR_CHANCES; impairment++) {
        for (apr_uint32_t every = 1; every < 1000; every += 37) {
            impair_profile_t profile = {.seed = 0};

            profile.chance[impairment].every = every;

            assert_int_equal(counted(&profile, impairment), REPLIES / every);
        }
    }
}

/* The squares of what is off, each by what was to be expected: chi-squared with one degree of
 * freedom, above 10.83 once in 1,000 times. The seed is the same in every run. */
static void chances_are_what_was_asked_for(void **state)
{
    static const apr_uint32_t millionths[] = {100, 2500, 10000, 333333, 500000, 990000};

    (void)state;
    for (unsigned impairment = 0; impairment < IMPAIR_CHANCES; impairment++) {
        for (unsigned i = 0; i < sizeof millionths / sizeof millionths[0]; i++) {
            impair_profile_t profile = {.seed = 7};
            double expected = REPLIES * (millionths[i] / 1e6);

            profile.chance[impairment].millionths = millionths[i];
            double off = counted(&profile, impairment) - expected;

            assert_true(off * off / expected + off * off / (REPLIES - expected) < 10.83);
        }
    }
}

/* Whether one happens says nothing of whether the next does, or another one. */
static void decisions_are_independent(void **state)
{
    impair_profile_t profile = {.seed = 3,
                                .chance = {[IMPAIR_DUPLICATE] = {.millionths = 500000},
                                           [IMPAIR_CORRUPT] = {.millionths = 500000}}};
    unsigned seen[8] = {0};
    unsigned before = 0;
    double squares = 0;

    (void)state;
    for (unsigned number = 1; number <= REPLIES; number++) {
        impair_decision_t decision;

        impair_decide(&decision, &profile, number);
        seen[4 * before + 2 * (unsigned)decision.does[IMPAIR_DUPLICATE] +
             (unsigned)decision.does[IMPAIR_CORRUPT]]++;
        before = (unsigned)decision.does[IMPAIR_DUPLICATE];
    }
    for (unsigned i = 0; i < 8; i++) {
        double off = seen[i] - REPLIES / 8.0;

        squares += off * off / (REPLIES / 8.0);
    }
    assert_true(squares < 24.32); /* seven degrees of freedom, once in 1,000 times */
}

static void certain_is_always(void **state)
{
    impair_profile_t profile = {.chance[IMPAIR_CORRUPT] = {.millionths = IMPAIR_CERTAIN}};

    (void)state;
    assert_int_equal(counted(&profile, IMPAIR_CORRUPT), REPLIES);
}

static void the_seed_alone_decides(void **state)
{
    impair_profile_t profile = {
        .seed = 1, .chance[IMPAIR_DROP] = {.millionths = 500000}, .delay = 1000, .jitter = 1000};
    impair_profile_t other = profile;
    unsigned different = 0;

    (void)state;
    other.seed = 2;
    for (unsigned number = 1; number <= 1000; number++) {
        impair_decision_t one;
        impair_decision_t again;
        impair_decision_t by_other;

        impair_decide(&one, &profile, number);
        impair_decide(&again, &profile, number);
        impair_decide(&by_other, &other, number);
        assert_memory_equal(one.does, again.does, sizeof one.does);
        assert_true(one.delay == again.delay && one.corrupt_bit == again.corrupt_bit);
        different += one.does[IMPAIR_DROP] != by_other.does[IMPAIR_DROP];
    }
    assert_in_range(different, 400, 600);
}

/* What is written here is decided on every system, of any byte order and word size. */
static void decisions_are_the_same_everywhere(void **state)
{
    impair_profile_t profile = {.seed = 42, .delay = 50000, .jitter = 10000, .is_normal = 1};
    impair_decision_t decision;
    apr_uint64_t sum = 0;

    (void)state;
    for (unsigned number = 1; number <= 1000; number++) {
        impair_decide(&decision, &profile, number);
        sum = 31 * sum + (apr_uint64_t)decision.delay + decision.corrupt_bit;
    }
    assert_true(sum == APR_UINT64_C(14128025547044433385));
}

static void what_is_dropped_meets_nothing_else(void **state)
{
    impair_profile_t profile = {.chance = {{.every = 1}, {.every = 1}, {.every = 1}, {.every = 1}}};

    (void)state;
    assert_int_equal(counted(&profile, IMPAIR_DROP), REPLIES);
    assert_int_equal(counted(&profile, IMPAIR_DUPLICATE), 0);
    assert_int_equal(counted(&profile, IMPAIR_CORRUPT), 0);
}

typedef struct moments {
    double mean, variance, within; /* the part of those no further off than the jitter */
    apr_interval_time_t least, most;
} moments_t;

static moments_t moments_of(const impair_profile_t *profile)
{
    moments_t moments = {.least = IMPAIR_DELAY_MAX_US};

    for (unsigned number = 1; number <= REPLIES; number++) {
        impair_decision_t decision;

        impair_decide(&decision, profile, number);
        double off = (double)(decision.delay - profile->delay);

        moments.mean += off / REPLIES;
        moments.variance += off * off / REPLIES;
        moments.within += (off >= -(double)profile->jitter && off <= (double)profile->jitter);
        moments.least = decision.delay < moments.least ? decision.delay : moments.least;
        moments.most = decision.delay > moments.most ? decision.delay : moments.most;
    }
    moments.within /= REPLIES;
    return moments;
}

static int is_close(double value, double expected)
{
    return value > 0.98 * expected && value < 1.02 * expected;
}

static void uniform_jitter_is_all_over_its_range(void **state)
{
    impair_profile_t profile = {.delay = 50000, .jitter = 20000};
    moments_t moments = moments_of(&profile);

    (void)state;
    assert_true(moments.mean > -200 && moments.mean < 200);
    assert_true(is_close(moments.variance, 20000.0 * 20000.0 / 3));
    assert_true(moments.least >= 30000 && moments.least < 30100);
    assert_true(moments.most <= 70000 && moments.most > 69900);
}

static void normal_jitter_is_a_standard_deviation(void **state)
{
    impair_profile_t profile = {.delay = 50000, .jitter = 5000, .is_normal = 1};
    moments_t moments = moments_of(&profile);

    (void)state;
    assert_true(moments.mean > -100 && moments.mean < 100);
    assert_true(is_close(moments.variance, 5000.0 * 5000.0));
    assert_true(is_close(moments.within, 0.6827));
}

static void no_delay_is_negative(void **state)
{
    impair_profile_t profile = {
        .delay = IMPAIR_DELAY_MAX_US, .jitter = IMPAIR_DELAY_MAX_US, .is_normal = 1};
    moments_t moments = moments_of(&profile);

    (void)state;
    assert_true(moments.least == 0);
    assert_true(moments.most > 3 * IMPAIR_DELAY_MAX_US);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(every_nth_is_exact),
        scene(chances_are_what_was_asked_for),
        scene(decisions_are_independent),
        scene(certain_is_always),
        scene(the_seed_alone_decides),
        scene(decisions_are_the_same_everywhere),
        scene(what_is_dropped_meets_nothing_else),
        scene(uniform_jitter_is_all_over_its_range),
        scene(normal_jitter_is_a_standard_deviation),
        scene(no_delay_is_negative),
    };

    return cmocka_run_group_tests_name("impair_profile", tests, NULL, NULL);
}
