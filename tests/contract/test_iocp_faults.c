/*
 * A kernel that fails, below the real transport of Windows: instead of platform/iocp/calls.c it is
 * linked to calls that fail on demand, and else do the same over the loopback. Whatever failed,
 * afterwards all receives are posted and all datagrams answered.
 */

#include "fixture.h"
#include "unit.h"

#include <apr_thread_proc.h>
#include <limits.h>
#include <stdatomic.h>

#include "iocp.h"

#include <psapi.h>

#define FOR_EVER UINT_MAX

/* ---- Calls that fail ---- */

typedef struct fault {
    int error;
    unsigned spared; /* calls before the first that fails */
    unsigned times;
    unsigned from; /* the first listener on which it fails */
} fault_t;

static fault_t on_post;
static fault_t on_completion;
static fault_t on_send;
static atomic_int posted; /* receives that the kernel has */
static atomic_uint posts; /* calls to post one */
static SOCKET last_socket;
static SRWLOCK sending = SRWLOCK_INIT;

/* The error that this call is to meet, or 0. */
static int strike(fault_t *fault, const operation_t *operation)
{
    if (fault->times == 0 || operation->way->listener < fault->from) {
        return 0;
    }
    if (fault->spared > 0) {
        fault->spared--;
        return 0;
    }
    fault->times -= fault->times != FOR_EVER;
    return fault->error;
}

int call_receive(operation_t *operation)
{
    int fault = strike(&on_post, operation);

    atomic_fetch_add(&posts, 1);
    last_socket = operation->way->socket;
    if (fault != 0 && fault != WSAEMSGSIZE) {
        return fault;
    }
    atomic_fetch_add(&posted, 1);
    if (operation->way->receive(operation->way->socket, &operation->message, NULL,
                                &operation->overlapped, NULL) == 0) {
        return fault; /* a completion comes after a datagram that is too long, too */
    }
    int error = WSAGetLastError();

    if (error != WSA_IO_PENDING && error != WSAEMSGSIZE) {
        atomic_fetch_sub(&posted, 1);
    }
    return error;
}

int call_result(operation_t *operation)
{
    int fault = strike(&on_completion, operation);
    DWORD length;
    DWORD flags;

    atomic_fetch_sub(&posted, 1);
    if (fault != 0) {
        return fault;
    }
    return WSAGetOverlappedResult(operation->way->socket, &operation->overlapped, &length, FALSE,
                                  &flags)
               ? 0
               : WSAGetLastError();
}

int call_send(operation_t *operation)
{
    int fault = strike(&on_send, operation);
    DWORD sent;

    if (fault != 0) {
        return fault;
    }
    /* One at a time: Wine refuses a send while another thread sends by the same socket. */
    AcquireSRWLockExclusive(&sending);

    int error = WSASendMsg(operation->way->socket, &operation->message, 0, &sent, NULL, NULL) == 0
                    ? 0
                    : WSAGetLastError();

    ReleaseSRWLockExclusive(&sending);
    return error;
}

/* ---- What holds afterwards ---- */

static fixture_t *open_all(void)
{
    on_post = on_completion = on_send = (fault_t){.times = 0};
    atomic_store(&posted, 0);
    return open_fixture(&variants[0], "127.0.0.1", 1000);
}

static void assert_nothing_waits(fixture_t *fixture)
{
    batch_t batch;

    assert_true(APR_STATUS_IS_TIMEUP(transport_receive(fixture->transport, &batch, 0)));
}

/* No receive is lost: all are posted, and each can bring a datagram. */
static void assert_all_is_well(fixture_t *fixture)
{
    assert_nothing_waits(fixture);
    assert_int_equal(posted, fixture->listener_count * RECEIVES_POSTED);
    for (unsigned burst = 0; burst < 3; burst++) {
        for (unsigned i = 0; i < RECEIVES_POSTED; i++) {
            client_send(fixture, &i, sizeof i);
        }
        assert_int_equal(serve(fixture, RECEIVES_POSTED), RECEIVES_POSTED);
        for (unsigned i = 0; i < RECEIVES_POSTED; i++) {
            unsigned reply = RECEIVES_POSTED;

            assert_int_equal(client_receive(fixture, &reply, sizeof reply), sizeof reply);
            assert_int_equal(reply, i);
        }
    }
    assert_nothing_waits(fixture);
    assert_int_equal(posted, fixture->listener_count * RECEIVES_POSTED);
    close_fixture(fixture);
}

