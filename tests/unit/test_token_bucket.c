#include "unit.h"

#include "token_bucket.h"

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
    token_hand_t hand = {NULL, 0};

    (void)state;
    assert_int_equal(taken(&hand, 1 << 20, 100000, 0), 100000);
}

static void a_bucket_gives_its_rate_and_what_it_held(void **state)
{
    token_hand_t slow = {token_bucket_create(100, START, *state), 0};
    token_hand_t fast = {token_bucket_create(100000, START, *state), 0};

    assert_in_range(taken(&slow, 1, 100000, 10 * SECOND), 11 * 100 - 1, 11 * 100);
    assert_in_range(taken(&fast, 1, 10000000, 10 * SECOND), 11 * 100000 - 1, 11 * 100000 + 101);
}

static void a_rate_that_is_kept_loses_nothing(void **state)
{
    token_hand_t hand = {token_bucket_create(1000000, START, *state), 0};

    assert_int_equal(taken(&hand, 1000, 10000, 10 * SECOND), 10000);
}

static void more_than_a_second_s_worth_at_once_is_owed(void **state)
{
    token_hand_t hand = {token_bucket_create(1000, START, *state), 0};

    assert_true(token_hand_take(&hand, 60000, START));
    assert_false(token_hand_take(&hand, 60000, START + 59 * SECOND));
    assert_true(token_hand_take(&hand, 60000, START + 60 * SECOND));
    assert_int_equal(taken(&hand, 60000, 1000, 60 * SECOND), 0);
}

static void what_is_given_back_can_be_taken_again(void **state)
{
    token_hand_t hand = {token_bucket_create(1, START, *state), 0};

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
        hands[i] = (token_hand_t){bucket, 0};
        assert_true(token_hand_take(&hands[i], 1, START));
        assert_int_equal(hands[i].tokens, 10);
    }
    for (unsigned i = 0; i < 8; i++) {
        sum += taken(&hands[i], 1, 10000, 0);
    }
    assert_in_range(8 + sum, 10000, 10000 + 8 * 11);
}

static void the_highest_rate_lasts_for_years(void **state)
{
    token_hand_t hand = {token_bucket_create(TOKEN_RATE_MAX, START, *state), 0};

    for (apr_time_t day = 0; day < 3650; day += 5) {
        apr_time_t now = START + day * 86400 * SECOND;

        assert_true(token_hand_take(&hand, TOKEN_RATE_MAX, now));
        assert_false(token_hand_take(&hand, TOKEN_RATE_MAX, now));
    }
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
    };

    return cmocka_run_group_tests_name("token_bucket", tests, NULL, NULL);
}
