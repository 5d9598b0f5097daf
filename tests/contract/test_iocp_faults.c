/*
 * Whatever fails below the transport of Windows, afterwards all receives are posted and all
 * datagrams answered.
 */

#include "iocp_calls.h"
#include "unit.h"

#include <apr_thread_proc.h>

#include "udpecho/clock.h"

/* ---- What holds afterwards ---- */

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

/* This many milliseconds are longer than any test waits. */
#define LOOKS_MAX 10000

static const int resets[] = {WSAECONNRESET, WSAENETRESET};

static void a_reset_does_not_keep_a_receive_from_being_posted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        fixture_t *fixture = open_without_faults();

        on_post = (fault_t){.error = resets[i], .spared = 1, .times = 5};
        assert_all_is_well(fixture);
    }
}

static void a_receive_ended_by_a_reset_is_posted_again(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        fixture_t *fixture = open_without_faults();

        for (unsigned j = 0; j < RECEIVES_POSTED; j++) {
            client_send(fixture, "these end the receives", 10);
        }
        on_completion = (fault_t){.error = resets[i], .times = RECEIVES_POSTED};
        for (unsigned j = 0; on_completion.times > 0; j++) {
            batch_t batch;

            assert_in_range(j, 0, LOOKS_MAX);

            assert_int_equal(transport_receive(fixture->transport, &batch, 1000), APR_TIMEUP);
        }
        assert_all_is_well(fixture);
    }
}

/* Senders from ports that are closed can make as many as this. */
static void resets_without_end_are_no_error(void **state)
{
    fixture_t *fixture = open_without_faults();

    (void)state;
    on_post = (fault_t){.error = WSAECONNRESET, .times = FOR_EVER};
    for (int i = 0; i < 10; i++) {
        batch_t batch;

        assert_int_equal(transport_receive(fixture->transport, &batch, -1), APR_TIMEUP);
    }
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
    fixture_t *fixture = open_without_faults();

    (void)state;
    client_send(fixture, payload, sizeof payload); /* is there when the first receive is posted */
    receive_truncated(fixture);
    client_send(fixture, payload, sizeof payload); /* meets a posted receive */
    receive_truncated(fixture);
    assert_all_is_well(fixture);
}

static void a_truncated_datagram_told_at_once_is_lent_once(void **state)
{
    fixture_t *fixture = open_without_faults();
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
    fixture_t *fixture = open_without_faults();

    (void)state;
    client_send(fixture, "x", 1);
    on_completion = (fault_t){.error = WSAEMSGSIZE, .times = 1};
    receive_truncated(fixture);
    assert_all_is_well(fixture);
}

/* ---- Broadcasts ---- */

/* Windows gives them to sockets that are bound to one address, too. */
static void a_broadcast_is_told_by_its_flags(void **state)
{
    static const DWORD flags[] = {MSG_BCAST, MSG_MCAST, 0};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        fixture_t *fixture = open_without_faults();
        batch_t batch;

        on_arrival = flags[i];
        client_send(fixture, "x", 1);
        assert_int_equal(receive(fixture, &batch), APR_SUCCESS);
        assert_int_equal(batch.count, 1);
        assert_int_equal(batch.at[0]->broadcast, flags[i] != 0);
        give_back(fixture, &batch, VERDICT_NOT_UNICAST);
        on_arrival = 0;
        assert_all_is_well(fixture);
    }
}

/* ---- Receives that fail ---- */

static void a_receive_that_cannot_be_posted_is_not_left_behind(void **state)
{
    fixture_t *fixture = open_without_faults();

    (void)state;
    on_post = (fault_t){.error = WSAENOBUFS, .spared = 10, .times = 1};
    assert_receive_fails(fixture, WSAENOBUFS);
    assert_int_equal(posted, RECEIVES_POSTED - 1);
    assert_all_is_well(fixture);
}

static void one_that_cannot_be_posted_costs_no_datagram(void **state)
{
    fixture_t *fixture = open_without_faults();
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
    fixture_t *fixture = open_without_faults();

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
    fixture_t *fixture = open_without_faults();

    (void)state;
    add_listener(fixture, "127.0.0.1");
    reopen_transport(fixture);
    client_connect(fixture, "127.0.0.1");
    on_post = (fault_t){.error = WSAENOBUFS, .times = FOR_EVER, .port = fixture->port};
    assert_receive_fails(fixture, WSAENOBUFS);
    assert_int_equal(posted, RECEIVES_POSTED);
    on_post.times = 0;
    assert_all_is_well(fixture);
}

static void a_receive_that_fails_is_posted_again(void **state)
{
    fixture_t *fixture = open_without_faults();

    (void)state;
    client_send(fixture, "lost", 4);
    on_completion = (fault_t){.error = WSAENETDOWN, .times = 1};
    assert_receive_fails(fixture, WSAENETDOWN);
    assert_all_is_well(fixture);
}

static void cancelled_receives_are_posted_again(void **state)
{
    fixture_t *fixture = open_without_faults();

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
        fixture_t *fixture = open_without_faults();
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

/* ---- Wakes that fail ---- */

static void *APR_THREAD_FUNC wake_in_a_thread(apr_thread_t *thread, void *transport)
{
    (void)thread;
    apr_sleep(20000); /* most likely the wait has begun by then; the scene holds if it has not */
    transport_wake(transport);
    return NULL;
}

static void a_wake_that_the_kernel_has_no_memory_for_is_seen(void **state)
{
    fixture_t *fixture = open_without_faults();
    apr_time_t end = clock_now() + PATIENCE_US;
    apr_thread_t *thread;
    apr_status_t status;
    batch_t batch;

    on_wake = (fault_t){.error = ERROR_NOT_ENOUGH_MEMORY, .times = FOR_EVER};
    assert_int_equal(apr_thread_create(&thread, NULL, wake_in_a_thread, fixture->transport, *state),
                     APR_SUCCESS);
    do {
        status = transport_receive(fixture->transport, &batch, -1);
    } while (APR_STATUS_IS_TIMEUP(status) && clock_now() < end);
    assert_true(APR_STATUS_IS_EINTR(status));
    apr_thread_join(&status, thread);
    assert_all_is_well(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_reset_does_not_keep_a_receive_from_being_posted),
        scene(a_receive_ended_by_a_reset_is_posted_again),
        scene(resets_without_end_are_no_error),
        scene(a_truncated_datagram_is_lent_once),
        scene(a_truncated_datagram_told_at_once_is_lent_once),
        scene(a_truncated_datagram_told_on_completion_is_lent_once),
        scene(a_broadcast_is_told_by_its_flags),
        scene(a_receive_that_cannot_be_posted_is_not_left_behind),
        scene(one_that_cannot_be_posted_costs_no_datagram),
        scene(without_any_receive_posted_it_neither_hangs_nor_spins),
        scene(a_listener_without_receives_is_not_forgotten_for_another),
        scene(a_receive_that_fails_is_posted_again),
        scene(cancelled_receives_are_posted_again),
        scene(a_reply_that_fails_is_counted_and_costs_no_other),
        scene(a_wake_that_the_kernel_has_no_memory_for_is_seen),
    };

    return cmocka_run_group_tests_name("faults", tests, NULL, NULL);
}
