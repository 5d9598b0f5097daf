/* What the client makes of what Windows received, where the test says what that is. */

#include "unit.h"

#include "iocp/iocp.h"
#include "readiness/flow.h"

/* The macros for control messages mix signed and unsigned sizes in mingw-w64's headers. */
#pragma GCC diagnostic ignored "-Wsign-conversion"

#define PAYLOAD    100
#define SOCKET_ANY ((apr_os_sock_t)1)

/* The one message that there is to receive. */
static struct received {
    int error;
    DWORD flags;
    DWORD length;
    size_t control_length; /* of all; that of its second message is right, and says 17 */
    size_t first_length;   /* that its first says to have */
    int is_taken;
} received;

static int WSAAPI play_receive(SOCKET socket, LPWSAMSG message, LPDWORD length,
                               LPWSAOVERLAPPED overlapped,
                               LPWSAOVERLAPPED_COMPLETION_ROUTINE completion)
{
    WSACMSGHDR *control = (WSACMSGHDR *)message->Control.buf;
    int hop_limit = 17;

    (void)socket, (void)overlapped, (void)completion;
    if (received.is_taken) {
        WSASetLastError(WSAEWOULDBLOCK);
        return SOCKET_ERROR;
    }
    received.is_taken = 1;
    assert_true(message->Control.len >= 2 * WSA_CMSG_SPACE(sizeof hop_limit));
    memset(control, 0, message->Control.len);
    control->cmsg_len = received.first_length;
    control->cmsg_level = IPPROTO_IP;
    control->cmsg_type = IP_TOS;
    control = (WSACMSGHDR *)(message->Control.buf + WSA_CMSG_SPACE(sizeof hop_limit));
    control->cmsg_len = WSA_CMSG_LEN(sizeof hop_limit);
    control->cmsg_level = IPPROTO_IP;
    control->cmsg_type = IP_TTL;
    memcpy(WSA_CMSG_DATA(control), &hop_limit, sizeof hop_limit);
    message->Control.len = (ULONG)received.control_length;
    message->dwFlags = received.flags;
    *length = received.length;
    WSASetLastError(received.error);
    return received.error == 0 ? 0 : SOCKET_ERROR;
}

/* In place of the one that asks Windows. */
apr_status_t find_receive(SOCKET socket, LPFN_WSARECVMSG *receive)
{
    (void)socket;
    *receive = play_receive;
    return APR_SUCCESS;
}

static struct received whole(void)
{
    return (struct received){.length = 5,
                             .control_length = 2 * WSA_CMSG_SPACE(sizeof(int)),
                             .first_length = WSA_CMSG_LEN(sizeof(int))};
}

static const arrival_t *receive(apr_pool_t *pool)
{
    flows_options_t options = {.count = 1, .payload_max = PAYLOAD};
    flow_messages_t *messages = flow_messages_create(&options, pool);
    static arrivals_t arrivals;

    assert_int_equal(flow_messages_receive(messages, SOCKET_ANY, 0), APR_SUCCESS);
    flow_messages_lend(messages, &arrivals);
    assert_int_equal(arrivals.count, 1);
    return arrivals.at[0];
}

static void a_message_without_length_is_the_last_to_be_read(void **state)
{
    static const size_t lengths[] = {0, sizeof(WSACMSGHDR) - 1};

    received = whole();
    assert_int_equal(receive(*state)->hop_limit, 17);
    for (unsigned i = 0; i < 2; i++) {
        received = whole();
        received.first_length = lengths[i];
        assert_int_equal(receive(*state)->hop_limit, -1);
    }
}

static void a_hop_limit_that_was_cut_off_is_not_known(void **state)
{
    received = whole();
    received.control_length -= WSA_CMSG_SPACE(sizeof(int)) - WSA_CMSG_LEN(sizeof(int)) + 1;
    assert_int_equal(receive(*state)->hop_limit, -1);
}

static void what_was_cut_off_is_told_apart(void **state)
{
    static const struct {
        int error;
        DWORD flags;
        int truncated;
    } cases[] = {
        {0, 0, 0},
        {0, MSG_TRUNC, 1},
        {WSAEMSGSIZE, MSG_TRUNC, 1},
        {WSAEMSGSIZE, MSG_TRUNC | MSG_CTRUNC, 1},
        {WSAEMSGSIZE, 0, 1}, /* as WSARecvFrom() has it */
        {WSAEMSGSIZE, MSG_CTRUNC, 0},
        {0, MSG_CTRUNC, 0},
    };

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const arrival_t *arrival;

        received = whole();
        received.error = cases[i].error;
        received.flags = cases[i].flags;
        arrival = receive(*state);
        assert_int_equal(arrival->truncated, cases[i].truncated);
        assert_int_equal(arrival->length, cases[i].truncated ? PAYLOAD : 5);
        assert_int_equal(arrival->refused, APR_SUCCESS);
    }
}

static void what_is_forgotten_is_not_lent_and_the_rest_is_in_order(void **state)
{
    static const unsigned flows[] = {0, 1, 0, 1, 2, 0};
    flows_options_t options = {.count = 3, .payload_max = PAYLOAD};
    flow_messages_t *messages = flow_messages_create(&options, *state);
    arrivals_t arrivals;

    for (unsigned i = 0; i < sizeof flows / sizeof flows[0]; i++) {
        received = whole();
        received.length = i;
        assert_int_equal(flow_messages_receive(messages, SOCKET_ANY, flows[i]), APR_SUCCESS);
    }
    flow_messages_forget(messages, 0);
    received = whole();
    received.length = 9;
    assert_int_equal(flow_messages_receive(messages, SOCKET_ANY, 0), APR_SUCCESS);

    static const struct {
        unsigned flow;
        apr_size_t length;
    } left[] = {{1, 1}, {1, 3}, {2, 4}, {0, 9}};

    flow_messages_lend(messages, &arrivals);
    assert_int_equal(arrivals.count, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(arrivals.at[i]->flow, left[i].flow);
        assert_int_equal(arrivals.at[i]->length, left[i].length);
        for (unsigned j = 0; j < i; j++) {
            assert_ptr_not_equal(arrivals.at[i]->data, arrivals.at[j]->data);
        }
    }
    flow_messages_forget(messages, 1);
    assert_true(flow_messages_are_lent(messages));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_message_without_length_is_the_last_to_be_read),
        scene(a_hop_limit_that_was_cut_off_is_not_known),
        scene(what_was_cut_off_is_told_apart),
        scene(what_is_forgotten_is_not_lent_and_the_rest_is_in_order),
    };

    return cmocka_run_group_tests_name("messages", tests, NULL, NULL);
}
