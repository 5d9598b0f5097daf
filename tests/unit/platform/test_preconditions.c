/* What a header asks of its callers is asserted: who does otherwise ends at once, in builds that
 * have assertions. */

#include "unit.h"

#include <apr_thread_proc.h>
#include <signal.h>

#include "child.h"
#include "readiness/control_message.h"
#include "readiness/message_batch.h"
#include "readiness/turn.h"
#include "udpecho/host.h"
#include "udpecho/monitor.h"

static void pass_a_turn_that_nobody_has(apr_pool_t *pool)
{
    turn_t *turn;

    require(turn_create(&turn, pool) == APR_SUCCESS);
    turn_pass(turn);
}

static void unlock_what_is_not_locked(apr_pool_t *pool)
{
    monitor_t *monitor;

    require(monitor_create(&monitor, pool) == APR_SUCCESS);
    monitor_unlock(monitor);
}

static void lock_twice(apr_pool_t *pool)
{
    monitor_t *monitor;

    require(monitor_create(&monitor, pool) == APR_SUCCESS);
    monitor_lock(monitor);
    monitor_lock(monitor);
}

static void add_more_control_messages_than_there_is_room_for(apr_pool_t *pool)
{
    struct msghdr header = {.msg_control = apr_pcalloc(pool, 2 * CONTROL_MAX)};
    char data[CONTROL_MAX] = {0};

    control_message_add(&header, 0, 0, data, sizeof data);
}

static void receive_into_a_full_batch(apr_pool_t *pool)
{
    message_batch_t *batch = apr_pcalloc(pool, sizeof *batch);

    batch->count = BATCH_MAX;
    message_batch_receive(batch, -1, 1);
}

static void *APR_THREAD_FUNC log_from_another_thread(apr_thread_t *thread, void *data)
{
    (void)thread, (void)data;
    host_log();
    return NULL;
}

static int run_thread(void *context)
{
    apr_thread_t *thread;
    apr_status_t status;

    host_log();
    if (apr_thread_create(&thread, NULL, log_from_another_thread, NULL, context) == APR_SUCCESS) {
        apr_thread_join(&status, thread);
    }
    return 0;
}

static void do_in_another_thread_what_is_for_the_main_thread(apr_pool_t *pool)
{
    int code;

    host_run(0, run_thread, NULL, pool, &code);
}

static void a_caller_that_violates_one_ends(void **state)
{
    static void (*const violations[])(apr_pool_t *) = {
        pass_a_turn_that_nobody_has,
        unlock_what_is_not_locked,
        lock_twice,
        add_more_control_messages_than_there_is_room_for,
        receive_into_a_full_batch,
        do_in_another_thread_what_is_for_the_main_thread,
    };

#ifdef NDEBUG
    skip_test("this build has no assertions");
#endif
    for (unsigned i = 0; i < sizeof violations / sizeof violations[0]; i++) {
        int status = status_of_child(violations[i], *state);

        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_caller_that_violates_one_ends),
    };

    return run_group("preconditions", tests);
}
