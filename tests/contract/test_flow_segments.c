/*
 * The contract of flows.h where the kernel hands over several datagrams as one message: however
 * many they are, all are lent, in their order, and never more at once than there is room for. How
 * many a kernel coalesces grew with Linux 6.9 and may grow again. So the test says for it that a
 * datagram of the peer is several ones.
 */

#include "flows_fixture.h"
#include "scenes.h"

#include <apr_portable.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#define SEGMENT      8
#define SEGMENTS_MAX 200

/* ---- The kernel that coalesces ---- */

static int coalesces;

/* Adds to the control messages of a datagram one that says it is several. */
static void claim_segments(struct msghdr *header, unsigned length)
{
    unsigned char *end = (unsigned char *)header->msg_control + header->msg_controllen;
    struct cmsghdr *control = (struct cmsghdr *)(void *)end;
    int segment = SEGMENT;

    if (coalesces && length > SEGMENT) {
        control->cmsg_level = IPPROTO_UDP;
        control->cmsg_type = UDP_GRO;
        control->cmsg_len = CMSG_LEN(sizeof segment);
        memcpy(CMSG_DATA(control), &segment, sizeof segment);
        header->msg_controllen += CMSG_SPACE(sizeof segment);
    }
}

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker's names (ld(1), --wrap) */
ssize_t __real_recvmsg(int descriptor, struct msghdr *header, int flags);
ssize_t __wrap_recvmsg(int descriptor, struct msghdr *header, int flags);
int __real_recvmmsg(int descriptor, struct mmsghdr *messages, unsigned count, int flags,
                    struct timespec *timeout);
int __wrap_recvmmsg(int descriptor, struct mmsghdr *messages, unsigned count, int flags,
                    struct timespec *timeout);

ssize_t __wrap_recvmsg(int descriptor, struct msghdr *header, int flags)
{
    ssize_t length = __real_recvmsg(descriptor, header, flags);

    if (length >= 0) {
        claim_segments(header, (unsigned)length);
    }
    return length;
}

int __wrap_recvmmsg(int descriptor, struct mmsghdr *messages, unsigned count, int flags,
                    struct timespec *timeout)
{
    int received = __real_recvmmsg(descriptor, messages, count, flags, timeout);

    for (int i = 0; i < received; i++) {
        claim_segments(&messages[i].msg_hdr, messages[i].msg_len);
    }
    return received;
}

/* NOLINTEND(bugprone-reserved-identifier) */

/* ---- Scenes ---- */

static fixture_t *open_segments(void **state)
{
    fixture_t *fixture = open_fixture(*state, "127.0.0.1");
    request_t request = request_of(0, 0, 1);
    unsigned char byte;

    fixture->options.gathers = 1;
    open_flows(fixture);
    send_all(fixture, &request, 1); /* so that the peer knows where to send to */
    peer_receive(fixture, &byte, 1);
    return fixture;
}

/* Has the peer send one message of so many segments; the first 4 bytes of each are its number. */
static void send_segments(fixture_t *fixture, unsigned segments, apr_uint32_t *number)
{
    static unsigned char payload[SEGMENTS_MAX * SEGMENT];

    for (unsigned i = 0; i < segments; i++, ++*number) {
        memcpy(payload + i * SEGMENT, number, sizeof *number);
    }
    send_from(fixture, fixture->peer, payload, segments * SEGMENT);
}

/* What is lent next are the datagrams up to this number. */
static void receive_up_to(fixture_t *fixture, apr_uint32_t end, apr_uint32_t *number)
{
    endpoint_t peer = endpoint_of(fixture->peer_address);

    while (*number < end) {
        receive_some(fixture);
        assert_in_range(fixture->arrivals.count, 1, ARRIVALS_MAX);
        for (unsigned i = 0; i < fixture->arrivals.count; i++, ++*number) {
            const arrival_t *arrival = fixture->arrivals.at[i];

            assert_int_equal(arrival->length, SEGMENT);
            assert_memory_equal(arrival->data, number, sizeof *number);
            assert_true(endpoint_equal(&arrival->from, &peer));
        }
    }
}

static void a_message_may_be_any_number_of_datagrams(void **state)
{
    fixture_t *fixture = open_segments(state);
    apr_uint32_t sent = 0;
    apr_uint32_t received = 0;

    coalesces = 1;
    for (unsigned segments = 1; segments <= SEGMENTS_MAX; segments++) {
        send_segments(fixture, segments, &sent);
        receive_up_to(fixture, sent, &received);
    }
    coalesces = 0;
    assert_nothing_is_left(fixture);
    close_fixture(fixture);
}

