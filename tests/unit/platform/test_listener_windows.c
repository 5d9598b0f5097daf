/* What a listener asks of Windows, and what becomes of a refusal: some calls go by a system that
 * the test plays. */

#include "unit.h"

#include <apr_network_io.h>

#include "iocp/iocp.h"
#include "udpecho/flows.h"

/* The linker has all calls go by these pointers, in place of those to the DLL. */
typedef int WSAAPI set_t(SOCKET, int, int, const char *, int);
typedef int WSAAPI address_t(SOCKET, const struct sockaddr *, int);
extern set_t *__real___imp_setsockopt;
extern set_t *__wrap___imp_setsockopt;
extern address_t *__real___imp_bind;
extern address_t *__wrap___imp_bind;
extern address_t *__real___imp_connect;
extern address_t *__wrap___imp_connect;

/* A port that no program here has: one that was just closed may be another's a moment later. */
#define PORT_OF_NOBODY 1

static struct system {
    int option;     /* at the level of IPPROTO_IP: refused */
    int own_option; /* at that of SOL_SOCKET: forbidden */
    int forbids_bind;
    int forbids_connect;
    unsigned asked; /* to refuse broadcasts */
    DWORD broadcasts;
} played;

static int refuse(int error)
{
    WSASetLastError(error);
    return SOCKET_ERROR;
}

static int WSAAPI play_setsockopt(SOCKET socket, int level, int option, const char *value,
                                  int length)
{
    if (level == SOL_SOCKET && option == played.own_option) {
        return refuse(WSAEACCES);
    }
    if (level != IPPROTO_IP || option != IP_RECEIVE_BROADCAST) {
        return __real___imp_setsockopt(socket, level, option, value, length);
    }
    played.asked++;
    assert_int_equal(length, sizeof played.broadcasts);
    memcpy(&played.broadcasts, value, sizeof played.broadcasts);
    return option == played.option ? refuse(WSAENOPROTOOPT) : 0;
}

/* Not that by which a wait of APR is woken, which is of TCP. */
static int is_of_udp(SOCKET socket)
{
    int type = 0;
    int length = sizeof type;

    getsockopt(socket, SOL_SOCKET, SO_TYPE, (char *)&type, &length);
    return type == SOCK_DGRAM;
}

static int WSAAPI play_bind(SOCKET socket, const struct sockaddr *address, int length)
{
    return played.forbids_bind && is_of_udp(socket) ? refuse(WSAEACCES)
                                                    : __real___imp_bind(socket, address, length);
}

static int WSAAPI play_connect(SOCKET socket, const struct sockaddr *address, int length)
{
    return played.forbids_connect ? refuse(WSAEACCES)
                                  : __real___imp_connect(socket, address, length);
}

set_t *__wrap___imp_setsockopt = play_setsockopt;
address_t *__wrap___imp_bind = play_bind;
address_t *__wrap___imp_connect = play_connect;

/* The port that it was bound to, or what went wrong. */
static apr_port_t open_listener(const char *host, apr_port_t port, listener_error_t *error,
                                apr_pool_t *pool)
{
    platform_t platform = {.features = {{.by = NULL}}};
    listener_options_t options = {.platform = &platform, .workers = 1};
    apr_sockaddr_t *address;
    listener_t *listener;
    apr_pool_t *own;

    assert_int_equal(apr_sockaddr_info_get(&address, host, APR_UNSPEC, port, 0, pool), APR_SUCCESS);
    assert_int_equal(apr_pool_create(&own, pool), APR_SUCCESS);
    *error = (listener_error_t){LISTENER_SYSTEM, NULL};
    if (listener_open(&listener, address, &options, error, own) != APR_SUCCESS) {
        return 0;
    }
    error->step = NULL;
    return endpoint_port(&listener_describe(listener)->local);
}

static void every_ipv4_listener_refuses_broadcasts(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "0.0.0.0"};
    listener_error_t error;

    for (unsigned i = 0; i < 2; i++) {
        played = (struct system){.broadcasts = 1};
        assert_int_not_equal(open_listener(hosts[i], 0, &error, *state), 0);
        assert_int_equal(played.asked, 1);
        assert_int_equal(played.broadcasts, 0);
    }
    played = (struct system){.asked = 0};
    assert_int_not_equal(open_listener("::1", 0, &error, *state), 0);
    assert_int_equal(played.asked, 0);
}

