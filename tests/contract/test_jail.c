/* A listener in a jail of FreeBSD that has one address, which the kernel binds in place of the
 * wildcard and of the loopback. The test answers for the kernel what address was bound. */

#include "unit.h"

#include <apr_network_io.h>
#include <apr_portable.h>
#include <sys/socket.h>
#include <unistd.h>

#include "udpecho/transport.h"

#define JAIL_ADDRESS 0xc0000205 /* 192.0.2.5 */

static int is_in_jail;

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names (ld(1), --wrap) */
int __real_getsockname(int descriptor, struct sockaddr *address, socklen_t *length);
int __wrap_getsockname(int descriptor, struct sockaddr *address, socklen_t *length);

int __wrap_getsockname(int descriptor, struct sockaddr *address, socklen_t *length)
{
    int result = __real_getsockname(descriptor, address, length);

    if (is_in_jail) {
        ((struct sockaddr_in *)(void *)address)->sin_addr.s_addr = htonl(JAIL_ADDRESS);
    }
    return result;
}

/* NOLINTEND(bugprone-reserved-identifier) */

static apr_status_t open_listener(listener_t **listener, const char *host, listener_error_t *error,
                                  apr_pool_t *pool)
{
    apr_sockaddr_t *address;
    apr_pool_t *own;
    platform_t *platform = apr_palloc(pool, sizeof *platform);
    listener_options_t options = {.platform = platform, .reuse = PORT_REUSE_WORKERS, .workers = 2};

    platform_probe(platform, pool);
    assert_int_equal(apr_sockaddr_info_get(&address, host, APR_INET, 0, 0, pool), APR_SUCCESS);
    assert_int_equal(apr_pool_create(&own, pool), APR_SUCCESS);
    return listener_open(listener, address, &options, error, own);
}

static void every_address_is_the_one_that_the_jail_has(void **state)
{
    listener_error_t error;
    listener_t *listener;

    is_in_jail = 1;
    assert_int_equal(open_listener(&listener, "0.0.0.0", &error, *state), APR_SUCCESS);

    const listener_info_t *info = listener_describe(listener);

    assert_int_equal(info->local.sa.v4.sin_addr.s_addr, htonl(JAIL_ADDRESS));
    assert_int_not_equal(info->local.sa.v4.sin_port, 0);
    assert_true(info->is_only_address);
}

/* Whom the loopback was asked for expects that nobody else gets there. */
static void the_loopback_is_no_address_that_others_reach(void **state)
{
    listener_error_t error;
    listener_t *listener;

    is_in_jail = 1;
    assert_int_equal(open_listener(&listener, "127.0.0.1", &error, *state), APR_EMISMATCH);
    assert_string_equal(error.step, "read back the bound address");
}

/* The sockets that the serving process has opened and hands over. */
static const listener_info_t *hand_over(listener_t *served, apr_pool_t *pool)
{
    apr_array_header_t *sockets = listener_sockets(served, pool);
    platform_t *platform = apr_palloc(pool, sizeof *platform);
    listener_options_t options = {.platform = platform, .workers = 2};
    listener_error_t error;
    listener_t *adopted;
    apr_pool_t *own;

    for (int i = 0; i < sockets->nelts; i++) {
        APR_ARRAY_IDX(sockets, i, apr_os_sock_t) = dup(APR_ARRAY_IDX(sockets, i, apr_os_sock_t));
    }
    platform_probe(platform, pool);
    assert_int_equal(apr_pool_create(&own, pool), APR_SUCCESS);
    assert_int_equal(listener_adopt(&adopted, sockets, &options, &error, own), APR_SUCCESS);
    return listener_describe(adopted);
}

/* Otherwise it would open every address again, and the inherited sockets would block that. */
static void a_successor_knows_the_address_for_all_that_there_are(void **state)
{
    listener_error_t error;
    listener_t *listener;

    is_in_jail = 1;
    assert_int_equal(open_listener(&listener, "0.0.0.0", &error, *state), APR_SUCCESS);

    const listener_info_t *info = hand_over(listener, *state);

    assert_int_equal(info->local.sa.v4.sin_addr.s_addr, htonl(JAIL_ADDRESS));
    assert_true(info->is_only_address);
}

static void one_address_of_several_is_not_all(void **state)
{
    listener_error_t error;
    listener_t *listener;

    is_in_jail = 0;
    assert_int_equal(open_listener(&listener, "127.0.0.1", &error, *state), APR_SUCCESS);
    assert_false(listener_describe(listener)->is_only_address);
    assert_false(hand_over(listener, *state)->is_only_address);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(every_address_is_the_one_that_the_jail_has),
        scene(the_loopback_is_no_address_that_others_reach),
        scene(a_successor_knows_the_address_for_all_that_there_are),
        scene(one_address_of_several_is_not_all),
    };

    return cmocka_run_group_tests_name("jail", tests, NULL, NULL);
}
