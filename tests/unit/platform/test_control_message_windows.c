/* Control messages on Windows: what is read from the kernel's. */

#include "unit.h"

#include "iocp/details.h"
#include "udpecho/clock.h"

/* The macros for control messages mix signed and unsigned sizes in mingw-w64's headers. */
#pragma GCC diagnostic ignored "-Wsign-conversion"

typedef struct received {
    WSAMSG message;
    _Alignas(WSACMSGHDR) unsigned char control[256];
} received_t;

static void put(received_t *received, int level, int type, const void *data, size_t length)
{
    WSACMSGHDR *control = (WSACMSGHDR *)(received->control + received->message.Control.len);

    control->cmsg_level = level;
    control->cmsg_type = type;
    control->cmsg_len = WSA_CMSG_LEN(length);
    memcpy(WSA_CMSG_DATA(control), data, length);
    received->message.Control.buf = (char *)received->control;
    received->message.Control.len += (ULONG)WSA_CMSG_SPACE(length);
}

static void put_ipv4(received_t *received, apr_uint32_t destination)
{
    IN_PKTINFO info = {.ipi_ifindex = 3};

    info.ipi_addr.s_addr = htonl(destination);
    put(received, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
}

static datagram_t datagram_of(int family)
{
    datagram_t datagram = {.length = 0};

    datagram.to.sa.any.sa_family = (ADDRESS_FAMILY)family;
    datagram.from.sa.any.sa_family = (ADDRESS_FAMILY)family;
    return datagram;
}

static void the_arrival_address_is_read(void **state)
{
    received_t received = {.message = {0}};
    datagram_t datagram = datagram_of(AF_INET);

    (void)state;
    put_ipv4(&received, 0xc0000201);
    control_messages_read(&received.message, &datagram);
    assert_int_equal(datagram.to.sa.v4.sin_addr.s_addr, htonl(0xc0000201));
    assert_int_equal(datagram.arrival_interface, 3);
}

static void a_link_local_arrival_keeps_its_scope(void **state)
{
    received_t received = {.message = {0}};
    datagram_t datagram = datagram_of(AF_INET6);
    IN6_PKTINFO info = {.ipi6_ifindex = 5};

    (void)state;
    info.ipi6_addr.s6_addr[0] = 0xfe;
    info.ipi6_addr.s6_addr[1] = 0x80;
    put(&received, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    control_messages_read(&received.message, &datagram);
    assert_memory_equal(&datagram.to.sa.v6.sin6_addr, &info.ipi6_addr, sizeof info.ipi6_addr);
    assert_int_equal(datagram.to.sa.v6.sin6_scope_id, 5);
}

static void other_messages_are_passed_over(void **state)
{
    received_t received = {.message = {0}};
    datagram_t datagram = datagram_of(AF_INET);
    int number = 17;

    (void)state;
    put(&received, IPPROTO_IP, IP_TOS, &number, sizeof number);
    put_ipv4(&received, 0xc0000201);
    control_messages_read(&received.message, &datagram);
    assert_int_equal(datagram.to.sa.v4.sin_addr.s_addr, htonl(0xc0000201));
}

static void a_message_that_was_cut_short_is_passed_over(void **state)
{
    received_t received = {.message = {0}};
    datagram_t datagram = datagram_of(AF_INET);
    WSACMSGHDR *control = (WSACMSGHDR *)received.control;

    (void)state;
    put_ipv4(&received, 0xc0000201);
    control->cmsg_len -= 1;
    control_messages_read(&received.message, &datagram);
    assert_int_equal(datagram.to.sa.v4.sin_addr.s_addr, 0);
    control->cmsg_len += 1;
    received.message.Control.len = (ULONG)WSA_CMSG_LEN(sizeof(IN_PKTINFO)) - 1;
    control_messages_read(&received.message, &datagram);
    assert_int_equal(datagram.to.sa.v4.sin_addr.s_addr, 0);
}

static void a_message_without_length_is_the_last_to_be_read(void **state)
{
    received_t received = {.message = {0}};
    datagram_t datagram = datagram_of(AF_INET);
    WSACMSGHDR *control = (WSACMSGHDR *)received.control;

    (void)state;
    put_ipv4(&received, 0xc0000201);
    put_ipv4(&received, 0xc0000202);
    control->cmsg_len = 0;
    control_messages_read(&received.message, &datagram);
    assert_int_equal(datagram.to.sa.v4.sin_addr.s_addr, 0);
}

static void put_number(received_t *received, int level, int type, INT number)
{
    put(received, level, type, &number, sizeof number);
}

static void the_details_of_both_families_are_read(void **state)
{
    static const int types[][3] = {{IPPROTO_IP, IP_TTL, IP_TOS},
                                   {IPPROTO_IP, IP_HOPLIMIT, IP_TOS},
                                   {IPPROTO_IPV6, IPV6_HOPLIMIT, IPV6_TCLASS}};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        received_t received = {.message = {0}};
        datagram_t datagram = {.hop_limit = -1, .traffic_class = -1, .arrived = 17};

        put_number(&received, types[i][0], types[i][1], 64);
        put_number(&received, types[i][0], types[i][2], 0xba);
        details_read(&received.message, &datagram);
        assert_int_equal(datagram.hop_limit, 64);
        assert_int_equal(datagram.traffic_class, 0xba);
        assert_int_equal(datagram.arrived, 17);
    }
}

static void a_stamp_in_ticks_becomes_time(void **state)
{
    received_t received = {.message = {0}};
    datagram_t datagram = {.arrived = 0};
    LARGE_INTEGER frequency;
    LARGE_INTEGER ticks;

    (void)state;
    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&ticks);
    apr_int64_t now = clock_wall();
    UINT64 second_ago = (UINT64)(ticks.QuadPart - frequency.QuadPart);

    put(&received, SOL_SOCKET, SO_TIMESTAMP, &second_ago, sizeof second_ago);
    details_read(&received.message, &datagram);
    assert_in_range(now - datagram.arrived, 900000000, 1100000000);
}

/* An adapter's own counter says nothing here. */
static void a_stamp_of_another_counter_is_none(void **state)
{
    static const UINT64 stamps[] = {0, 1, UINT64_MAX / 2};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        received_t received = {.message = {0}};
        datagram_t datagram = {.arrived = 17};

        put(&received, SOL_SOCKET, SO_TIMESTAMP, &stamps[i], sizeof stamps[i]);
        details_read(&received.message, &datagram);
        assert_int_equal(datagram.arrived, 17);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_arrival_address_is_read),
        scene(a_link_local_arrival_keeps_its_scope),
        scene(other_messages_are_passed_over),
        scene(a_message_that_was_cut_short_is_passed_over),
        scene(a_message_without_length_is_the_last_to_be_read),
        scene(the_details_of_both_families_are_read),
        scene(a_stamp_in_ticks_becomes_time),
        scene(a_stamp_of_another_counter_is_none),
    };

    return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
