/* The contract of listener_open(): what is bound, who may share it, and how a refusal is told. */

#include "unit.h"

#include <apr_network_io.h>

#include "common/endpoint_text.h"
#include "foreign_address.h"
#include "udpecho/transport.h"

/* The platform of this system. */
static platform_t platform;

static const listener_options_t one_worker = {
    .platform = &platform, .reuse = PORT_REUSE_WORKERS, .workers = 1};

static apr_status_t open_listener(listener_t **listener, const char *host, apr_port_t port,
                                  const listener_options_t *options, listener_error_t *error,
                                  apr_pool_t *pool)
{
    apr_sockaddr_t *address;
    apr_pool_t *own;
    int family = strchr(host, ':') != NULL ? APR_INET6 : APR_INET;

    assert_int_equal(apr_sockaddr_info_get(&address, host, family, port, 0, pool), APR_SUCCESS);
    assert_int_equal(apr_pool_create(&own, pool), APR_SUCCESS);
    apr_status_t status = listener_open(listener, address, options, error, own);

    if (status != APR_SUCCESS) {
        apr_pool_destroy(own);
    }
    return status;
}

static const listener_info_t *must_open(const char *host, const listener_options_t *options,
                                        apr_pool_t *pool)
{
    listener_t *listener;
    listener_error_t error;

    assert_int_equal(open_listener(&listener, host, 0, options, &error, pool), APR_SUCCESS);
    return listener_describe(listener);
}

static platform_t without(feature_t feature)
{
    platform_t lacking = platform;

    lacking.features[feature].status = APR_ENOTIMPL;
    return lacking;
}

static void the_real_address_is_told(void **state)
{
    char text[ENDPOINT_TEXT_MAX];
    const listener_info_t *info = must_open("127.0.0.1", &one_worker, *state);

    endpoint_format(text, &info->local);
    assert_memory_equal(text, "127.0.0.1:", strlen("127.0.0.1:"));
    assert_int_not_equal(endpoint_port(&info->local), 0);
    assert_true(info->receive_buffer > 0);
    assert_true(info->send_buffer > 0);
}

static void a_second_listener_on_a_port_is_refused(void **state)
{
    static const unsigned workers[] = {1, 4};

    for (unsigned i = 0; i < 2; i++) {
        listener_options_t options = {
            .platform = &platform, .reuse = PORT_REUSE_WORKERS, .workers = workers[i]};
        const listener_info_t *first = must_open("127.0.0.1", &options, *state);
        listener_error_t error;
        listener_t *second;

        assert_int_not_equal(open_listener(&second, "127.0.0.1", endpoint_port(&first->local),
                                           &options, &error, *state),
                             APR_SUCCESS);
        assert_int_equal(error.failure, LISTENER_IN_USE);
        assert_string_equal(error.step, "bind");
    }
}

static void ipv4_and_ipv6_wildcards_live_on_one_port(void **state)
{
    const listener_info_t *first = must_open("::", &one_worker, *state);
    listener_error_t error;
    listener_t *second;

    /* Were IPV6_V6ONLY not set, [::] would have taken the port in both families. */
    assert_int_equal(open_listener(&second, "0.0.0.0", endpoint_port(&first->local), &one_worker,
                                   &error, *state),
                     APR_SUCCESS);
}

static void processes_share_a_port_when_all_ask_for_it(void **state)
{
    listener_options_t options = {
        .platform = &platform, .reuse = PORT_REUSE_PROCESSES, .workers = 2};
    const listener_info_t *first = must_open("127.0.0.1", &options, *state);
    listener_error_t error;
    listener_t *second;

    if (first->sharing != SHARING_SOCKET_PER_WORKER) {
        skip_test("this system does not spread datagrams over sockets");
    }
    assert_int_equal(
        open_listener(&second, "127.0.0.1", endpoint_port(&first->local), &options, &error, *state),
        APR_SUCCESS);
}

static void one_worker_shares_with_nobody(void **state)
{
    assert_int_equal(must_open("127.0.0.1", &one_worker, *state)->reason, SHARING_ONE_WORKER);
}

static void one_socket_is_shared_where_nobody_may_reuse_the_port(void **state)
{
    listener_options_t options = {.platform = &platform, .reuse = PORT_REUSE_OFF, .workers = 4};
    const listener_info_t *info = must_open("127.0.0.1", &options, *state);

    assert_int_not_equal(info->sharing, SHARING_SOCKET_PER_WORKER);
}

static void one_socket_is_shared_where_flows_are_not_spread(void **state)
{
    platform_t lacking = without(FEATURE_PORT_SHARING);
    listener_options_t options = {.platform = &lacking, .reuse = PORT_REUSE_WORKERS, .workers = 4};

    assert_int_not_equal(must_open("127.0.0.1", &options, *state)->sharing,
                         SHARING_SOCKET_PER_WORKER);
}