static void a_system_that_cannot_refuse_them_is_served(void **state)
{
    listener_error_t error;

    played = (struct system){.option = IP_RECEIVE_BROADCAST};
    assert_int_not_equal(open_listener("127.0.0.1", 0, &error, *state), 0);
    assert_int_equal(played.asked, 1);
}

/* Windows says of both that access is denied. */
static void a_port_that_nobody_has_is_told_from_one_in_use(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    listener_error_t error;

    for (unsigned i = 0; i < 2; i++) {
        apr_pool_t *own;

        played = (struct system){.asked = 0};
        assert_int_equal(apr_pool_create(&own, *state), APR_SUCCESS);
        apr_port_t port = open_listener(hosts[i], 0, &error, own);

        assert_int_not_equal(port, 0);
        played.forbids_bind = 1;
        for (unsigned j = 0; j < 2; j++) { /* one socket may have it in both families */
            assert_int_equal(open_listener(hosts[j], port, &error, own), 0);
            assert_int_equal(error.failure, LISTENER_IN_USE);
            assert_string_equal(error.step, "bind");
        }
        apr_pool_destroy(own);
        assert_int_equal(open_listener(hosts[i], PORT_OF_NOBODY, &error, *state), 0);
        assert_int_equal(error.failure, LISTENER_EXCLUDED);
        assert_string_equal(error.step, "bind");
    }
}

static apr_sockaddr_t *address_of(apr_port_t port, apr_pool_t *pool)
{
    apr_sockaddr_t *address;

    assert_int_equal(apr_sockaddr_info_get(&address, "127.0.0.1", APR_INET, port, 0, pool),
                     APR_SUCCESS);
    return address;
}

static void the_client_learns_of_such_a_port_too(void **state)
{
    platform_t platform = {.features = {{.by = NULL}}};
    flows_options_t options = {.platform = &platform, .count = 1, .payload_max = 1, .dscp = -1};
    listener_error_t taken;
    flows_error_t error;
    flows_t *flows;
    apr_pool_t *own;

    played = (struct system){.asked = 0};
    assert_int_equal(apr_pool_create(&own, *state), APR_SUCCESS);
    apr_port_t port = open_listener("127.0.0.1", 0, &taken, own);

    options.source = address_of(port, *state);
    played.forbids_bind = 1;
    assert_int_not_equal(flows_open(&flows, options.source, &options, &error, *state), APR_SUCCESS);
    assert_string_equal(error.step, "bind");
    assert_false(error.is_excluded);
    apr_pool_destroy(own);
    options.source = address_of(PORT_OF_NOBODY, *state);
    assert_int_not_equal(flows_open(&flows, options.source, &options, &error, *state), APR_SUCCESS);
    assert_true(error.is_excluded);
}

static void access_denied_at_other_steps_is_no_port_in_use(void **state)
{
    listener_error_t error;

    played = (struct system){.own_option = SO_EXCLUSIVEADDRUSE};
    assert_int_equal(open_listener("127.0.0.1", 0, &error, *state), 0);
    assert_int_equal(error.failure, LISTENER_SYSTEM);
    assert_string_equal(error.step, "set SO_EXCLUSIVEADDRUSE");
}

/* Windows fails this way for broadcast addresses, too, unless SO_BROADCAST is set. */
static void a_filter_that_denies_access_makes_no_broadcast_address(void **state)
{
    listener_error_t error;

    played = (struct system){.forbids_connect = 1};
    assert_int_not_equal(open_listener("127.0.0.1", 0, &error, *state), 0);
    played = (struct system){.forbids_connect = 0};
    assert_int_equal(open_listener("255.255.255.255", 0, &error, *state), 0);
    assert_int_equal(error.failure, LISTENER_NOT_UNICAST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(every_ipv4_listener_refuses_broadcasts),
        scene(a_system_that_cannot_refuse_them_is_served),
        scene(a_port_that_nobody_has_is_told_from_one_in_use),
        scene(the_client_learns_of_such_a_port_too),
        scene(access_denied_at_other_steps_is_no_port_in_use),
        scene(a_filter_that_denies_access_makes_no_broadcast_address),
    };

    return cmocka_run_group_tests_name("listener", tests, NULL, NULL);
}