static void every_message_of_a_batch_may_be(void **state)
{
    static const unsigned counts[] = {1, 2, 63, 64, 65, 127, 128, 129, SEGMENTS_MAX};
    fixture_t *fixture = open_segments(state);
    apr_uint32_t sent = 0;
    apr_uint32_t received = 0;

    coalesces = 1;
    for (unsigned i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (unsigned messages = 0; messages < BATCH_MAX; messages++) {
            send_segments(fixture, counts[i], &sent);
        }
        receive_up_to(fixture, sent, &received);
    }
    coalesces = 0;
    assert_nothing_is_left(fixture);
    close_fixture(fixture);
}

static void a_wake_between_costs_nothing_of_the_rest(void **state)
{
    fixture_t *fixture = open_segments(state);
    apr_uint32_t sent = 0;
    apr_uint32_t received = 0;

    coalesces = 1;
    send_segments(fixture, SEGMENTS_MAX, &sent);
    receive_up_to(fixture, 1, &received);
    assert_in_range(received, 1, SEGMENTS_MAX - 1);
    flows_wake(fixture->flows);
    assert_int_equal(flows_receive(fixture->flows, &fixture->arrivals, 0), APR_EINTR);
    assert_int_equal(fixture->arrivals.count, 0);
    receive_up_to(fixture, sent, &received);
    coalesces = 0;
    close_fixture(fixture);
}

/* Whichever of two flows is removed while datagrams of both wait, all of the other come. */
static void queued_replies_of_a_removed_flow_are_discarded(void **state)
{
    for (unsigned removed = 0; removed < 2; removed++) {
        fixture_t *fixture = open_segments(state);
        apr_uint32_t received[2] = {0, 0};
        apr_sockaddr_t *addresses[2];

        add_flow(fixture, fixture->peer_address);
        for (unsigned i = 0; i < 2; i++) {
            addresses[i] = address_of(fixture, "127.0.0.1", flows_port(fixture->flows, i));
        }
        coalesces = 1;
        for (unsigned message = 0; message < 4; message++) {
            apr_uint32_t sent = message / 2 * SEGMENTS_MAX;

            fixture->client_address = addresses[message % 2];
            send_segments(fixture, SEGMENTS_MAX, &sent);
        }
        for (int is_removed = 0; received[1 - removed] < 2 * SEGMENTS_MAX; is_removed = 1) {
            receive_some(fixture);
            for (unsigned i = 0; i < fixture->arrivals.count; i++) {
                const arrival_t *arrival = fixture->arrivals.at[i];

                assert_true(!is_removed || arrival->flow != removed);
                assert_memory_equal(arrival->data, &received[arrival->flow], sizeof received[0]);
                received[arrival->flow]++;
            }
            if (!is_removed) {
                flows_remove(fixture->flows, removed);
            }
        }
        coalesces = 0;
        assert_nothing_is_left(fixture);
        close_fixture(fixture);
    }
}

/* The kernel itself: as many as it cuts a message into, it also puts together on the loopback. */
static void coalesced_datagrams_are_returned_one_by_one(void **state)
{
    fixture_t *fixture = open_segments(state);
    apr_uint32_t sent = 0;
    apr_uint32_t received = 0;
    apr_os_sock_t peer;
    int segment = SEGMENT;

    apr_os_sock_get(&peer, fixture->peer);
    if (setsockopt(peer, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) != 0) {
        close_fixture(fixture);
        skip_if("this kernel cuts no messages into datagrams");
    }
    for (unsigned messages = 0; messages < 4; messages++) {
        send_segments(fixture, 64, &sent);
    }
    receive_up_to(fixture, sent, &received);
    assert_nothing_is_left(fixture);
    close_fixture(fixture);
}

int main(void)
{
    static const scene_t scenes[] = {
        SCENE(a_message_may_be_any_number_of_datagrams),
        SCENE(every_message_of_a_batch_may_be),
        SCENE(a_wake_between_costs_nothing_of_the_rest),
        SCENE(queued_replies_of_a_removed_flow_are_discarded),
        SCENE(coalesced_datagrams_are_returned_one_by_one),
    };

    return run_scenes(scenes, sizeof scenes / sizeof scenes[0], flows_variants, flows_variant_count,
                      sizeof *flows_variants);
}
