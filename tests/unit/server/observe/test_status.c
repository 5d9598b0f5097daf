/* What is read of workers and listeners, by a clock that goes on only while somebody waits. */

#include "unit.h"

#include "scripted_workers.h"

/* ---- The clock and the listeners, linked in place of the platform's ---- */

static apr_time_t the_time;

apr_time_t clock_now(void)
{
    return the_time;
}

void clock_pause(apr_interval_time_t time)
{
    the_time += time;
}

struct listener {
    listener_info_t info;
    apr_uint64_t drops;
    service_t *service;
};

const listener_info_t *listener_describe(const listener_t *listener)
{
    return &listener->info;
}

service_t *listener_service(const listener_t *listener)
{
    return listener->service;
}

apr_uint64_t listener_drops(listener_t *listener)
{
    return listener->drops;
}

static apr_array_header_t *array_of(listener_t *first, listener_t *second, apr_pool_t *pool)
{
    apr_array_header_t *array = apr_array_make(pool, 2, sizeof(listener_t *));

    APR_ARRAY_PUSH(array, listener_t *) = first;
    if (second != NULL) {
        APR_ARRAY_PUSH(array, listener_t *) = second;
    }
    return array;
}

/* ---- Scenes ---- */

static scripted_t *start(apr_pool_t *pool)
{
    the_time = APR_USEC_PER_SEC;
    return script_workers(apr_array_make(pool, 1, sizeof(listener_t *)), pool);
}

static status_t reading(scripted_t *scripted, apr_pool_t *pool)
{
    status_t status;

    status_read(&status, &scripted->source, pool);
    return status;
}

static apr_uint64_t counted(const status_t *status, unsigned counter)
{
    apr_uint64_t value;

    assert_true(status_counter(&value, status, counter));
    return value;
}

static void of_a_service_that_begins_everything_is_zero(void **state)
{
    scripted_t *scripted = start(*state);
    status_t status = reading(scripted, *state);

    for (unsigned i = 0; i < COUNTERS_TOLD; i++) {
        assert_int_equal(counted(&status, i), 0);
    }
    assert_int_equal(status.health, HEALTH_OK);
    assert_int_equal(status.workers, WORKERS);
    assert_int_equal(status.listeners->nelts, 0);
    assert_string_equal(status.backend, "a backend");
    assert_string_equal(status.batching, "a call/a call");
}

static void counters_and_times_are_those_of_all_workers(void **state)
{
    scripted_t *scripted = start(*state);

    for (unsigned i = 0; i < WORKERS; i++) {
        counters_add(echo_counters(scripted->workers[i].echo), COUNTER_RECEIVED, 10 + i);
        service_times_add(&scripted->workers[i].times, 3, 1 + i);
    }
    counters_add(echo_counters(scripted->workers[1].echo), COUNTER_FAILED + SEND_OTHER, 7);
    atomic_store(&scripted->source.counters.reload_failures, 4);
    status_t status = reading(scripted, *state);

    assert_int_equal(counted(&status, COUNTER_RECEIVED), 21);
    assert_int_equal(counted(&status, COUNTER_FAILED + SEND_OTHER), 7);
    assert_int_equal(counted(&status, COUNTER_RELOAD_FAILURES), 4);
    assert_int_equal(status.service_times.datagrams[2], 3); /* up to 5 us */
    assert_int_equal(status.service_times.total_us, 9);
}

static void drops_of_a_listener_that_goes_are_kept(void **state)
{
    scripted_t *scripted = start(*state);
    listener_t goes = {.drops = 5};
    listener_t stays = {.drops = 6};
    listener_t comes = {.drops = 0};

    scripted->source.listeners = array_of(&goes, &stays, *state);
    status_t status = reading(scripted, *state);

    assert_int_equal(counted(&status, COUNTER_KERNEL_DROPS), 11);
    assert_int_equal(status.listeners->nelts, 2);
    status_listen(&scripted->source, array_of(&stays, &comes, *state));
    status = reading(scripted, *state);
    assert_int_equal(counted(&status, COUNTER_KERNEL_DROPS), 11);
    stays.drops = 8;
    comes.drops = 1;
    status_listen(&scripted->source, array_of(&stays, NULL, *state));
    status = reading(scripted, *state);
    assert_int_equal(counted(&status, COUNTER_KERNEL_DROPS), 5 + 8 + 1);
    assert_int_equal(status.listeners->nelts, 1);
}