static void assert_no_wildcard(const char *host, feature_t missing, apr_pool_t *pool)
{
    platform_t lacking = without(missing);
    listener_options_t options = {.platform = &lacking, .reuse = PORT_REUSE_WORKERS, .workers = 1};
    listener_error_t error;
    listener_t *listener;

    assert_int_equal(open_listener(&listener, host, 0, &options, &error, pool), APR_ENOTIMPL);
    assert_int_equal(error.failure, LISTENER_NO_WILDCARD);
}

static void a_wildcard_that_would_answer_wrongly_is_refused(void **state)
{
    assert_no_wildcard("0.0.0.0", FEATURE_ARRIVAL_IPV4, *state);
    assert_no_wildcard("::", FEATURE_ARRIVAL_IPV6, *state);
    assert_no_wildcard("::", FEATURE_IPV6_ONLY, *state);
}

static void a_foreign_address_is_refused(void **state)
{
    listener_error_t error;
    listener_t *listener;

    need_foreign_addresses_refused(*state);
    assert_int_not_equal(open_listener(&listener, FOREIGN_ADDRESS, 0, &one_worker, &error, *state),
                         APR_SUCCESS);
    assert_int_equal(error.failure, LISTENER_NOT_LOCAL);
}

static int can_be_bound(const char *host, apr_pool_t *pool)
{
    apr_sockaddr_t *address;
    apr_socket_t *socket;

    assert_int_equal(apr_sockaddr_info_get(&address, host, APR_INET, 0, 0, pool), APR_SUCCESS);
    assert_int_equal(apr_socket_create(&socket, APR_INET, SOCK_DGRAM, APR_PROTO_UDP, pool),
                     APR_SUCCESS);
    apr_status_t status = apr_socket_bind(socket, address);

    apr_socket_close(socket);
    return status == APR_SUCCESS;
}

static listener_failure_t failure_at(const char *host, apr_pool_t *pool)
{
    listener_error_t error;
    listener_t *listener;

    assert_int_not_equal(open_listener(&listener, host, 0, &one_worker, &error, pool), APR_SUCCESS);
    return error.failure;
}

static void an_address_that_cannot_answer_is_refused(void **state)
{
    static const char *const broadcasts[] = {"127.255.255.255", "255.255.255.255"};

    assert_int_equal(failure_at("224.0.0.1", *state), LISTENER_NOT_UNICAST);
    assert_int_equal(failure_at("ff02::1", *state), LISTENER_NOT_UNICAST);
    /* The first is one on Linux and Windows; to other systems it is nobody's. */
    for (unsigned i = 0; i < 2; i++) {
        listener_failure_t failure = failure_at(broadcasts[i], *state);

        assert_true(failure == LISTENER_NOT_UNICAST ||
                    (failure == LISTENER_NOT_LOCAL && !can_be_bound(broadcasts[i], *state)));
    }
}

static void a_buffer_can_be_asked_for(void **state)
{
    listener_options_t small = {.platform = &platform,
                                .reuse = PORT_REUSE_WORKERS,
                                .workers = 1,
                                .receive_buffer = 8192,
                                .send_buffer = 8192};
    listener_options_t large = {.platform = &platform,
                                .reuse = PORT_REUSE_WORKERS,
                                .workers = 1,
                                .receive_buffer = 128 << 10,
                                .send_buffer = 128 << 10};
    const listener_info_t *first = must_open("127.0.0.1", &small, *state);
    const listener_info_t *second = must_open("127.0.0.1", &large, *state);

    assert_true(first->receive_buffer >= 8192);
    assert_true(second->receive_buffer > first->receive_buffer);
    assert_true(second->send_buffer > first->send_buffer);
}

/* Asks this system; the platform is what listeners are told of it. */
static int probe(void **state)
{
    int status = make_pool(state);

    platform_probe(&platform, *state);
    return status;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_real_address_is_told),
        scene(a_second_listener_on_a_port_is_refused),
        scene(ipv4_and_ipv6_wildcards_live_on_one_port),
        scene(processes_share_a_port_when_all_ask_for_it),
        scene(one_worker_shares_with_nobody),
        scene(one_socket_is_shared_where_nobody_may_reuse_the_port),
        scene(one_socket_is_shared_where_flows_are_not_spread),
        scene(a_wildcard_that_would_answer_wrongly_is_refused),
        scene(a_foreign_address_is_refused),
        scene(an_address_that_cannot_answer_is_refused),
        scene(a_buffer_can_be_asked_for),
    };

    return cmocka_run_group_tests_name("listener", tests, probe, destroy_pool);
}
