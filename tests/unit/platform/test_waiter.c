/* Waiting for sockets and for a time, over each of APR's poll methods that there is. */

#include "unit.h"

#include "readiness/waiter.h"
#include "udpecho/clock.h"

#define SHORT_US 300
#define ATTEMPTS 200

/* A socket that is connected to itself. */
static apr_socket_t *own_socket(apr_pool_t *pool)
{
    apr_socket_t *socket;
    apr_sockaddr_t *address;

    assert_int_equal(apr_sockaddr_info_get(&address, "127.0.0.1", APR_INET, 0, 0, pool),
                     APR_SUCCESS);
    assert_int_equal(apr_socket_create(&socket, APR_INET, SOCK_DGRAM, APR_PROTO_UDP, pool),
                     APR_SUCCESS);
    assert_int_equal(apr_socket_bind(socket, address), APR_SUCCESS);
    assert_int_equal(apr_socket_addr_get(&address, APR_LOCAL, socket), APR_SUCCESS);
    assert_int_equal(apr_socket_connect(socket, address), APR_SUCCESS);
    return socket;
}

static void send_to_itself(apr_socket_t *socket)
{
    apr_size_t length = 1;

    assert_int_equal(apr_socket_send(socket, "x", &length), APR_SUCCESS);
}

static waiter_t *waiter_of(apr_pollset_method_e method, apr_socket_t *socket, apr_pool_t *pool)
{
    waiter_t *waiter = apr_pcalloc(pool, sizeof *waiter);
    apr_pollfd_t *waited = apr_palloc(pool, sizeof *waited);
    platform_t platform;

    assert_int_equal(platform_probe(&platform, pool), APR_SUCCESS);
    assert_int_equal(waiter_open(waiter, 1, method, &platform, pool), APR_SUCCESS);
    assert_int_equal(waiter_add(waiter, waited, socket, waited), APR_SUCCESS);
    return waiter;
}

static const apr_pollset_method_e methods[] = {APR_POLLSET_DEFAULT, APR_POLLSET_POLL,
                                               APR_POLLSET_SELECT};

#define METHODS (sizeof methods / sizeof methods[0])

/* Returns how long the wait took; nothing was ready. */
static apr_interval_time_t wait_in_vain(waiter_t *waiter, apr_interval_time_t timeout)
{
    apr_time_t began = clock_now();
    apr_status_t status = waiter_wait(waiter, timeout);

    assert_true(status == APR_SUCCESS || APR_STATUS_IS_TIMEUP(status));
    assert_null(waiter_ready(waiter));
    return clock_now() - began;
}

/* The fastest of many, since a busy machine delays some. */
static void a_wait_ends_between_milliseconds(void **state)
{
    for (unsigned i = 0; i < METHODS; i++) {
        waiter_t *waiter = waiter_of(methods[i], own_socket(*state), *state);
        apr_interval_time_t fastest = APR_USEC_PER_SEC;

        if (!waiter_is_exact(waiter)) {
            skip_test("this system has no timer among the sockets");
        }
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            apr_interval_time_t took = wait_in_vain(waiter, SHORT_US);

            assert_true(took >= SHORT_US);
            fastest = took < fastest ? took : fastest;
        }
        assert_true(fastest < 1000);
    }
}

static void a_time_that_has_passed_ends_no_later_wait(void **state)
{
    for (unsigned i = 0; i < METHODS; i++) {
        waiter_t *waiter = waiter_of(methods[i], own_socket(*state), *state);

        wait_in_vain(waiter, SHORT_US);
        wait_in_vain(waiter, 0);
        assert_true(wait_in_vain(waiter, 5000) >= 5000);
        wait_in_vain(waiter, SHORT_US);
        assert_true(wait_in_vain(waiter, 5500) >= (waiter_is_exact(waiter) ? 5500 : 5000));
    }
}

static void a_socket_is_ready_beside_the_time(void **state)
{
    for (unsigned i = 0; i < METHODS; i++) {
        apr_socket_t *socket = own_socket(*state);
        waiter_t *waiter = waiter_of(methods[i], socket, *state);

        wait_in_vain(waiter, SHORT_US);
        send_to_itself(socket);
        for (int wait = 0; wait < 2; wait++) {
            assert_int_equal(waiter_wait(waiter, 0), APR_SUCCESS);
            assert_non_null(waiter_ready(waiter));
            assert_ptr_equal(waiter_ready(waiter)->desc.s, socket);
            waiter_pass(waiter);
            assert_null(waiter_ready(waiter));
        }
    }
}

static void a_wake_ends_a_wait_for_a_time(void **state)
{
    waiter_t *waiter = waiter_of(APR_POLLSET_DEFAULT, own_socket(*state), *state);

    waiter_wake(waiter);
    assert_true(APR_STATUS_IS_EINTR(waiter_wait(waiter, 10 * APR_USEC_PER_SEC + 1)));
    assert_null(waiter_ready(waiter));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_wait_ends_between_milliseconds),
        scene(a_time_that_has_passed_ends_no_later_wait),
        scene(a_socket_is_ready_beside_the_time),
        scene(a_wake_ends_a_wait_for_a_time),
    };

    return run_group("waiter", tests);
}
