#include "unit.h"

#include <apr_thread_proc.h>
#include <stdatomic.h>

#include "server/gate.h"

#define THREADS 5

typedef struct crowd {
    gate_t *gate;
    atomic_uint passed;
} crowd_t;

static void *APR_THREAD_FUNC pass(apr_thread_t *thread, void *data)
{
    crowd_t *crowd = data;

    (void)thread;
    atomic_fetch_add(&crowd->passed, gate_pass(crowd->gate) ? 1 : 0);
    return NULL;
}

static void start(apr_thread_t **threads, crowd_t *crowd, apr_pool_t *pool)
{
    atomic_init(&crowd->passed, 0);
    assert_int_equal(gate_create(&crowd->gate, pool), APR_SUCCESS);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(apr_thread_create(&threads[i], NULL, pass, crowd, pool), APR_SUCCESS);
    }
}

static void join(apr_thread_t **threads)
{
    apr_status_t status;

    for (int i = 0; i < THREADS; i++) {
        apr_thread_join(&status, threads[i]);
    }
}

static void waiters_block_until_the_gate_opens(void **state)
{
    apr_thread_t *threads[THREADS];
    crowd_t crowd;

    start(threads, &crowd, *state);
    gate_await(crowd.gate, THREADS);
    assert_int_equal(atomic_load(&crowd.passed), 0);
    gate_open(crowd.gate);
    join(threads);
    assert_int_equal(atomic_load(&crowd.passed), THREADS);
}

static void an_open_gate_does_not_block(void **state)
{
    apr_thread_t *threads[THREADS];
    crowd_t crowd;

    start(threads, &crowd, *state);
    gate_open(crowd.gate); /* a thread that is not there yet finds it open */
    join(threads);
    assert_true(gate_pass(crowd.gate));
}

static void an_abandoned_gate_stays_closed(void **state)
{
    apr_thread_t *threads[THREADS];
    crowd_t crowd;

    start(threads, &crowd, *state);
    gate_await(crowd.gate, THREADS);
    gate_abandon(crowd.gate);
    join(threads);
    assert_int_equal(atomic_load(&crowd.passed), 0);
    assert_false(gate_pass(crowd.gate));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(waiters_block_until_the_gate_opens),
        scene(an_open_gate_does_not_block),
        scene(an_abandoned_gate_stays_closed),
    };

    return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
