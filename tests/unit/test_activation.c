/* Sockets handed over as sd_listen_fds(3) says. */

#include "unit.h"

#include <apr_portable.h>
#include <apr_strings.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "child.h"
#include "udpecho/host.h"

/* Makes this process look as if `count` sockets were handed to process `pid`. */
static void hand_over(long pid, const char *count, apr_pool_t *pool)
{
    setenv("LISTEN_PID", apr_psprintf(pool, "%ld", pid), 1);
    setenv("LISTEN_FDS", count, 1);
    setenv("LISTEN_FDNAMES", "one:two", 1);
}

static void open_at(int descriptor)
{
    int fresh = socket(AF_INET, SOCK_DGRAM, 0);

    require(fresh >= 0 && dup2(fresh, descriptor) == descriptor);
}

static const char *take(apr_array_header_t **sockets, apr_pool_t *pool)
{
    *sockets = apr_array_make(pool, 2, sizeof(apr_os_sock_t));
    return host_inherited_sockets(*sockets, pool);
}

static void require_none(apr_pool_t *pool)
{
    apr_array_header_t *sockets;

    require(take(&sockets, pool) == NULL && sockets->nelts == 0);
}

static void require_error(const char *expected, apr_pool_t *pool)
{
    apr_array_header_t *sockets;
    const char *error = take(&sockets, pool);

    require(error != NULL && strstr(error, expected) == error);
}

static void two_in_child(apr_pool_t *pool)
{
    apr_array_header_t *sockets;

    open_at(3);
    open_at(4);
    hand_over(getpid(), "2", pool);
    require(take(&sockets, pool) == NULL);
    require(sockets->nelts == 2);
    for (int i = 0; i < 2; i++) {
        require(APR_ARRAY_IDX(sockets, i, apr_os_sock_t) == 3 + i);
        require(fcntl(3 + i, F_GETFD) == FD_CLOEXEC);
    }
    require(getenv("LISTEN_PID") == NULL && getenv("LISTEN_FDS") == NULL &&
            getenv("LISTEN_FDNAMES") == NULL);
    require_none(pool);
}

static void descriptors_from_3_on_are_taken_once(void **state)
{
    assert_int_equal(status_of_child(two_in_child, *state), 0);
}

static void none_in_child(apr_pool_t *pool)
{
    require_none(pool);
    setenv("LISTEN_PID", apr_psprintf(pool, "%d", getpid()), 1);
    require_none(pool);
    hand_over(getpid(), "0", pool);
    require_none(pool);
}

static void without_the_variables_there_are_none(void **state)
{
    assert_int_equal(status_of_child(none_in_child, *state), 0);
}

static void of_another_in_child(apr_pool_t *pool)
{
    open_at(3);
    hand_over(getppid(), "1", pool);
    require_none(pool);
    require(getenv("LISTEN_FDS") == NULL);
    require(fcntl(3, F_GETFD) == 0);
}

static void those_of_another_process_are_left_alone(void **state)
{
    assert_int_equal(status_of_child(of_another_in_child, *state), 0);
}

static void malformed_in_child(apr_pool_t *pool)
{
    static const char *const counts[] = {"", "x", "1x", "-1", " 1", "99999999999999999999"};

    for (unsigned i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        hand_over(getpid(), counts[i], pool);
        require_error(apr_psprintf(pool, "LISTEN_FDS=%s: expected how many", counts[i]), pool);
    }
    hand_over(1, "1", pool);
    setenv("LISTEN_PID", "me", 1);
    require_error("LISTEN_PID=me: expected the number of a process", pool);
}

static void malformed_variables_are_told(void **state)
{
    assert_int_equal(status_of_child(malformed_in_child, *state), 0);
}

static void too_few_in_child(apr_pool_t *pool)
{
    open_at(3);
    close(4);
    hand_over(getpid(), "999999999", pool);
    require_error("LISTEN_FDS=999999999: expected as many sockets from descriptor 3 on, and 4 is "
                  "not open",
                  pool);
}

static void a_descriptor_that_is_not_open_is_named(void **state)
{
    assert_int_equal(status_of_child(too_few_in_child, *state), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(descriptors_from_3_on_are_taken_once),    scene(without_the_variables_there_are_none),
        scene(those_of_another_process_are_left_alone), scene(malformed_variables_are_told),
        scene(a_descriptor_that_is_not_open_is_named),
    };

    return cmocka_run_group_tests_name("socket activation of POSIX", tests, NULL, NULL);
}