/* An endless wait that ends at once with this error. */
static void assert_receive_fails(fixture_t *fixture, int error)
{
    batch_t batch;
    apr_status_t status = transport_receive(fixture->transport, &batch, -1);

    assert_int_equal(status, APR_FROM_OS_ERROR(error));
    assert_int_equal(batch.count, 0);
}

/* ---- Errors of earlier replies ---- */

static const int resets[] = {WSAECONNRESET, WSAENETRESET};

static void a_reset_does_not_keep_a_receive_from_being_posted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        fixture_t *fixture = open_all();

        on_post = (fault_t){.error = resets[i], .spared = 1, .times = 5};
        assert_all_is_well(fixture);
    }
}

static void a_receive_ended_by_a_reset_is_posted_again(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        fixture_t *fixture = open_all();

        for (unsigned j = 0; j < RECEIVES_POSTED; j++) {
            client_send(fixture, "these end the receives", 10);
        }
        on_completion = (fault_t){.error = resets[i], .times = RECEIVES_POSTED};
        while (on_completion.times > 0) {
            batch_t batch;

            assert_true(APR_STATUS_IS_TIMEUP(transport_receive(fixture->transport, &batch, 1000)));
        }
        assert_all_is_well(fixture);
    }
}

static void resets_without_end_are_an_error(void **state)
{
    fixture_t *fixture = open_all();

    (void)state;
    on_post = (fault_t){.error = WSAECONNRESET, .times = FOR_EVER};
    assert_receive_fails(fixture, WSAECONNRESET);
    on_post.times = 0;
    assert_all_is_well(fixture);
}

/* ---- Datagrams that are too long ---- */

static void receive_truncated(fixture_t *fixture)
{
    batch_t batch;

    assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
    assert_int_equal(batch.count, 1);
    assert_true(batch.at[0]->truncated);
    give_back(fixture, &batch, VERDICT_TRUNCATED);
}

static void a_truncated_datagram_is_lent_once(void **state)
{
    unsigned char payload[2000] = {0};
    fixture_t *fixture = open_all();

    (void)state;
    client_send(fixture, payload, sizeof payload); /* is there when the first receive is posted */
    receive_truncated(fixture);
    client_send(fixture, payload, sizeof payload); /* meets a posted receive */
    receive_truncated(fixture);
    assert_all_is_well(fixture);
}

static void a_truncated_datagram_told_at_once_is_lent_once(void **state)
{
    fixture_t *fixture = open_all();
    batch_t batch;

    (void)state;
    client_send(fixture, "x", 1);
    on_post = (fault_t){.error = WSAEMSGSIZE, .times = 1};
    assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
    assert_int_equal(batch.count, 1);
    give_back(fixture, &batch, VERDICT_PAST_COUNT);
    assert_all_is_well(fixture);
}

static void a_truncated_datagram_told_on_completion_is_lent_once(void **state)
{
    fixture_t *fixture = open_all();

    (void)state;
    client_send(fixture, "x", 1);
    on_completion = (fault_t){.error = WSAEMSGSIZE, .times = 1};
    receive_truncated(fixture);
    assert_all_is_well(fixture);
}

/* ---- Receives that fail ---- */

static void a_receive_that_cannot_be_posted_is_not_left_behind(void **state)
{
    fixture_t *fixture = open_all();

    (void)state;
    on_post = (fault_t){.error = WSAENOBUFS, .spared = 10, .times = 1};
    assert_receive_fails(fixture, WSAENOBUFS);
    assert_int_equal(posted, RECEIVES_POSTED - 1);
    assert_all_is_well(fixture);
}

static void one_that_cannot_be_posted_costs_no_datagram(void **state)
{
    fixture_t *fixture = open_all();
    batch_t batch;

    (void)state;
    client_send(fixture, "x", 1);
    on_post = (fault_t){.error = WSAENOBUFS, .spared = 1, .times = FOR_EVER};
    assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
    assert_int_equal(batch.count, 1);
    give_back(fixture, &batch, VERDICT_PAST_COUNT);
    on_post.times = 0;
    assert_all_is_well(fixture);
}

static void without_any_receive_posted_it_neither_hangs_nor_spins(void **state)
{
    fixture_t *fixture = open_all();

    (void)state;
    on_post = (fault_t){.error = WSAENOBUFS, .times = FOR_EVER};
    atomic_store(&posts, 0);
    for (unsigned i = 0; i < 10; i++) {
        assert_receive_fails(fixture, WSAENOBUFS);
    }
    assert_int_equal(posted, 0);
    assert_int_equal(posts, 10 * RECEIVES_POSTED);
    on_post.times = 0;
    assert_all_is_well(fixture);
}

