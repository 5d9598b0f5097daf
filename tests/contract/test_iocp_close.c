/*
 * The end of a transport of Windows, or of one of its listeners: the kernel gives back every
 * receive before its memory goes, and nothing is left of it.
 */

#include "iocp_calls.h"
#include "unit.h"

#include <apr_thread_proc.h>

#include <psapi.h>

#include "udpecho/clock.h"

/* ---- Stopping ---- */

#define WORKERS   3
#define DRAIN_MAX 50 /* batches: the senders never pause */

static unsigned left_behind; /* receives that were not given back before their memory went */

typedef struct load {
    apr_port_t port;
    atomic_int over;
    unsigned sent;
    atomic_uint received;
    atomic_uint answered;
} load_t;

typedef struct load_worker {
    load_t *load;
    transport_t *transport;
} load_worker_t;

static void *APR_THREAD_FUNC send_without_pause(apr_thread_t *thread, void *data)
{
    apr_pool_t *pool = apr_thread_pool_get(thread);
    load_t *load = data;
    apr_sockaddr_t *address;
    apr_socket_t *socket;

    apr_sockaddr_info_get(&address, "127.0.0.1", APR_INET, load->port, 0, pool);
    apr_socket_create(&socket, APR_INET, SOCK_DGRAM, APR_PROTO_UDP, pool);
    while (!atomic_load(&load->over)) {
        apr_size_t length = 100;
        char payload[100] = {0};

        apr_socket_sendto(socket, address, 0, payload, &length);
    }
    apr_socket_close(socket);
    return NULL;
}

static void *APR_THREAD_FUNC serve_until_woken(apr_thread_t *thread, void *data)
{
    load_worker_t *worker = data;
    unsigned drained = 0;
    int woken = 0;
    send_outcome_t outcome;

    (void)thread;
    while (drained < DRAIN_MAX) {
        batch_t batch;
        apr_status_t status = transport_receive(worker->transport, &batch, woken ? 0 : -1);

        if (APR_STATUS_IS_EINTR(status)) {
            woken = 1;
        } else if (woken && batch.count == 0) {
            break;
        }
        drained += woken != 0;
        atomic_fetch_add(&worker->load->received, batch.count);
        for (unsigned i = 0; i < batch.count; i++) {
            batch.at[i]->verdict = VERDICT_ECHO;
        }
        transport_reply(worker->transport, &batch, &outcome);
        atomic_fetch_add(&worker->load->answered, outcome.sent);
    }
    transport_finish(worker->transport, PATIENCE_US, &outcome);
    atomic_fetch_add(&worker->load->answered, outcome.sent);
    return NULL;
}

static apr_thread_t *start(apr_thread_start_t run, void *data, apr_pool_t *pool)
{
    apr_thread_t *thread;

    assert_int_equal(apr_thread_create(&thread, NULL, run, data, pool), APR_SUCCESS);
    return thread;
}

static void join(apr_thread_t *thread)
{
    apr_status_t status;

    apr_thread_join(&status, thread);
}

static void await(atomic_uint *count, unsigned wanted)
{
    apr_time_t end = clock_now() + PATIENCE_US;

    while (atomic_load(count) < wanted) {
        if (clock_now() >= end) {
            fail_msg("%u instead of %u", atomic_load(count), wanted);
        }
        apr_sleep(1000);
    }
}

/* Runs between the end of the transports and that of their memory and their port. */
static apr_status_t count_left_behind(void *data)
{
    fixture_t *fixture = data;
    port_t *port = listener_port(fixture->listeners[0]);
    OVERLAPPED_ENTRY entries[BATCH_MAX];
    ULONG count;

    left_behind = (unsigned)atomic_load(&port->posted);
    if (GetQueuedCompletionStatusEx(port->handle, entries, BATCH_MAX, &count, 0, FALSE)) {
        left_behind += count;
    }
    return APR_SUCCESS;
}

/* The senders go on all the while. */
static void stopping_under_load_answers_all_that_was_received(void **state)
{
    for (unsigned round = 0; round < 10; round++) {
        fixture_t *fixture = open_without_faults();
        load_t load = {.port = fixture->port};
        load_worker_t workers[WORKERS];
        apr_thread_t *threads[WORKERS];
        apr_thread_t *sender = start(send_without_pause, &load, *state);

        left_behind = UINT_MAX;
        apr_pool_cleanup_register(fixture->pool, fixture, count_left_behind, apr_pool_cleanup_null);
        for (unsigned i = 0; i < WORKERS; i++) {
            reopen_transport(fixture);
            workers[i] = (load_worker_t){&load, fixture->transport};
        }
        for (unsigned i = 0; i < WORKERS; i++) {
            threads[i] = start(serve_until_woken, &workers[i], *state);
        }
        await(&load.received, 1000);
        for (unsigned i = 0; i < WORKERS; i++) {
            transport_wake(workers[i].transport);
        }
        for (unsigned i = 0; i < WORKERS; i++) {
            join(threads[i]);
        }
        close_fixture(fixture);
        atomic_store(&load.over, 1);
        join(sender);
        assert_int_equal(load.answered, load.received);
        assert_int_equal(left_behind, 0);
    }
}

