#include "unit.h"

#include "core/token_bucket.h"

#define START  apr_time_from_sec(1000)
#define SECOND APR_USEC_PER_SEC

/* How many of `count` takes of `amount`, evenly spread over `duration`, succeed. */
static unsigned taken(token_hand_t *hand, apr_uint64_t amount, unsigned count,
                      apr_interval_time_t duration)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < count; i++) {
        sum += token_hand_take(hand, amount, START + duration * i / count) != 0;
    }
    return sum;
}

static void without_a_bucket_there_is_no_limit(void **state)
{
    token_hand_t hand = {.bucket = NULL};

    (void)state;
    assert_int_equal(taken(&hand, 1 << 20, 100000, 0), 100000);
}

static void a_bucket_gives_its_rate_and_what_it_held(void **state)
{
    token_hand_t slow = {.bucket = token_bucket_create(100, START, *state)};
    token_hand_t fast = {.bucket = token_bucket_create(100000, START, *state)};

    assert_in_range(taken(&slow, 1, 100000, 10 * SECOND), 11 * 100 - 1, 11 * 100);
    assert_in_range(taken(&fast, 1, 10000000, 10 * SECOND), 11 * 100000 - 1, 11 * 100000 + 101);
}

static void a_rate_that_is_kept_loses_nothing(void **state)
{
    token_hand_t hand = {.bucket = token_bucket_create(1000000, START, *state)};

    assert_int_equal(taken(&hand, 1000, 10000, 10 * SECOND), 10000);
}

static void more_than_a_second_s_worth_at_once_is_owed(void **state)
{
    token_hand_t hand = {.bucket = token_bucket_create(1000, START, *state)};

    assert_true(token_hand_take(&hand, 60000, START));
    assert_false(token_hand_take(&hand, 60000, START + 59 * SECOND));
    assert_true(token_hand_take(&hand, 60000, START + 60 * SECOND));
    assert_int_equal(taken(&hand, 60000, 1000, 60 * SECOND), 0);
}

static void what_is_given_back_can_be_taken_again(void **state)
{
    token_hand_t hand = {.bucket = token_bucket_create(1, START, *state)};

    assert_true(token_hand_take(&hand, 1, START));
    token_hand_return(&hand, 1);
    assert_true(token_hand_take(&hand, 1, START));
    assert_false(token_hand_take(&hand, 1, START));
}

static void workers_hold_a_millisecond_s_worth_at_most(void **state)
{
    token_bucket_t *bucket = token_bucket_create(10000, START, *state);
    token_hand_t hands[8];
    unsigned sum = 0;

    for (unsigned i = 0; i < 8; i++) {
        hands[i] = (token_hand_t){.bucket = bucket};
        assert_true(token_hand_take(&hands[i], 1, START));
        assert_int_equal(hands[i].tokens, 10);
    }
    for (unsigned i = 0; i < 8; i++) {
        sum += taken(&hands[i], 1, 10000, 0);
    }
    assert_in_range(8 + sum, 10000, 10000 + 8 * 11);
}

/* Takes all that there is, and says how much it was. */
static apr_uint64_t drain(token_hand_t *hand, apr_time_t now)
{
    apr_uint64_t sum = 0;

    while (token_hand_take(hand, TOKEN_AMOUNT_MAX, now)) {
        sum += TOKEN_AMOUNT_MAX;
    }
    return sum;
}

static void the_highest_rate_lasts_for_years(void **state)
{
    token_hand_t hand = {.bucket = token_bucket_create(TOKEN_RATE_MAX, START, *state)};

    for (apr_time_t day = 0; day < 36500; day = 3 * day + 1) {
        assert_in_range(drain(&hand, START + day * 86400 * SECOND), TOKEN_RATE_MAX,
                        TOKEN_RATE_MAX + 3 * TOKEN_AMOUNT_MAX);
    }
}

/* A worker reads its clock, and then the bucket is made. */
static void a_time_before_the_bucket_is_its_start(void **state)
{
    static const apr_uint64_t rates[] = {1, 1000, 1000000, TOKEN_RATE_MAX};

    for (unsigned i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        token_hand_t hand = {.bucket = token_bucket_create(rates[i], START, *state)};

        assert_true(token_hand_take(&hand, 1, START - 5));
        assert_in_range(taken(&hand, 1, 100, 100 * SECOND), rates[i] > 1 ? 100 : 99, 100);
    }
}

/* Where the next bucket is made, the address is that of the last. */
static void a_bucket_is_not_taken_for_one_that_had_its_address(void **state)
{
    token_hand_t hand = {.bucket = NULL};
    apr_pool_t *pool;

    assert_int_equal(apr_pool_create(&pool, *state), APR_SUCCESS);
    token_bucket_t *high = token_bucket_create(10000000, START, pool);

    token_hand_hold(&hand, high);
    assert_true(token_hand_take(&hand, 1, START));
    apr_pool_clear(pool);

    token_bucket_t *low = token_bucket_create(4, START, pool);

    token_hand_hold(&hand, low);
    assert_int_equal(taken(&hand, 1, 100, 0), 4);
    token_hand_hold(&hand, NULL);
    assert_int_equal(taken(&hand, 1, 100, 0), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(without_a_bucket_there_is_no_limit),
        scene(a_bucket_gives_its_rate_and_what_it_held),
        scene(a_rate_that_is_kept_loses_nothing),
        scene(more_than_a_second_s_worth_at_once_is_owed),
        scene(what_is_given_back_can_be_taken_again),
        scene(workers_hold_a_millisecond_s_worth_at_most),
        scene(the_highest_rate_lasts_for_years),
        scene(a_time_before_the_bucket_is_its_start),
        scene(a_bucket_is_not_taken_for_one_that_had_its_address),
    };

    return cmocka_run_group_tests_name("token_bucket", tests, NULL, NULL);
}
