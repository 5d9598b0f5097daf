/* How the sockets of a listener come to share their port, and that each of them gets datagrams. */

#include "unit.h"

#include <apr_network_io.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "readiness/system.h"
#include "udpecho/transport.h"

#define WORKERS     4
#define CLIENTS     200
#define PATIENCE_MS 10000

#if defined(SO_REUSEPORT_LB)
#define SHARE_PORT SO_REUSEPORT_LB
#else
#define SHARE_PORT SO_REUSEPORT
#endif

static int joins_by_bind;
static char order[2 * WORKERS]; /* for each socket: shared after it was bound, or free of a port */
static unsigned shared;

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names (ld(1), --wrap) */
int __wrap_system_joins_by_bind(void);
int __real_setsockopt(int descriptor, int level, int option, const void *value, socklen_t length);
int __wrap_setsockopt(int descriptor, int level, int option, const void *value, socklen_t length);

int __wrap_system_joins_by_bind(void)
{
    return joins_by_bind;
}

int __wrap_setsockopt(int descriptor, int level, int option, const void *value, socklen_t length)
{
    endpoint_t local = {.length = sizeof local.sa};

    if (level == SOL_SOCKET && option == SHARE_PORT && shared + 1 < sizeof order) {
        assert_int_equal(getsockname(descriptor, &local.sa.any, &local.length), 0);
        order[shared++] = endpoint_port(&local) != 0 ? 'b' : 'f';
    }
    return __real_setsockopt(descriptor, level, option, value, length);
}

/* NOLINTEND(bugprone-reserved-identifier) */

static apr_status_t open_listener(listener_t **listener, apr_port_t port, listener_error_t *error,
                                  apr_pool_t *pool)
{
    platform_t *platform = apr_palloc(pool, sizeof *platform);
    listener_options_t options = {
        .platform = platform, .reuse = PORT_REUSE_WORKERS, .workers = WORKERS};
    apr_sockaddr_t *address;
    apr_pool_t *own;

    platform_probe(platform, pool);
    if (!platform_has(platform, FEATURE_PORT_SHARING)) {
        skip_test("this system does not spread datagrams over sockets");
    }
    memset(order, 0, sizeof order);
    shared = 0;
    assert_int_equal(apr_sockaddr_info_get(&address, "127.0.0.1", APR_INET, port, 0, pool),
                     APR_SUCCESS);
    assert_int_equal(apr_pool_create(&own, pool), APR_SUCCESS);
    return listener_open(listener, address, &options, error, own);
}

static void send_from_many(const listener_t *listener)
{
    const endpoint_t *to = &listener_describe(listener)->local;

    for (unsigned i = 0; i < CLIENTS; i++) {
        int client = socket(AF_INET, SOCK_DGRAM, 0);

        assert_true(client >= 0);
        assert_int_equal(sendto(client, "x", 1, 0, &to->sa.any, to->length), 1);
        close(client);
    }
}

static void assert_each_gets_some(const listener_t *listener, apr_pool_t *pool)
{
    apr_array_header_t *sockets = listener_sockets(listener, pool);
    struct pollfd waited[WORKERS];
    unsigned counts[WORKERS] = {0};
    unsigned received = 0;
    char payload;

    assert_int_equal(sockets->nelts, WORKERS);
    for (unsigned i = 0; i < WORKERS; i++) {
        waited[i] = (struct pollfd){.fd = APR_ARRAY_IDX(sockets, i, int), .events = POLLIN};
    }
    while (received < CLIENTS) {
        assert_true(poll(waited, WORKERS, PATIENCE_MS) > 0);
        for (unsigned i = 0; i < WORKERS; i++) {
            while (recv(waited[i].fd, &payload, 1, MSG_DONTWAIT) == 1) {
                counts[i]++;
                received++;
            }
        }
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_true(counts[i] > 0);
    }
}

/* Opens it this way; the first of the workers gets as much as any. */
static void assert_shares(int by_bind, const char *expected_order, apr_pool_t *pool)
{
    listener_error_t error;
    listener_t *listener;

    joins_by_bind = by_bind;
    assert_int_equal(open_listener(&listener, 0, &error, pool), APR_SUCCESS);
    assert_string_equal(order, expected_order);
    send_from_many(listener);
    assert_each_gets_some(listener, pool);

    /* Also of the same user and with the same option, no other listener joins. */
    assert_int_not_equal(
        open_listener(&listener, endpoint_port(&listener_describe(listener)->local), &error, pool),
        APR_SUCCESS);
    assert_int_equal(error.failure, LISTENER_IN_USE);
    assert_string_equal(error.step, "bind");
}

static void the_first_socket_is_shared_once_it_has_the_port(void **state)
{
#if defined(SO_REUSEPORT_LB)
    skip_test("on this system a socket shared after it is bound receives nothing");
#endif
    assert_shares(0, "bfff", *state);
}

/* FreeBSD requires it. */
static void all_sockets_are_shared_before_they_have_a_port(void **state)
{
#if WHOLE_PROGRAM
    skip_test("the compiler sees the whole program, so that the linker has no call to redirect");
#endif
    assert_shares(1, "ffff", *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_first_socket_is_shared_once_it_has_the_port),
        scene(all_sockets_are_shared_before_they_have_a_port),
    };

    return cmocka_run_group_tests_name("port sharing", tests, NULL, NULL);
}