/* ---- Listeners that come and go ---- */

#define CHANGES 50
#define WINDOW  32 /* datagrams: far fewer than any buffer holds */

typedef struct change {
    fixture_t *fixture;
    atomic_uint wanted; /* listeners from the first on; 0: end */
    atomic_uint obeyed; /* workers that did as wanted */
} change_t;

typedef struct changing_worker {
    change_t *change;
    transport_t *transport;
} changing_worker_t;

static void obey(const changing_worker_t *worker)
{
    change_t *change = worker->change;
    unsigned wanted = atomic_load(&change->wanted);

    if (wanted > 0) {
        transport_listen(worker->transport, change->fixture->listeners, wanted);
    }
    atomic_fetch_add(&change->obeyed, 1);
}

static void *APR_THREAD_FUNC serve_what_is_wanted(apr_thread_t *thread, void *data)
{
    changing_worker_t *worker = data;

    (void)thread;
    while (atomic_load(&worker->change->wanted) > 0) {
        batch_t batch;
        send_outcome_t outcome;
        apr_status_t status = transport_receive(worker->transport, &batch, -1);

        if (APR_STATUS_IS_EINTR(status)) {
            obey(worker);
        }
        for (unsigned i = 0; i < batch.count; i++) {
            batch.at[i]->verdict = VERDICT_ECHO;
        }
        transport_reply(worker->transport, &batch, &outcome);
    }
    return NULL;
}

static void have_all_obey(change_t *change, unsigned wanted, const changing_worker_t *workers)
{
    atomic_store(&change->obeyed, 0);
    atomic_store(&change->wanted, wanted);
    for (unsigned i = 0; i < WORKERS; i++) {
        transport_wake(workers[i].transport);
    }
    await(&change->obeyed, wanted > 0 ? WORKERS : 0);
}

/* Never has more under way than fits into the buffers, and ends early if an echo does not come. */
static void *APR_THREAD_FUNC ask_in_windows(apr_thread_t *thread, void *data)
{
    apr_pool_t *pool = apr_thread_pool_get(thread);
    load_t *load = data;
    apr_status_t status = APR_SUCCESS;
    apr_sockaddr_t *address;
    apr_socket_t *socket;

    apr_sockaddr_info_get(&address, "127.0.0.1", APR_INET, load->port, 0, pool);
    apr_socket_create(&socket, APR_INET, SOCK_DGRAM, APR_PROTO_UDP, pool);
    apr_socket_timeout_set(socket, 5 * APR_USEC_PER_SEC);
    apr_socket_connect(socket, address);
    while (status == APR_SUCCESS && !atomic_load(&load->over)) {
        for (unsigned i = 0; i < WINDOW; i++) {
            apr_size_t length = 100;
            char payload[100] = {0};

            apr_socket_send(socket, payload, &length);
            load->sent++;
        }
        for (unsigned i = 0; status == APR_SUCCESS && i < WINDOW; i++) {
            apr_size_t length = 100;
            char payload[100];

            status = apr_socket_recv(socket, payload, &length);
            atomic_fetch_add(&load->answered, status == APR_SUCCESS);
        }
    }
    apr_socket_close(socket);
    return NULL;
}

static void open_workers(changing_worker_t *workers, change_t *change)
{
    fixture_t *fixture = change->fixture;

    for (unsigned i = 0; i < WORKERS; i++) {
        apr_pool_t *pool; /* of its own, as each works in a thread */

        apr_pool_create(&pool, fixture->pool);
        workers[i].change = change;
        assert_int_equal(transport_open(&workers[i].transport, fixture->listeners, 1, i,
                                        fixture->payload_max, pool),
                         APR_SUCCESS);
    }
}

/* Adds a listener to those of the workers, asks it, and has it go while it has more to answer than
 * it can. */
static void come_and_go(change_t *change, const changing_worker_t *workers)
{
    fixture_t *fixture = change->fixture;
    load_t load = {.port = 0};
    char payload = 'a';
    apr_pool_t *pool;

    apr_pool_create(&pool, fixture->pool);
    add_listener(fixture, "127.0.0.1");
    load.port = fixture->port;
    have_all_obey(change, 2, workers);
    client_connect(fixture, "127.0.0.1");
    client_send(fixture, &payload, 1);
    assert_int_equal(client_receive(fixture, &payload, 1), 1);

    apr_thread_t *sender = start(send_without_pause, &load, pool);

    have_all_obey(change, 1, workers);
    listener_close(fixture->listeners[--fixture->listener_count]);
    atomic_store(&load.over, 1);
    join(sender);
    apr_pool_destroy(pool);
}