static void a_listener_without_receives_is_not_forgotten_for_another(void **state)
{
    fixture_t *fixture = open_all();

    (void)state;
    add_listener(fixture, "127.0.0.1");
    reopen_transport(fixture);
    client_connect(fixture, "127.0.0.1");
    on_post = (fault_t){.error = WSAENOBUFS, .times = FOR_EVER, .from = 1};
    assert_receive_fails(fixture, WSAENOBUFS);
    assert_int_equal(posted, RECEIVES_POSTED);
    on_post.times = 0;
    assert_all_is_well(fixture);
}

static void a_receive_that_fails_is_posted_again(void **state)
{
    fixture_t *fixture = open_all();

    (void)state;
    client_send(fixture, "lost", 4);
    on_completion = (fault_t){.error = WSAENETDOWN, .times = 1};
    assert_receive_fails(fixture, WSAENETDOWN);
    assert_all_is_well(fixture);
}

static void cancelled_receives_are_posted_again(void **state)
{
    fixture_t *fixture = open_all();

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_nothing_waits(fixture);
        assert_true(CancelIoEx((HANDLE)last_socket, NULL));
    }
    assert_all_is_well(fixture);
}

/* ---- Replies that fail ---- */

static void a_reply_that_fails_is_counted_and_costs_no_other(void **state)
{
    static const struct {
        int error;
        send_error_t kind;
    } kinds[] = {
        {WSAEWOULDBLOCK, SEND_EAGAIN},
        {WSAENOBUFS, SEND_ENOBUFS},
        {WSAEACCES, SEND_EPERM},
        {WSAEHOSTUNREACH, SEND_EHOSTUNREACH},
        {WSAENETUNREACH, SEND_ENETUNREACH},
        {WSAEMSGSIZE, SEND_EMSGSIZE},
        {WSAEINVAL, SEND_EINVAL},
        {WSAECONNRESET, SEND_ECONNREFUSED},
        {WSAEFAULT, SEND_OTHER},
    };
    enum { SENT = 4, LOST = 1 };

    (void)state;
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        fixture_t *fixture = open_all();
        unsigned failed = 0;
        unsigned sent = 0;

        for (unsigned j = 0; j < SENT; j++) {
            client_send(fixture, &j, sizeof j);
        }
        on_send = (fault_t){.error = kinds[i].error, .spared = LOST, .times = 1};
        while (sent + failed < SENT) {
            batch_t batch;
            send_outcome_t outcome;

            assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
            outcome = give_back(fixture, &batch, VERDICT_ECHO);
            sent += outcome.sent;
            failed += outcome.failed[kinds[i].kind];
        }
        assert_int_equal(sent, SENT - 1);
        for (unsigned j = 0; j < SENT; j++) {
            unsigned reply = SENT;

            if (j != LOST) {
                assert_int_equal(client_receive(fixture, &reply, sizeof reply), sizeof reply);
                assert_int_equal(reply, j);
            }
        }
        assert_all_is_well(fixture);
    }
}

/* ---- Stopping ---- */

#define WORKERS   3
#define DRAIN_MAX 50 /* batches: the senders never pause */

static unsigned left_behind; /* receives that were not given back before their memory went */

typedef struct load {
    apr_port_t port;
    atomic_int over;
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

    (void)thread;
    while (drained < DRAIN_MAX) {
        batch_t batch;
        send_outcome_t outcome;
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
        fixture_t *fixture = open_all();
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
        while (atomic_load(&load.received) < 1000) {
            apr_sleep(1000);
        }
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

/* ---- Opening and closing ---- */

static void open_and_close(unsigned cycle)
{
    fixture_t *fixture = open_all();

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
        scene(a_reset_does_not_keep_a_receive_from_being_posted),
        scene(a_receive_ended_by_a_reset_is_posted_again),
        scene(resets_without_end_are_an_error),
        scene(a_truncated_datagram_is_lent_once),
        scene(a_truncated_datagram_told_at_once_is_lent_once),
        scene(a_truncated_datagram_told_on_completion_is_lent_once),
        scene(a_receive_that_cannot_be_posted_is_not_left_behind),
        scene(one_that_cannot_be_posted_costs_no_datagram),
        scene(without_any_receive_posted_it_neither_hangs_nor_spins),
        scene(a_listener_without_receives_is_not_forgotten_for_another),
        scene(a_receive_that_fails_is_posted_again),
        scene(cancelled_receives_are_posted_again),
        scene(a_reply_that_fails_is_counted_and_costs_no_other),
        scene(stopping_under_load_answers_all_that_was_received),
        scene(a_thousand_openings_and_closings_leave_nothing),
    };

    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
