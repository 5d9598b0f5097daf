/* Messages in batches: what a kernel finds in a header that it receives into, how what it handed
 * over is taken apart, and what a message to it is made of. Only the calls themselves need
 * sockets. */

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include "endpoints.h"
#include "readiness/message_batch.h"

#define ROOM 100

/* ---- A kernel ---- */

static unsigned waiting;    /* messages that it has; each sets and expects cleared lengths */
static unsigned asked_last; /* how many it was asked for */

/* Says no lengths for the first message, as one that brings neither a name nor control messages,
 * and fails as a kernel does that has written to a header by then. */
static int receive_scripted(int descriptor, message_t *messages, unsigned count)
{
    unsigned came = waiting < count ? waiting : count;

    (void)descriptor;
    asked_last = count;
    for (unsigned i = 0; i < (came > 0 ? came : 1); i++) {
        struct msghdr *header = &messages[i].msg_hdr;

        assert_int_equal(header->msg_namelen, sizeof((endpoint_t *)NULL)->sa);
        assert_int_equal(header->msg_controllen, CONTROL_RECEIVED_MAX);
        header->msg_namelen = 0;
        header->msg_controllen = 0;
    }
    for (unsigned i = 0; i < came; i++) {
        messages[i].msg_len = i + 1;
    }
    waiting -= came;
    errno = EAGAIN;
    return came > 0 ? (int)came : -1;
}

static message_batch_t *make_batch(apr_pool_t *pool)
{
    static const platform_t any;
    message_batch_t *batch = apr_pcalloc(pool, sizeof *batch);

    message_batch_init(batch, &any, ROOM, pool);
    batch->receive = receive_scripted;
    return batch;
}

/* ---- Receiving ---- */

static void every_receive_finds_lengths_that_say_how_much_room_there_is(void **state)
{
    static const unsigned numbers[] = {3, 0, BATCH_MAX, 1, 0, 2};
    message_batch_t *batch = make_batch(*state);

    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        int came = numbers[i] > 0 ? (int)numbers[i] : -1;

        waiting = numbers[i];
        message_batch_clear(batch);
        assert_int_equal(message_batch_receive(batch, -1, BATCH_MAX), came);
        assert_int_equal(batch->count, numbers[i]);
    }
}

static void what_comes_later_lies_behind_what_is_there(void **state)
{
    message_batch_t *batch = make_batch(*state);

    waiting = 5;
    assert_int_equal(message_batch_receive(batch, -1, 2), 2);
    assert_int_equal(message_batch_receive(batch, -1, BATCH_MAX - 2), 3);
    assert_int_equal(asked_last, BATCH_MAX - 2);
    assert_int_equal(message_batch_receive(batch, -1, 1), -1);
    assert_int_equal(batch->count, 5);
    assert_int_equal(message_batch_segments(batch, 1, 0).length, 2);
    assert_int_equal(message_batch_segments(batch, 4, 0).length, 3);
    waiting = BATCH_MAX - 5;
    assert_int_equal(message_batch_receive(batch, -1, BATCH_MAX - 5), BATCH_MAX - 5);
    assert_int_equal(batch->count, BATCH_MAX);
}

static void a_message_by_another_call_lies_behind_them_too(void **state)
{
    message_batch_t *batch = make_batch(*state);

    waiting = 1;
    message_batch_receive(batch, -1, BATCH_MAX);
    for (unsigned i = 1; i < BATCH_MAX; i++) {
        struct msghdr *header = message_batch_next(batch);

        assert_ptr_equal(header, &batch->at[i].msg_hdr);
        header->msg_controllen = 0;
        message_batch_add(batch, 10 + i);
        assert_int_equal(message_batch_segments(batch, i, 0).length, 10 + i);
    }
    assert_int_equal(batch->count, BATCH_MAX);
    message_batch_clear(batch);
    waiting = BATCH_MAX;
    message_batch_receive(batch, -1, BATCH_MAX);
}