/* Any worker may have in its hands what another one posted, on either listener. */
static void a_listener_that_goes_takes_nothing_of_another_with_it(void **state)
{
    fixture_t *fixture = open_without_faults();
    change_t change = {.fixture = fixture, .wanted = 1};
    load_t load = {.port = fixture->port};
    changing_worker_t workers[WORKERS];
    apr_thread_t *threads[WORKERS];

    left_behind = UINT_MAX;
    apr_pool_cleanup_register(fixture->pool, fixture, count_left_behind, apr_pool_cleanup_null);
    open_workers(workers, &change);
    for (unsigned i = 0; i < WORKERS; i++) {
        threads[i] = start(serve_what_is_wanted, &workers[i], *state);
    }

    apr_thread_t *asker = start(ask_in_windows, &load, *state);

    for (unsigned i = 0; i < CHANGES; i++) {
        come_and_go(&change, workers);
    }
    atomic_store(&load.over, 1);
    join(asker);
    have_all_obey(&change, 0, workers);
    for (unsigned i = 0; i < WORKERS; i++) {
        join(threads[i]);
    }
    close_fixture(fixture);
    assert_int_equal(load.answered, load.sent);
    assert_true(load.sent > 0);
    assert_int_equal(left_behind, 0);
}

/* ---- Opening and closing ---- */

static void open_and_close(unsigned cycle)
{
    fixture_t *fixture = open_without_faults();

    if (cycle % 3 > 0) {
        assert_nothing_waits(fixture); /* leaves all receives posted */
    }
    if (cycle % 3 > 1) {
        client_send(fixture, "x", 1);
        assert_int_equal(serve(fixture, 1), 1);
        client_send(fixture, "waits in the port when it is closed", 10);
    }
    close_fixture(fixture);
}

static void a_port_that_fails_is_asked_again_for_what_is_posted(void **state)
{
    fixture_t *fixture = open_without_faults();

    (void)state;
    left_behind = UINT_MAX;
    apr_pool_cleanup_register(fixture->pool, fixture, count_left_behind, apr_pool_cleanup_null);
    assert_nothing_waits(fixture); /* leaves all receives posted */
    on_take = (fault_t){.error = ERROR_NOT_ENOUGH_MEMORY, .times = 3};
    close_fixture(fixture);
    assert_int_equal(on_take.times, 0);
    assert_int_equal(left_behind, 0);
}

/* Its memory stays until the process ends. */
static void a_port_that_fails_for_good_keeps_nobody_from_closing(void **state)
{
    fixture_t *fixture = open_without_faults();

    (void)state;
    left_behind = UINT_MAX;
    apr_pool_cleanup_register(fixture->pool, fixture, count_left_behind, apr_pool_cleanup_null);
    assert_nothing_waits(fixture);
    on_take = (fault_t){.error = ERROR_INVALID_HANDLE, .times = FOR_EVER};
    close_fixture(fixture);
    assert_true(left_behind >= RECEIVES_POSTED);
}

#define HANDLES_MAX 10000

static unsigned handles(void)
{
    DWORD count = 0;

    assert_true(GetProcessHandleCount(GetCurrentProcess(), &count));
    if (count == 0) { /* Wine does not count them */
        for (uintptr_t handle = 4; handle < 4 * HANDLES_MAX; handle += 4) {
            DWORD flags;

            count += GetHandleInformation((HANDLE)handle, &flags) != 0;
        }
    }
    return count;
}

static SIZE_T memory(void)
{
    PROCESS_MEMORY_COUNTERS counters;

    assert_true(K32GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof counters));
    return counters.PagefileUsage;
}

static void a_thousand_openings_and_closings_leave_nothing(void **state)
{
    enum { ROOM = 4 << 20 }; /* what a thousand payloads take is 16 times as much */

    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        open_and_close(i);
    }
    unsigned handles_before = handles();
    SIZE_T memory_before = memory();

    for (unsigned i = 0; i < 1000; i++) {
        open_and_close(i);
    }
    assert_int_equal(handles(), handles_before);
    assert_in_range(memory(), 0, memory_before + ROOM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(stopping_under_load_answers_all_that_was_received),
        scene(a_listener_that_goes_takes_nothing_of_another_with_it),
        scene(a_port_that_fails_is_asked_again_for_what_is_posted),
        scene(a_port_that_fails_for_good_keeps_nobody_from_closing),
        scene(a_thousand_openings_and_closings_leave_nothing),
    };

    return cmocka_run_group_tests_name("close", tests, NULL, NULL);
}
