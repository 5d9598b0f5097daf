/* Signals as requests, and numbers that POSIX has other names for. */

#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "child.h"
#include "udpecho/clock.h"
#include "udpecho/host.h"
#include "udpecho/machine.h"

static host_t *start(apr_pool_t *pool)
{
    host_t *host;

    require(host_start(&host, 1, pool) == APR_SUCCESS);
    return host;
}

static void signals_in_child(apr_pool_t *pool)
{
    host_t *host = start(pool);

    kill(getpid(), SIGUSR1);
    require(host_wait(host) == HOST_REPORT);
    kill(getpid(), SIGUSR1);
    require(host_wait(host) == HOST_REPORT);
    kill(getpid(), SIGHUP);
    require(host_wait(host) == HOST_RELOAD);
    kill(getpid(), SIGHUP);
    require(host_wait(host) == HOST_RELOAD);
    kill(getpid(), SIGTERM);
    require(host_wait(host) == HOST_STOP);
    host_finish(host);
    require(host_wait(host) == HOST_FINISHED);
}

static void signals_become_events(void **state)
{
    assert_int_equal(status_of_child(signals_in_child, *state), 0);
}

static void client_signals_in_child(apr_pool_t *pool)
{
    host_t *host;

    require(host_start(&host, 0, pool) == APR_SUCCESS);
    kill(getpid(), SIGHUP);
    require(host_wait(host) == HOST_STOP);
    kill(getpid(), SIGHUP);
}

static void a_hang_up_ends_what_has_nothing_to_reload(void **state)
{
    int status = status_of_child(client_signals_in_child, *state);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGHUP);
}

static void ignored_signals_in_child(apr_pool_t *pool)
{
    host_t *host;

    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    require(host_start(&host, 0, pool) == APR_SUCCESS);
    kill(getpid(), SIGINT);
    kill(getpid(), SIGHUP);
    kill(getpid(), SIGUSR1);
    require(host_wait(host) == HOST_REPORT);
    host_finish(host);
    require(host_wait(host) == HOST_FINISHED);
}

static void what_was_ignored_at_the_start_stays_ignored(void **state)
{
    assert_int_equal(status_of_child(ignored_signals_in_child, *state), 0);
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

#define LAME_DUCK_US 20000

static void lame_duck_in_child(apr_pool_t *pool)
{
    host_t *host = start(pool);
    apr_time_t began = clock_now();

    host_set_lame_duck(host, LAME_DUCK_US);
    kill(getpid(), SIGTERM);
    require(host_wait(host) == HOST_LAME_DUCK);
    kill(getpid(), SIGHUP); /* it goes on meanwhile */
    require(host_wait(host) == HOST_RELOAD);
    host_set_lame_duck(host, APR_USEC_PER_SEC * 1000); /* for the next time */
    require(host_wait(host) == HOST_STOP);
    require(clock_now() - began >= LAME_DUCK_US);
    kill(getpid(), SIGTERM);
}

static void the_end_waits_for_the_lame_duck_time(void **state)
{
    int status = status_of_child(lame_duck_in_child, *state);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void short_lame_duck_in_child(apr_pool_t *pool)
{
    host_t *host = start(pool);

    host_set_lame_duck(host, APR_USEC_PER_SEC * 1000);
    kill(getpid(), SIGTERM);
    require(host_wait(host) == HOST_LAME_DUCK);
    kill(getpid(), SIGINT);
    require(host_wait(host) == HOST_STOP);
    kill(getpid(), SIGINT);
}

static void a_second_stop_ends_the_lame_duck_time_and_a_third_the_process(void **state)
{
    int status = status_of_child(short_lame_duck_in_child, *state);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGINT);
}

static void both_stops_in_child(apr_pool_t *pool)
{
    host_t *host = start(pool);

    host_set_lame_duck(host, APR_USEC_PER_SEC * 1000);
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGINT);
    require(host_wait(host) == HOST_LAME_DUCK);
    require(host_wait(host) == HOST_STOP);
    host_finish(host);
    require(host_wait(host) == HOST_FINISHED);
}

static void two_stops_before_the_first_is_heard_end_the_lame_duck_time(void **state)
{
    assert_int_equal(status_of_child(both_stops_in_child, *state), 0);
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
        /* cppcheck-suppress unreachableCode ; it takes the line above for the end */
        raise(SIGHUP);
    }
    host_finish(host);
    require(host_wait(host) == HOST_REPORT);
    require(host_wait(host) == HOST_RELOAD);
    require(host_wait(host) == HOST_FINISHED);
}