static void one_that_another_call_did_not_fill_is_cleared(void **state)
{
    message_batch_t *batch = make_batch(*state);

    waiting = 1;
    message_batch_receive(batch, -1, BATCH_MAX);
    message_batch_next(batch)->msg_controllen = 0;
    waiting = 2;
    message_batch_receive(batch, -1, BATCH_MAX - 1);
}

static void every_message_has_room_of_its_own(void **state)
{
    message_batch_t *batch = make_batch(*state);

    waiting = BATCH_MAX;
    message_batch_receive(batch, -1, BATCH_MAX);
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        const struct msghdr *header = &batch->at[i].msg_hdr;

        assert_int_equal(header->msg_iov->iov_len, ROOM);
        memset(header->msg_iov->iov_base, (int)i, ROOM);
        memset(header->msg_control, (int)i, CONTROL_RECEIVED_MAX);
    }
    for (unsigned i = 0; i < BATCH_MAX; i++) {
        const unsigned char *data = message_batch_segments(batch, i, 0).data;
        const unsigned char *control = batch->at[i].msg_hdr.msg_control;

        assert_int_equal(data[0], i);
        assert_int_equal(data[ROOM - 1], i);
        assert_int_equal(control[0], i);
        assert_int_equal(control[CONTROL_RECEIVED_MAX - 1], i);
    }
}

static void what_was_not_written_of_a_sender_is_0(void **state)
{
    struct sockaddr_in6 earlier = {.sin6_family = AF_INET6, .sin6_port = htons(7)};
    struct msghdr header = {.msg_name = &earlier, .msg_namelen = sizeof earlier};
    endpoint_t none = {.length = 0};
    endpoint_t sender = message_sender(&header);

    (void)state;
    assert_int_equal(sender.length, sizeof earlier);
    assert_memory_equal(&sender.sa, &earlier, sizeof earlier);
    message_clear(&header);
    header.msg_namelen = 0;
    sender = message_sender(&header);
    assert_memory_equal(&sender, &none, sizeof none);
    assert_false(endpoint_is_host(&sender));
}

/* ---- Making ---- */

static void parts_that_lie_side_by_side_are_one_vector(void **state)
{
    unsigned char bytes[40];
    unsigned char control[CONTROL_MAX];
    struct iovec vectors[4];
    struct msghdr header;
    endpoint_t peer = ipv4(0x7f000001, 7);

    (void)state;
    message_begin(&header, &peer, vectors, control);
    message_append(&header, bytes, 10);
    message_append(&header, bytes + 10, 5);
    message_append(&header, bytes + 20, 5); /* behind a gap */
    message_append(&header, bytes + 10, 5); /* before that */
    message_append(&header, bytes + 15, 0);
    message_end(&header);
    assert_ptr_equal(header.msg_name, &peer.sa);
    assert_int_equal(header.msg_namelen, peer.length);
    assert_int_equal(header.msg_iovlen, 3);
    assert_ptr_equal(vectors[0].iov_base, bytes);
    assert_int_equal(vectors[0].iov_len, 15);
    assert_ptr_equal(vectors[1].iov_base, bytes + 20);
    assert_int_equal(vectors[1].iov_len, 5);
    assert_ptr_equal(vectors[2].iov_base, bytes + 10);
    assert_int_equal(vectors[2].iov_len, 5);
}

static void without_control_messages_there_is_no_room_for_any(void **state)
{
    unsigned char byte = 0;
    _Alignas(struct cmsghdr) unsigned char control[CONTROL_MAX];
    struct iovec vector;
    struct msghdr header;
    endpoint_t peer = ipv4(0x7f000001, 7);

    (void)state;
    message_begin(&header, &peer, &vector, control);
    message_append(&header, &byte, 1);
    message_end(&header);
    assert_null(header.msg_control);
    assert_int_equal(header.msg_controllen, 0);

    message_begin(&header, &peer, &vector, control);
    message_append(&header, &byte, 1);
    control_message_add(&header, IPPROTO_IP, 1, &byte, 1);
    message_end(&header);
    assert_ptr_equal(header.msg_control, control);
    assert_int_equal(header.msg_controllen, CMSG_SPACE(1));
}