static void drops_that_the_system_does_not_count_are_not_told(void **state)
{
    scripted_t *scripted = start(*state);
    apr_uint64_t value = 123;

    scripted->platform.features[FEATURE_DROP_COUNTER].status = APR_ENOTIMPL;
    status_t status = reading(scripted, *state);

    assert_false(status_counter(&value, &status, COUNTER_KERNEL_DROPS));
    assert_int_equal(value, 123);
}

static void a_worker_that_moves_within_a_second_is_well(void **state)
{
    scripted_t *scripted = start(*state);

    scripted->workers[0].moves_at = the_time + APR_USEC_PER_SEC / 2;
    scripted->workers[1].moves_at = the_time + APR_USEC_PER_SEC - 1;
    assert_int_equal(reading(scripted, *state).health, HEALTH_OK);
}

static void one_that_hangs_is_waited_for_and_told(void **state)
{
    scripted_t *scripted = start(*state);
    apr_time_t asked = the_time;

    scripted->workers[1].moves_at = APR_INT64_MAX;
    assert_int_equal(reading(scripted, *state).health, HEALTH_STALLED);
    assert_true(the_time >= asked + APR_USEC_PER_SEC);
}

static void one_that_cannot_receive_is_told_without_a_wait(void **state)
{
    scripted_t *scripted = start(*state);
    apr_time_t asked = the_time;
    batch_t none = {.count = 0};

    scripted->workers[0].moves_at = APR_INT64_MAX;
    echo_receive_failed(scripted->workers[0].echo, the_time);
    assert_int_equal(reading(scripted, *state).health, HEALTH_DEGRADED);
    assert_int_equal(the_time, asked);
    scripted->workers[0].moves_at = 0;
    echo_step(scripted->workers[0].echo, &none, the_time);
    assert_int_equal(reading(scripted, *state).health, HEALTH_OK);
}

static void the_end_is_told_before_all_else(void **state)
{
    scripted_t *scripted = start(*state);

    scripted->workers[0].is_draining = 1;
    echo_receive_failed(scripted->workers[1].echo, the_time);
    assert_int_equal(reading(scripted, *state).health, HEALTH_DRAINING);
    assert_int_equal(reading(scripted, *state).readiness, READINESS_DRAINING);
    scripted->workers[0].is_draining = 0;
    scripted->workers[1].is_draining = 1;
    assert_int_equal(reading(scripted, *state).health, HEALTH_DRAINING);
    assert_string_equal(health_name(HEALTH_DRAINING), "draining");
}

static void what_a_listener_speaks_is_read_with_it(void **state)
{
    scripted_t *scripted = start(*state);
    listener_t plain = {.drops = 0};
    listener_t stamp = {.service = service_create(PROTOCOL_STAMP, *state)};

    service_request(stamp.service, 44, APR_INT64_C(1600000000000001999));
    service_count(stamp.service, SERVICE_REPLIES, 3);
    status_listen(&scripted->source, array_of(&plain, &stamp, *state));
    status_t status = reading(scripted, *state);
    const service_reading_t *first = &APR_ARRAY_IDX(status.services, 0, service_reading_t);
    const service_reading_t *second = &APR_ARRAY_IDX(status.services, 1, service_reading_t);

    assert_int_equal(status.services->nelts, 2);
    assert_int_equal(first->protocol, PROTOCOL_ECHO);
    assert_int_equal(second->protocol, PROTOCOL_STAMP);
    assert_int_equal(second->value[SERVICE_REQUESTS], 1);
    assert_int_equal(second->value[SERVICE_REQUEST_BYTES], 44);
    assert_int_equal(second->value[SERVICE_REPLIES], 3);
    assert_true(second->first_request == APR_INT64_C(1600000000000001) &&
                second->last_request == second->first_request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(of_a_service_that_begins_everything_is_zero),
        scene(what_a_listener_speaks_is_read_with_it),
        scene(counters_and_times_are_those_of_all_workers),
        scene(drops_of_a_listener_that_goes_are_kept),
        scene(drops_that_the_system_does_not_count_are_not_told),
        scene(a_worker_that_moves_within_a_second_is_well),
        scene(one_that_hangs_is_waited_for_and_told),
        scene(one_that_cannot_receive_is_told_without_a_wait),
        scene(the_end_is_told_before_all_else),
    };

    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