static void a_flood_of_requests_hides_no_other_event(void **state)
{
    assert_int_equal(status_of_child(flood_in_child, *state), 0);
}

static void the_main_thread_has_the_number_of_the_process(void **state)
{
    (void)state;
    assert_int_equal(host_thread_id(), getpid()); /* on Linux */
}

static void processors_are_those_of_the_machine(void **state)
{
    (void)state;
    assert_true(host_processors() <= (unsigned)sysconf(_SC_NPROCESSORS_CONF));
}

static int never_run(void *context)
{
    (void)context;
    fail();
    return 0;
}

static void nothing_is_run_as_a_service_of_windows(void **state)
{
    int code;

    (void)state;
    assert_int_equal(host_run(1, never_run, NULL, NULL, &code), APR_ENOTIMPL);
}

static void a_service_names_its_configuration_file(void **state)
{
    assert_null(host_config_file(*state));
}

static void require_closed(void)
{
    char byte = 0;

    require(write(STDOUT_FILENO, &byte, 1) < 0 && errno == EBADF);
    require(write(STDERR_FILENO, &byte, 1) < 0 && errno == EBADF);
    require(read(STDIN_FILENO, &byte, 1) < 0 && errno == EBADF);
}

static void close_standard_files(void)
{
    for (int i = STDIN_FILENO; i <= STDERR_FILENO; i++) {
        close(i);
    }
}

static void filled_in_child(apr_pool_t *pool)
{
    host_t *host;

    /* Where this may be done, there is no /dev/null either. */
    if (chroot("/proc/self/fdinfo") == 0) {
        require(access("/dev/null", F_OK) != 0);
    }
    close_standard_files();
    require(host_fill_standard_files() == APR_SUCCESS);
    require_closed();
    host = start(pool);
    require_closed();
    host_finish(host);
    require(host_wait(host) == HOST_FINISHED);
}

static void what_is_written_where_no_file_was_is_no_event(void **state)
{
    assert_int_equal(status_of_child(filled_in_child, *state), 0);
}

static void without_descriptors_in_child(apr_pool_t *pool)
{
    struct rlimit none = {0, 0};

    (void)pool;
    require(setrlimit(RLIMIT_NOFILE, &none) == 0);
    require(host_fill_standard_files() == APR_SUCCESS);
    close_standard_files();
    require(host_fill_standard_files() == EMFILE);
}

static void closed_standard_files_need_descriptors(void **state)
{
    assert_int_equal(status_of_child(without_descriptors_in_child, *state), 0);
}

static void raised_descriptors_in_child(apr_pool_t *pool)
{
    struct rlimit low = {32, 200};
    unsigned allowed;

    (void)pool;
    require(setrlimit(RLIMIT_NOFILE, &low) == 0);
    require(host_raise_descriptors(100, &allowed) == APR_SUCCESS && allowed == 100);
    require(host_raise_descriptors(50, &allowed) == APR_SUCCESS && allowed == 100);
    require(host_raise_descriptors(201, &allowed) == EMFILE && allowed == 200);
    require(getrlimit(RLIMIT_NOFILE, &low) == 0);
    require(low.rlim_cur == 200 && low.rlim_max == 200);
}

static void the_limit_of_descriptors_is_raised_as_far_as_it_may_be(void **state)
{
    assert_int_equal(status_of_child(raised_descriptors_in_child, *state), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(signals_become_events),
        scene(a_hang_up_ends_what_has_nothing_to_reload),
        scene(what_was_ignored_at_the_start_stays_ignored),
        scene(a_second_stop_ends_the_process),
        scene(the_end_waits_for_the_lame_duck_time),
        scene(a_second_stop_ends_the_lame_duck_time_and_a_third_the_process),
        scene(two_stops_before_the_first_is_heard_end_the_lame_duck_time),
        scene(a_flood_of_requests_hides_no_other_event),
        scene(what_is_written_where_no_file_was_is_no_event),
        scene(closed_standard_files_need_descriptors),
        scene(the_limit_of_descriptors_is_raised_as_far_as_it_may_be),
        scene(the_main_thread_has_the_number_of_the_process),
        scene(nothing_is_run_as_a_service_of_windows),
        scene(a_service_names_its_configuration_file),
        scene(processors_are_those_of_the_machine),
    };

    return cmocka_run_group_tests_name("host of POSIX", tests, NULL, NULL);
}
