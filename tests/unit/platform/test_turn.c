/* Taking turns, with a thread that waits. */

#include "unit.h"

#include <apr_thread_proc.h>

#include "readiness/turn.h"

typedef struct waiter {
    turn_t *turn;
    atomic_int woken;
    apr_status_t outcome;
    apr_thread_t *thread;
} waiter_t;

static void *APR_THREAD_FUNC wait_for_turn(apr_thread_t *thread, void *data)
{
    waiter_t *waiter = data;

    (void)thread;
    do {
        waiter->outcome = turn_take(waiter->turn, &waiter->woken, -1);
    } while (APR_STATUS_IS_TIMEUP(waiter->outcome));
    return NULL;
}

static waiter_t *start_waiter(turn_t *turn, apr_pool_t *pool)
{
    waiter_t *waiter = apr_pcalloc(pool, sizeof *waiter);

    waiter->turn = turn;
    assert_int_equal(apr_thread_create(&waiter->thread, NULL, wait_for_turn, waiter, pool),
                     APR_SUCCESS);
    return waiter;
}

static apr_status_t outcome_of(waiter_t *waiter)
{
    apr_status_t ignored;

    apr_thread_join(&ignored, waiter->thread);
    return waiter->outcome;
}

static turn_t *taken_turn(apr_pool_t *pool)
{
    atomic_int woken = 0;
    turn_t *turn;

    assert_int_equal(turn_create(&turn, pool), APR_SUCCESS);
    assert_int_equal(turn_take(turn, &woken, -1), APR_SUCCESS);
    return turn;
}

static void only_one_has_it(void **state)
{
    atomic_int woken = 0;
    turn_t *turn = taken_turn(*state);

    assert_true(APR_STATUS_IS_TIMEUP(turn_take(turn, &woken, 1000)));
    turn_pass(turn);
    assert_int_equal(turn_take(turn, &woken, 1000), APR_SUCCESS);
}

static void a_thread_that_waits_gets_it_when_it_is_passed(void **state)
{
    turn_t *turn = taken_turn(*state);
    waiter_t *waiter = start_waiter(turn, *state);

    turn_pass(turn);
    assert_int_equal(outcome_of(waiter), APR_SUCCESS);
}

static void a_wake_ends_the_wait_of_whom_it_is_for(void **state)
{
    turn_t *turn = taken_turn(*state);
    waiter_t *waiter = start_waiter(turn, *state);
    waiter_t *other = start_waiter(turn, *state);

    atomic_store(&waiter->woken, 1);
    turn_wake(turn);
    assert_int_equal(outcome_of(waiter), APR_EINTR);
    turn_pass(turn);
    assert_int_equal(outcome_of(other), APR_SUCCESS);
}

static void a_wake_does_not_swallow_the_turn(void **state)
{
    /* Whichever of the two is chosen for the turn, the one that wants it gets it. */
    for (int i = 0; i < 200; i++) {
        turn_t *turn = taken_turn(*state);
        waiter_t *waiter = start_waiter(turn, *state);
        waiter_t *other = start_waiter(turn, *state);

        atomic_store(&waiter->woken, 1);
        turn_pass(turn);
        turn_wake(turn);
        assert_int_equal(outcome_of(other), APR_SUCCESS);
        assert_int_equal(outcome_of(waiter), APR_EINTR);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(only_one_has_it),
        scene(a_thread_that_waits_gets_it_when_it_is_passed),
        scene(a_wake_ends_the_wait_of_whom_it_is_for),
        scene(a_wake_does_not_swallow_the_turn),
    };

    return cmocka_run_group_tests_name("turn", tests, NULL, NULL);
}