/* ---- The system's calls ---- */

static int open_socket(endpoint_t *local)
{
    int descriptor = socket(AF_INET, SOCK_DGRAM, 0);

    *local = ipv4(0x7f000001, 0);
    assert_true(descriptor >= 0);
    assert_int_equal(bind(descriptor, &local->sa.any, local->length), 0);
    assert_int_equal(getsockname(descriptor, &local->sa.any, &local->length), 0);
    assert_int_equal(fcntl(descriptor, F_SETFL, O_NONBLOCK), 0);
    return descriptor;
}

/* Sends the messages 0, 01 and 012 and one more, which no socket sends: it is too long. */
static void send_by(move_messages_t *move, int descriptor, const endpoint_t *to)
{
    static unsigned char bytes[70000] = {0, 1, 2};
    message_t messages[4];
    struct iovec vectors[4];
    unsigned char control[CONTROL_MAX];

    for (unsigned i = 0; i < 4; i++) {
        message_begin(&messages[i].msg_hdr, to, &vectors[i], control);
        message_append(&messages[i].msg_hdr, bytes, i < 3 ? i + 1 : sizeof bytes);
        message_end(&messages[i].msg_hdr);
    }
    assert_int_equal(move(descriptor, messages, 4), 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(messages[i].msg_len, i + 1);
    }
    assert_int_equal(move(descriptor, &messages[3], 1), -1);
    assert_int_equal(errno, EMSGSIZE);
}

static void receive_by(move_messages_t *move, int descriptor, const endpoint_t *from,
                       apr_pool_t *pool)
{
    message_batch_t *batch = make_batch(pool);

    batch->receive = move;
    assert_int_equal(message_batch_receive(batch, descriptor, BATCH_MAX), 3);
    for (unsigned i = 0; i < 3; i++) {
        segments_t segments = message_batch_segments(batch, i, 0);
        endpoint_t sender = message_sender(&batch->at[i].msg_hdr);

        assert_int_equal(segments.length, i + 1);
        assert_int_equal(segments.data[i], i);
        assert_true(endpoint_equal(&sender, from));
    }
    assert_int_equal(message_batch_receive(batch, descriptor, 1), -1);
    assert_true(APR_STATUS_IS_EAGAIN(errno));
}

static void messages_go_one_by_one_and_in_batches(void **state)
{
    platform_t platforms[2];
    endpoint_t here;
    endpoint_t there;
    int sender = open_socket(&here);
    int receiver = open_socket(&there);

    assert_int_equal(platform_probe(&platforms[0], *state), APR_SUCCESS);
    platforms[1] = platforms[0];
    platforms[1].features[FEATURE_BATCHED_RECEIVE].status = APR_ENOTIMPL;
    platforms[1].features[FEATURE_BATCHED_SEND].status = APR_ENOTIMPL;
    for (unsigned i = 0; i < 2; i++) {
        send_by(send_messages(&platforms[i]), sender, &there);
        receive_by(receive_messages(&platforms[i]), receiver, &here, *state);
    }
    close(sender);
    close(receiver);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(every_receive_finds_lengths_that_say_how_much_room_there_is),
        scene(what_comes_later_lies_behind_what_is_there),
        scene(a_message_by_another_call_lies_behind_them_too),
        scene(one_that_another_call_did_not_fill_is_cleared),
        scene(every_message_has_room_of_its_own),
        scene(what_was_not_written_of_a_sender_is_0),
        scene(parts_that_lie_side_by_side_are_one_vector),
        scene(without_control_messages_there_is_no_room_for_any),
        scene(messages_go_one_by_one_and_in_batches),
    };

    return cmocka_run_group_tests_name("message_batch", tests, NULL, NULL);
}
