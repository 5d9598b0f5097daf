#include "unit.h"

#include <apr_thread_proc.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "udpecho/host.h"

/* Each scene runs in a child: signal handlers are the process's, and one scene ends it. */
static int status_of_child(void (*scene_in_child)(apr_pool_t *pool), apr_pool_t *pool)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        scene_in_child(pool);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void require(int condition)
{
    if (!condition) {
        _exit(1);
    }
}

static host_t *start(apr_pool_t *pool)
{
    host_t *host;

    require(host_start(&host, pool) == APR_SUCCESS);
    return host;
}

static void signals_in_child(apr_pool_t *pool)
{
    host_t *host = start(pool);

    kill(getpid(), SIGUSR1);
    require(host_wait(host) == HOST_REPORT);
    kill(getpid(), SIGUSR1);
    require(host_wait(host) == HOST_REPORT);
    kill(getpid(), SIGTERM);
    require(host_wait(host) == HOST_STOP);
    host_finish(host);
    require(host_wait(host) == HOST_FINISHED);
}

static void signals_become_events(void **state)
{
    assert_int_equal(status_of_child(signals_in_child, *state), 0);
}

static void second_stop_in_child(apr_pool_t *pool)
{
    host_t *host = start(pool);

    kill(getpid(), SIGTERM);
    require(host_wait(host) == HOST_STOP);
    kill(getpid(), SIGINT);
}

static void a_second_stop_ends_the_process(void **state)
{
    int status = status_of_child(second_stop_in_child, *state);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGINT);
}

static void flood_in_child(apr_pool_t *pool)
{
    host_t *host = start(pool);
    sigset_t all;

    /* Let them in without reading them: far more than a pipe holds. */
    sigemptyset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    for (int i = 0; i < 100000; i++) {
        raise(SIGUSR1);
    }
    host_finish(host);
    require(host_wait(host) == HOST_REPORT);
    require(host_wait(host) == HOST_FINISHED);
}

static void a_flood_of_reports_hides_no_other_event(void **state)
{
    assert_int_equal(status_of_child(flood_in_child, *state), 0);
}

static void *APR_THREAD_FUNC store_id(apr_thread_t *thread, void *id)
{
    (void)thread;
    *(apr_uint64_t *)id = host_thread_id();
    return NULL;
}

static void threads_have_numbers_of_their_own(void **state)
{
    apr_thread_t *thread;
    apr_status_t status;
    apr_uint64_t id = 0;

    assert_int_equal(apr_thread_create(&thread, NULL, store_id, &id, *state), APR_SUCCESS);
    apr_thread_join(&status, thread);
    assert_int_not_equal(id, 0);
    assert_int_not_equal(id, host_thread_id());
    assert_int_equal(host_thread_id(), getpid()); /* the main thread, on Linux */
}

static void there_is_a_processor_to_run_on(void **state)
{
    (void)state;
    assert_true(host_processors() >= 1);
    assert_true(host_processors() <= (unsigned)sysconf(_SC_NPROCESSORS_CONF));
}

static void the_clock_never_goes_back(void **state)
{
    apr_time_t before = clock_now();

    (void)state;
    for (int i = 0; i < 100000; i++) {
        apr_time_t now = clock_now();

        assert_true(now >= before);
        before = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(signals_become_events),
        scene(a_second_stop_ends_the_process),
        scene(a_flood_of_reports_hides_no_other_event),
        scene(threads_have_numbers_of_their_own),
        scene(there_is_a_processor_to_run_on),
        scene(the_clock_never_goes_back),
    };

    return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
