/* What every host has; what this one's system asks of it is in test_host_*.c. */

#include "unit.h"

#include <apr_thread_proc.h>

#include "udpecho/clock.h"
#include "udpecho/error_text.h"
#include "udpecho/host.h"
#include "udpecho/machine.h"

/* How exact a sleep and the wall clock are at the least: a tick of Windows. */
#define GRAIN_US 16000

static int count_run(void *runs)
{
    ++*(int *)runs;
    return 42;
}

static void a_program_is_run_and_its_code_returned(void **state)
{
    int runs = 0;
    int code = 0;

    (void)state;
    assert_int_equal(host_run(0, count_run, NULL, &runs, &code), APR_SUCCESS);
    assert_int_equal(code, 42);
    assert_int_equal(runs, 1);
}

static apr_array_header_t *own_addresses(apr_pool_t *pool)
{
    apr_array_header_t *addresses;

    assert_int_equal(host_addresses(&addresses, pool), APR_SUCCESS);
    return addresses;
}

static void the_loopback_is_an_address_of_this_host(void **state)
{
    apr_array_header_t *addresses = own_addresses(*state);
    unsigned loopbacks = 0;

    for (int i = 0; i < addresses->nelts; i++) {
        const endpoint_t *address = &APR_ARRAY_IDX(addresses, i, host_address_t).address;

        loopbacks += address->sa.any.sa_family == APR_INET &&
                     address->sa.v4.sin_addr.s_addr == htonl(INADDR_LOOPBACK);
    }
    assert_int_equal(loopbacks, 1);
}

static void every_address_of_this_host_has_an_interface_and_no_port(void **state)
{
    apr_array_header_t *addresses = own_addresses(*state);

    for (int i = 0; i < addresses->nelts; i++) {
        const host_address_t *own = &APR_ARRAY_IDX(addresses, i, host_address_t);

        assert_int_not_equal(own->network_interface, 0);
        assert_int_equal(endpoint_port(&own->address), 0);
        assert_false(endpoint_is_wildcard(&own->address));
        assert_false(endpoint_is_multicast(&own->address));
    }
}

static void a_broadcast_address_is_the_last_of_its_network(void **state)
{
    apr_array_header_t *addresses = own_addresses(*state);

    for (int i = 0; i < addresses->nelts; i++) {
        const host_address_t *own = &APR_ARRAY_IDX(addresses, i, host_address_t);
        apr_uint32_t broadcast = ntohl(own->broadcast.s_addr);

        if (own->address.sa.any.sa_family == APR_INET6 || broadcast == INADDR_ANY) {
            assert_int_equal(broadcast, INADDR_ANY);
            continue;
        }
        assert_int_equal(broadcast & 3, 3);
        assert_int_equal(broadcast | ntohl(own->address.sa.v4.sin_addr.s_addr), broadcast);
    }
}

static void *APR_THREAD_FUNC finish(apr_thread_t *thread, void *host)
{
    (void)thread;
    host_finish(host);
    return NULL;
}

static void finishing_ends_the_wait(void **state)
{
    apr_thread_t *thread;
    apr_status_t status;
    host_t *host;

    assert_int_equal(host_start(&host, 1, *state), APR_SUCCESS);
    assert_int_equal(apr_thread_create(&thread, NULL, finish, host, *state), APR_SUCCESS);
    assert_int_equal(host_wait(host), HOST_FINISHED);
    apr_thread_join(&status, thread);
}

static void *APR_THREAD_FUNC stop(apr_thread_t *thread, void *host)
{
    (void)thread;
    host_stop(host);
    return NULL;
}

static void another_thread_may_ask_for_the_end(void **state)
{
    apr_thread_t *thread;
    apr_status_t status;
    host_t *host;

    assert_int_equal(host_start(&host, 0, *state), APR_SUCCESS);
    assert_int_equal(apr_thread_create(&thread, NULL, stop, host, *state), APR_SUCCESS);
    assert_int_equal(host_wait(host), HOST_STOP);
    apr_thread_join(&status, thread);
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
    assert_int_equal(host_thread_id(), host_thread_id());
}

static void there_is_a_processor_to_run_on(void **state)
{
    (void)state;
    assert_true(host_processors() >= 1);
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

static void the_clock_counts_microseconds(void **state)
{
    apr_time_t wall = apr_time_now();
    apr_time_t start = clock_now();

    (void)state;
    apr_sleep(50000);
    apr_time_t elapsed = clock_now() - start;

    wall = apr_time_now() - wall;
    assert_true(elapsed >= 50000 - GRAIN_US);
    assert_true(elapsed <= wall + GRAIN_US);
}

static void texts_of_errors_end_in_no_blank(void **state)
{
    (void)state;
    for (apr_status_t error = 1; error < 140; error++) {
        char text[256];

        assert_ptr_equal(error_text(APR_FROM_OS_ERROR(error), text, sizeof text), text);
        assert_true(*text != '\0');
        assert_int_not_equal(text[strlen(text) - 1], ' ');
    }
}

static void a_process_may_have_the_descriptors_that_it_has(void **state)
{
    unsigned allowed = 0;

    (void)state;
    assert_int_equal(host_raise_descriptors(3, &allowed), APR_SUCCESS);
    assert_true(allowed >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_program_is_run_and_its_code_returned),
        scene(a_process_may_have_the_descriptors_that_it_has),
        scene(the_loopback_is_an_address_of_this_host),
        scene(every_address_of_this_host_has_an_interface_and_no_port),
        scene(a_broadcast_address_is_the_last_of_its_network),
        scene(finishing_ends_the_wait),
        scene(another_thread_may_ask_for_the_end),
        scene(threads_have_numbers_of_their_own),
        scene(there_is_a_processor_to_run_on),
        scene(the_clock_never_goes_back),
        scene(the_clock_counts_microseconds),
        scene(texts_of_errors_end_in_no_blank),
    };

    return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
