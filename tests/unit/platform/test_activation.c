/* Sockets handed over as sd_listen_fds(3) says. */

#include "unit.h"

#include <apr_portable.h>
#include <apr_strings.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "child.h"
#include "udpecho/handover.h"

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

static const char *take_all(apr_array_header_t **sockets, apr_array_header_t **groups,
                            apr_pool_t *pool)
{
    *sockets = apr_array_make(pool, 2, sizeof(socket_group_t));
    *groups = apr_array_make(pool, 2, sizeof(socket_group_t));
    return host_inherited_sockets(*sockets, *groups, pool);
}

static const char *take(apr_array_header_t **sockets, apr_pool_t *pool)
{
    apr_array_header_t *groups;
    const char *error = take_all(sockets, &groups, pool);

    require(groups->nelts == 0);
    return error;
}

static int is_activated(const apr_array_header_t *activated, int index, int descriptor,
                        protocol_t protocol)
{
    const socket_group_t *group = &APR_ARRAY_IDX(activated, index, socket_group_t);

    return group->protocol == protocol && group->sockets->nelts == 1 &&
           APR_ARRAY_IDX(group->sockets, 0, apr_os_sock_t) == descriptor;
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
        require(is_activated(sockets, i, 3 + i, PROTOCOL_ECHO));
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

static void named_in_child(apr_pool_t *pool)
{
    static const protocol_t protocols[] = {PROTOCOL_STAMP, PROTOCOL_ECHO, PROTOCOL_ECHO_PLUS,
                                           PROTOCOL_ECHO};
    apr_array_header_t *sockets;

    for (int i = 0; i < 4; i++) {
        open_at(3 + i);
    }
    hand_over(getpid(), "4", pool);
    setenv("LISTEN_FDNAMES", "stamp:udpechod.socket:echo-plus:stamped", 1);
    require(take(&sockets, pool) == NULL && sockets->nelts == 4);
    for (int i = 0; i < 4; i++) {
        require(is_activated(sockets, i, 3 + i, protocols[i]));
    }
}

static void the_name_of_a_protocol_says_what_is_spoken(void **state)
{
    assert_int_equal(status_of_child(named_in_child, *state), 0);
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
        require_error(
            apr_psprintf(pool, "LISTEN_FDS=%s: expected the number of sockets", counts[i]), pool);
    }
    hand_over(1, "1", pool);
    setenv("LISTEN_PID", "me", 1);
    require_error("LISTEN_PID=me: expected a process ID", pool);
}

static void malformed_variables_are_told(void **state)
{
    assert_int_equal(status_of_child(malformed_in_child, *state), 0);
}

/* What this process would name it by that is bound there. */
static const char *bind_at(int descriptor, unsigned port, apr_pool_t *pool)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((apr_port_t)port)};
    socklen_t length = sizeof address;
    int on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    open_at(descriptor);
    require(setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0);
    require(bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0);
    require(getsockname(descriptor, (struct sockaddr *)&address, &length) == 0);
    return apr_psprintf(pool, "%u-127.0.0.1", (unsigned)ntohs(address.sin_port));
}

static int group_has(const socket_group_t *group, protocol_t protocol, int first, int second)
{
    return group->protocol == protocol && group->sockets->nelts == 2 &&
           APR_ARRAY_IDX(group->sockets, 0, apr_os_sock_t) == first &&
           APR_ARRAY_IDX(group->sockets, 1, apr_os_sock_t) == second;
}

static void kept_in_child(apr_pool_t *pool)
{
    apr_array_header_t *sockets, *groups;
    const char *one = bind_at(3, 0, pool);
    const char *other = bind_at(4, 0, pool);

    bind_at(5, (unsigned)apr_atoi64(one), pool);
    bind_at(6, (unsigned)apr_atoi64(other), pool);
    one = apr_pstrcat(pool, "udpechod-stored-", one, NULL);
    other = apr_pstrcat(pool, "udpechod-stored-echo-plus-", other, NULL);
    open_at(7);
    hand_over(getpid(), "5", pool);
    setenv("LISTEN_FDNAMES", apr_pstrcat(pool, one, ":", other, ":", one, ":", other, ":", NULL),
           1);
    require(take_all(&sockets, &groups, pool) == NULL);
    require(sockets->nelts == 1 && is_activated(sockets, 0, 7, PROTOCOL_ECHO));
    require(groups->nelts == 2);
    require(group_has(&APR_ARRAY_IDX(groups, 0, socket_group_t), PROTOCOL_ECHO, 3, 5));
    require(group_has(&APR_ARRAY_IDX(groups, 1, socket_group_t), PROTOCOL_ECHO_PLUS, 4, 6));
}

static void those_that_were_kept_come_by_listener(void **state)
{
    assert_int_equal(status_of_child(kept_in_child, *state), 0);
}

static void misnamed_in_child(apr_pool_t *pool)
{
    apr_array_header_t *sockets, *groups;

    static const char *const names[] = {"udpechod-stored-1-127.0.0.1",
                                        "udpechod-stored-stamp-1-127.0.0.1"};

    for (unsigned i = 0; i < 2; i++) {
        bind_at(3, 0, pool);
        hand_over(getpid(), "1", pool);
        setenv("LISTEN_FDNAMES", names[i], 1);
        require(take_all(&sockets, &groups, pool) == NULL);
        require(sockets->nelts == 0 && groups->nelts == 0);
        require(fcntl(3, F_GETFD) == -1);
    }
    /* A socket of a protocol that this process does not know. */
    hand_over(getpid(), "1", pool);
    setenv("LISTEN_FDNAMES", apr_pstrcat(pool, "udpechod-stored-owamp-", bind_at(3, 0, pool), NULL),
           1);
    require(take_all(&sockets, &groups, pool) == NULL);
    require(sockets->nelts == 0 && groups->nelts == 0 && fcntl(3, F_GETFD) == -1);
}

static void one_that_is_not_bound_as_its_name_says_is_closed(void **state)
{
    assert_int_equal(status_of_child(misnamed_in_child, *state), 0);
}

static void too_few_in_child(apr_pool_t *pool)
{
    open_at(3);
    close(4);
    hand_over(getpid(), "999999999", pool);
    require_error("LISTEN_FDS=999999999: expected as many sockets from descriptor 3 on; "
                  "descriptor 4: Bad file descriptor",
                  pool);
}

static void a_descriptor_that_is_not_open_is_named(void **state)
{
    assert_int_equal(status_of_child(too_few_in_child, *state), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(descriptors_from_3_on_are_taken_once),
        scene(the_name_of_a_protocol_says_what_is_spoken),
        scene(without_the_variables_there_are_none),
        scene(those_of_another_process_are_left_alone),
        scene(malformed_variables_are_told),
        scene(those_that_were_kept_come_by_listener),
        scene(one_that_is_not_bound_as_its_name_says_is_closed),
        scene(a_descriptor_that_is_not_open_is_named),
    };

    return cmocka_run_group_tests_name("socket activation of POSIX", tests, NULL, NULL);
}
