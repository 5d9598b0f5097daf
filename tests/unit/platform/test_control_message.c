/* Control messages on Linux: what is read from the kernel's, what is written for it. */

#include "unit.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#include "readiness/control_message.h"
#include "readiness/flow_system.h"
#include "readiness/system.h"

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
    control->cmsg_len = CMSG_LEN(length);
    memcpy(CMSG_DATA(control), data, length);
    received->header.msg_control = received->control;
    received->header.msg_controllen += CMSG_SPACE(length);
}

static void put_ipv4(received_t *received, apr_uint32_t destination, apr_uint32_t local)
{
    struct in_pktinfo info = {.ipi_ifindex = 3};

    info.ipi_addr.s_addr = htonl(destination);
    info.ipi_spec_dst.s_addr = htonl(local);
    put(received, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
}

static datagram_t datagram_of(int family)
{
    datagram_t datagram = {.length = 0};

    datagram.to.sa.any.sa_family = (sa_family_t)family;
    datagram.to.sa.v4.sin_port = htons(8888);
    datagram.from.sa.any.sa_family = (sa_family_t)family;
    return datagram;
}

static void what_was_cut_off_is_told(void **state)
{
    received_t received = {.header = {0}};
    datagram_t datagram = datagram_of(AF_INET);

    (void)state;
    put_ipv4(&received, 0xc0000201, 0xc0000201);
    received.header.msg_flags = MSG_CTRUNC;
    control_messages_read(&received.header, &datagram);
    assert_true(datagram.control_truncated);
    received.header.msg_flags = 0;
    control_messages_read(&received.header, &datagram);
    assert_false(datagram.control_truncated);
}

static void the_arrival_address_is_read(void **state)
{
    received_t received = {.header = {0}};
    datagram_t datagram = datagram_of(AF_INET);

    (void)state;
    put_ipv4(&received, 0xc0000201, 0xc0000201);
    control_messages_read(&received.header, &datagram);
    assert_int_equal(datagram.to.sa.v4.sin_addr.s_addr, htonl(0xc0000201));
    assert_int_equal(datagram.to.sa.v4.sin_port, htons(8888));
    assert_int_equal(datagram.arrival_interface, 3);
    assert_false(datagram.broadcast);
}

static void a_broadcast_is_told_by_its_two_addresses(void **state)
{
    received_t received = {.header = {0}};
    datagram_t datagram = datagram_of(AF_INET);

    (void)state;
    put_ipv4(&received, 0xc00002ff, 0xc0000201);
    control_messages_read(&received.header, &datagram);
    assert_true(datagram.broadcast);
}

static void a_datagram_from_before_it_was_asked_for_is_no_broadcast(void **state)
{
    received_t received = {.header = {0}};
    datagram_t datagram = datagram_of(AF_INET);

    (void)state;
    put_ipv4(&received, 0xc0000201, INADDR_ANY);
    control_messages_read(&received.header, &datagram);
    assert_int_equal(datagram.to.sa.v4.sin_addr.s_addr, htonl(0xc0000201));
    assert_false(datagram.broadcast);
}

static void other_messages_are_passed_over(void **state)
{
    received_t received = {.header = {0}};
    datagram_t datagram = datagram_of(AF_INET);
    int number = 17;

    (void)state;
    put(&received, SOL_SOCKET, SO_RXQ_OVFL, &number, sizeof number);
    put(&received, IPPROTO_IP, IP_TOS, &number, 1);
    put_ipv4(&received, 0xc0000201, 0xc0000201);
    control_messages_read(&received.header, &datagram);
    assert_int_equal(datagram.to.sa.v4.sin_addr.s_addr, htonl(0xc0000201));
}

static void no_message_leaves_the_bound_address(void **state)
{
    received_t received = {.header = {0}};
    datagram_t datagram = datagram_of(AF_INET);

    (void)state;
    control_messages_read(&received.header, &datagram);
    assert_int_equal(datagram.to.sa.v4.sin_addr.s_addr, 0);
    assert_false(datagram.broadcast);
}

static void a_message_that_was_cut_short_is_passed_over(void **state)
{
    received_t received = {.header = {0}};
    datagram_t datagram = datagram_of(AF_INET);

    (void)state;
    put_ipv4(&received, 0xc00002ff, 0xc0000201);
    ((struct cmsghdr *)received.control)->cmsg_len -= 1;
    control_messages_read(&received.header, &datagram);
    assert_int_equal(datagram.to.sa.v4.sin_addr.s_addr, 0);
    ((struct cmsghdr *)received.control)->cmsg_len += 1;
    received.header.msg_controllen = CMSG_LEN(sizeof(struct in_pktinfo)) - 1;
    control_messages_read(&received.header, &datagram);
    assert_int_equal(datagram.to.sa.v4.sin_addr.s_addr, 0);
    assert_false(datagram.broadcast);
}

static void a_link_local_arrival_keeps_its_scope(void **state)
{
    received_t received = {.header = {0}};
    datagram_t datagram = datagram_of(AF_INET6);
    struct in6_pktinfo info = {.ipi6_ifindex = 5};

    (void)state;
    info.ipi6_addr.s6_addr[0] = 0xfe;
    info.ipi6_addr.s6_addr[1] = 0x80;
    put(&received, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    control_messages_read(&received.header, &datagram);
    assert_memory_equal(&datagram.to.sa.v6.sin6_addr, &info.ipi6_addr, sizeof info.ipi6_addr);
    assert_int_equal(datagram.to.sa.v6.sin6_scope_id, 5);
}

/* The one control message that a reply carries. */
static const struct cmsghdr *written(received_t *reply, const datagram_t *datagram)
{
    reply->header.msg_control = reply->control;
    control_message_write(&reply->header, datagram);
    assert_true(reply->header.msg_controllen <= CONTROL_MAX);
    assert_null(CMSG_NXTHDR(&reply->header, CMSG_FIRSTHDR(&reply->header)));
    return CMSG_FIRSTHDR(&reply->header);
}

static void a_reply_leaves_from_the_arrival_address_by_any_interface(void **state)
{
    received_t reply = {.header = {0}};
    datagram_t datagram = datagram_of(AF_INET);
    struct in_pktinfo info;

    (void)state;
    datagram.to.sa.v4.sin_addr.s_addr = htonl(0xc0000201);
    datagram.arrival_interface = 3;
    const struct cmsghdr *control = written(&reply, &datagram);

    assert_int_equal(control->cmsg_level, IPPROTO_IP);
    assert_int_equal(control->cmsg_type, IP_PKTINFO);
    memcpy(&info, CMSG_DATA(control), sizeof info);
    assert_int_equal(info.ipi_spec_dst.s_addr, htonl(0xc0000201));
    assert_int_equal(info.ipi_ifindex, 0);
}

static unsigned interface_of_reply_to(unsigned char first, unsigned char second)
{
    received_t reply = {.header = {0}};
    datagram_t datagram = datagram_of(AF_INET6);
    struct in6_pktinfo info;

    datagram.arrival_interface = 5;
    datagram.from.sa.v6.sin6_addr.s6_addr[0] = first;
    datagram.from.sa.v6.sin6_addr.s6_addr[1] = second;
    datagram.to.sa.v6.sin6_addr.s6_addr[15] = 9;
    const struct cmsghdr *control = written(&reply, &datagram);

    assert_int_equal(control->cmsg_level, IPPROTO_IPV6);
    assert_int_equal(control->cmsg_type, IPV6_PKTINFO);
    memcpy(&info, CMSG_DATA(control), sizeof info);
    assert_int_equal(info.ipi6_addr.s6_addr[15], 9);
    return info.ipi6_ifindex;
}

static void only_link_local_peers_are_answered_by_a_named_interface(void **state)
{
    (void)state;
    assert_int_equal(interface_of_reply_to(0x20, 0x01), 0);
    assert_int_equal(interface_of_reply_to(0xfe, 0x80), 5);
}

static void what_came_together_is_told_with_its_address(void **state)
{
    received_t received = {.header = {0}};
    datagram_t datagram = datagram_of(AF_INET);
    int length = 1400;

    (void)state;
    put_ipv4(&received, 0xc0000201, 0xc0000201);
    assert_int_equal(control_messages_read(&received.header, &datagram), 0);
    put(&received, IPPROTO_UDP, UDP_GRO, &length, sizeof length);
    assert_int_equal(control_messages_read(&received.header, &datagram), 1400);
    assert_int_equal(datagram.to.sa.v4.sin_addr.s_addr, htonl(0xc0000201));
}

/* A later kernel may have more to tell of UDP. */
static void another_message_of_udp_leaves_the_length(void **state)
{
    received_t received = {.header = {0}};
    datagram_t datagram = datagram_of(AF_INET);
    arrival_t arrival;
    int length = 1400;
    int unknown = 1;
    stamp_clock_t clock = {.now = 0};

    (void)state;
    put(&received, IPPROTO_UDP, UDP_GRO, &length, sizeof length);
    put(&received, IPPROTO_UDP, UDP_GRO + 1000, &unknown, sizeof unknown);
    assert_int_equal(control_messages_read(&received.header, &datagram), 1400);
    assert_int_equal(arrival_read(&received.header, &arrival, &clock), 1400);
}

static void a_length_that_is_none_is_passed_over(void **state)
{
    datagram_t datagram = datagram_of(AF_INET);
    static const int lengths[] = {0, -1};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        received_t received = {.header = {0}};

        put(&received, IPPROTO_UDP, UDP_GRO, &lengths[i], sizeof lengths[i]);
        assert_int_equal(control_messages_read(&received.header, &datagram), 0);
    }
}

static void gathered_replies_leave_from_the_arrival_address(void **state)
{
    static const int families[] = {AF_INET, AF_INET6};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        received_t reply = {.header = {.msg_control = reply.control}};
        datagram_t datagram = datagram_of(families[i]);
        apr_uint16_t length;

        control_message_write(&reply.header, &datagram);
        system_write_segment(&reply.header, 65507);
        assert_true(reply.header.msg_controllen <= CONTROL_MAX);

        struct cmsghdr *address = CMSG_FIRSTHDR(&reply.header);
        struct cmsghdr *segment = CMSG_NXTHDR(&reply.header, address);

        assert_int_equal(address->cmsg_type, i == 0 ? IP_PKTINFO : IPV6_PKTINFO);
        assert_int_equal(segment->cmsg_level, IPPROTO_UDP);
        assert_int_equal(segment->cmsg_type, UDP_SEGMENT);
        memcpy(&length, CMSG_DATA(segment), sizeof length);
        assert_int_equal(length, 65507);
        assert_null(CMSG_NXTHDR(&reply.header, segment));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(what_was_cut_off_is_told),
        scene(the_arrival_address_is_read),
        scene(a_broadcast_is_told_by_its_two_addresses),
        scene(a_datagram_from_before_it_was_asked_for_is_no_broadcast),
        scene(other_messages_are_passed_over),
        scene(no_message_leaves_the_bound_address),
        scene(a_message_that_was_cut_short_is_passed_over),
        scene(a_link_local_arrival_keeps_its_scope),
        scene(a_reply_leaves_from_the_arrival_address_by_any_interface),
        scene(only_link_local_peers_are_answered_by_a_named_interface),
        scene(what_came_together_is_told_with_its_address),
        scene(another_message_of_udp_leaves_the_length),
        scene(a_length_that_is_none_is_passed_over),
        scene(gathered_replies_leave_from_the_arrival_address),
    };

    return cmocka_run_group_tests_name("control_message", tests, NULL, NULL);
}
