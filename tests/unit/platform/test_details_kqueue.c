/* What the kernels of FreeBSD, NetBSD, OpenBSD, DragonFly and macOS tell of a datagram, read by
 * their body of details.h, which this program links in place of its own system's: control messages
 * are called as the options are, and hold a byte each. */

#include "unit.h"

#include <netinet/in.h>
#include <sys/time.h>

#include "readiness/control_message.h"
#include "readiness/details.h"

typedef struct received {
    struct msghdr header;
    _Alignas(struct cmsghdr) unsigned char control[256];
} received_t;

static void put(received_t *received, int level, int type, const void *data, size_t length)
{
    struct cmsghdr *control =
        (struct cmsghdr *)(received->control + received->header.msg_controllen);

    control->cmsg_level = level;
    control->cmsg_type = type;
    control->cmsg_len = (socklen_t)CMSG_LEN(length);
    memcpy(CMSG_DATA(control), data, length);
    received->header.msg_control = received->control;
    received->header.msg_controllen += (socklen_t)CMSG_SPACE(length);
}

static datagram_t read_details(received_t *received)
{
    datagram_t datagram = {.hop_limit = -1, .traffic_class = -1};

    details_read(&received->header, &datagram);
    return datagram;
}

static void a_byte_is_a_hop_limit_or_a_class(void **state)
{
    received_t received = {.header = {0}};
    unsigned char hop_limit = 64;
    unsigned char traffic_class = 0xba;

    (void)state;
    put(&received, IPPROTO_IP, IP_RECVTTL, &hop_limit, 1);
    assert_int_equal(read_details(&received).traffic_class, -1);
    put(&received, IPPROTO_IP, IP_RECVTOS, &traffic_class, 1);
    assert_int_equal(read_details(&received).hop_limit, 64);
    assert_int_equal(read_details(&received).traffic_class, 0xba);
}

static void a_number_is_one_of_ipv6(void **state)
{
    received_t received = {.header = {0}};
    int hop_limit = 255;
    int traffic_class = 0x48;

    (void)state;
    put(&received, IPPROTO_IPV6, IPV6_HOPLIMIT, &hop_limit, sizeof hop_limit);
    put(&received, IPPROTO_IPV6, IPV6_TCLASS, &traffic_class, sizeof traffic_class);
    assert_int_equal(read_details(&received).hop_limit, 255);
    assert_int_equal(read_details(&received).traffic_class, 0x48);
}

static void a_time_in_microseconds_becomes_one_in_nanoseconds(void **state)
{
    received_t received = {.header = {0}};
    struct timeval stamp = {.tv_sec = 1700000000, .tv_usec = 123456};

    (void)state;
    put(&received, SOL_SOCKET, SCM_TIMESTAMP, &stamp, sizeof stamp);
    assert_int_equal(read_details(&received).arrived, INT64_C(1700000000123456000));
}

static void what_was_cut_short_is_not_known(void **state)
{
    received_t received = {.header = {0}};
    struct timeval stamp = {.tv_sec = 1700000000};

    (void)state;
    put(&received, SOL_SOCKET, SCM_TIMESTAMP, &stamp, sizeof stamp - 1);
    put(&received, IPPROTO_IP, IP_RECVTTL, &stamp, 0);
    assert_int_equal(read_details(&received).arrived, 0);
    assert_int_equal(read_details(&received).hop_limit, -1);
}

static void a_reply_of_ipv4_has_its_class_in_a_byte(void **state)
{
    received_t reply = {.header = {0}};
    datagram_t datagram = {.reply_traffic_class = -1, .departure_id = -1};
    platform_t platform = {.features = {[FEATURE_REPLY_TRAFFIC_CLASS] = {"IP_TOS", APR_SUCCESS}}};

    (void)state;
    reply.header.msg_control = reply.control;
    datagram.to.sa.any.sa_family = AF_INET;
    details_write(&reply.header, &datagram, &platform);
    assert_int_equal(reply.header.msg_controllen, 0);
    datagram.reply_traffic_class = 0xb8;
    details_write(&reply.header, &datagram, &platform);

    struct cmsghdr *control = CMSG_FIRSTHDR(&reply.header);

    assert_int_equal(control->cmsg_level, IPPROTO_IP);
    assert_int_equal(control->cmsg_type, IP_TOS);
    assert_int_equal(control->cmsg_len, CMSG_LEN(1));
    assert_int_equal(*CMSG_DATA(control), 0xb8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_byte_is_a_hop_limit_or_a_class),
        scene(a_number_is_one_of_ipv6),
        scene(a_time_in_microseconds_becomes_one_in_nanoseconds),
        scene(what_was_cut_short_is_not_known),
        scene(a_reply_of_ipv4_has_its_class_in_a_byte),
    };

    return cmocka_run_group_tests_name("details of kqueue's systems", tests, NULL, NULL);
}
