/* Waits that end when they should although somebody has set the wall clock back. */

#include "unit.h"

#include <sys/time.h>
#include <time.h>

#include "readiness/turn.h"
#include "server/log/log_queue.h"
#include "udpecho/clock.h"
#include "udpecho/monitor.h"

#define TIMEOUT_US  10000
#define PATIENCE_US APR_USEC_PER_SEC

/* In place of the C library's: what was the time of day before the clock was set back. */
int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *time = (struct timeval){.tv_sec = now.tv_sec + 3600, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

static void require_short(apr_time_t start)
{
    apr_interval_time_t elapsed = clock_now() - start;

    assert_true(elapsed >= TIMEOUT_US);
    assert_true(elapsed < PATIENCE_US);
}

static void a_wait_for_a_monitor_takes_its_time(void **state)
{
    monitor_t *monitor;
    apr_status_t status;
    apr_time_t start = clock_now();

    assert_int_equal(monitor_create(&monitor, *state), APR_SUCCESS);
    monitor_lock(monitor);
    do {
        status = monitor_wait(monitor, TIMEOUT_US);
    } while (status == APR_SUCCESS);
    monitor_unlock(monitor);
    assert_int_equal(status, APR_TIMEUP);
    require_short(start);
}

static void a_wait_for_a_line_of_the_log_takes_its_time(void **state)
{
    log_queue_t *queue;
    apr_time_t start = clock_now();

    assert_int_equal(log_queue_create(&queue, *state), APR_SUCCESS);
    assert_null(log_queue_pop(queue, TIMEOUT_US));
    require_short(start);
}

static void a_wait_for_a_turn_takes_its_time(void **state)
{
    turn_t *turn;
    atomic_int woken = 0;
    apr_time_t start = clock_now();

    assert_int_equal(turn_create(&turn, *state), APR_SUCCESS);
    assert_int_equal(turn_take(turn, &woken, 0), APR_SUCCESS);
    while (clock_now() < start + TIMEOUT_US) { /* it may return early */
        assert_int_equal(turn_take(turn, &woken, TIMEOUT_US), APR_TIMEUP);
    }
    require_short(start);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_wait_for_a_monitor_takes_its_time),
        scene(a_wait_for_a_line_of_the_log_takes_its_time),
        scene(a_wait_for_a_turn_takes_its_time),
    };

    return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
