/* Requests of UDPEchoPlus octet by octet, and what is made of replies. */

#include "unit.h"

#include "client/core/echo_plus_sender.h"
#include "common/big_endian.h"

static const unsigned char filling[] = {0xa1, 0xa2, 0xa3, 0xa4};

static const own_clock_t own = {.error = -1};

static void fill_in(unsigned char *data, apr_uint32_t count, apr_uint32_t arrived,
                    apr_uint32_t left, apr_uint32_t failures)
{
    big_endian_put_32(data + 4, count);
    big_endian_put_32(data + 8, arrived);
    big_endian_put_32(data + 12, left);
    big_endian_put_32(data + 16, failures);
}

static void a_request_leaves_room_for_the_server(void **state)
{
    static const unsigned char expected[] = {1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0,    0,    0,    0,
                                             0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xa1, 0xa2, 0xa3, 0xa4};
    session_format_t format = echo_plus_format(sizeof expected, filling, *state);

    assert_int_equal(format.length, sizeof expected);
    assert_true(format.is_shared);
    format.write(format.context, 0x01020304, 77, &own);
    assert_memory_equal(format.packet, expected, sizeof expected);
}

static void a_reply_tells_what_the_server_counts(void **state)
{
    session_format_t format = echo_plus_format(28, filling, *state);
    reflection_t reflection = {.number = 0};
    unsigned char data[28];

    format.write(format.context, 41, 0, &own);
    memcpy(data, format.packet, sizeof data);
    fill_in(data, 41, 0x719c4002, 0x719c5402, 2);
    assert_true(format.read_reply(format.context, data, sizeof data, &reflection));
    assert_true(reflection.is_intact);
    assert_true(format.read_number(format.context, data, sizeof data, &reflection.number));
    assert_int_equal(reflection.number, 41);
    assert_int_equal(reflection.peer_number, 40);
    assert_int_equal(reflection.failures, 2);
    assert_int_equal(reflection.t2, APR_INT64_C(0x719c4002) * 1000);
    assert_int_equal(reflection.t3 - reflection.t2, 0x1400 * 1000);
    assert_int_equal(reflection.error, -1);
    assert_int_equal(reflection_kept(&reflection, 10000000), 0x1400);
}

static void the_clock_of_a_server_begins_anew(void **state)
{
    session_format_t format = echo_plus_format(28, filling, *state);
    reflection_t reflection = {.number = 0};
    unsigned char data[28];

    memcpy(data, format.packet, sizeof data);
    fill_in(data, 1, 0xfffffff0, 0x10, 0);
    format.read_reply(format.context, data, sizeof data, &reflection);
    assert_int_equal(reflection_kept(&reflection, 1000), 0x20);
}

static void what_the_server_must_not_change_is_looked_at(void **state)
{
    session_format_t format = echo_plus_format(28, filling, *state);
    unsigned char data[29] = {0};

    format.write(format.context, 5, 0, &own);
    for (unsigned i = 20; i < 28; i++) {
        reflection_t reflection = {.number = 0};

        memcpy(data, format.packet, 28);
        fill_in(data, 1, 2, 3, 0);
        data[i] ^= 1;
        assert_true(format.read_reply(format.context, data, 28, &reflection));
        assert_false(reflection.is_intact);
    }
    for (unsigned length = 4; length <= 29; length++) {
        reflection_t reflection = {.number = 0};

        memcpy(data, format.packet, 28);
        fill_in(data, 1, 2, 3, 0);
        assert_true(format.read_reply(format.context, data, length, &reflection));
        assert_int_equal(reflection.is_intact, length == 28);
        assert_true(format.read_number(format.context, data, length, &reflection.number));
        assert_int_equal(reflection.number, 5);
    }
    assert_false(format.read_number(format.context, data, 3, &(apr_uint32_t){0}));
}

static void a_plain_echo_server_is_none_of_this_kind(void **state)
{
    session_format_t format = echo_plus_format(28, filling, *state);
    reflection_t reflection = {.number = 0};

    format.write(format.context, 5, 0, &own);
    assert_true(format.read_reply(format.context, format.packet, 28, &reflection));
    assert_false(reflection.is_intact);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_request_leaves_room_for_the_server),
        scene(a_reply_tells_what_the_server_counts),
        scene(the_clock_of_a_server_begins_anew),
        scene(what_the_server_must_not_change_is_looked_at),
        scene(a_plain_echo_server_is_none_of_this_kind),
    };

    return cmocka_run_group_tests_name("echo_plus_sender", tests, NULL, NULL);
}
