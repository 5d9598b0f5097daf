/* TLVs of STAMP octet by octet, as they are sent and as reflectors return them. */

#include "unit.h"

#include <apr_strings.h>

#include "client/core/stamp_tlvs.h"

#define BIT(type) (1U << (type))
#define AROUND    APR_INT64_C(1767225600000000000)

static stamp_tlvs_t read_all(const unsigned char *data, apr_size_t length)
{
    stamp_tlvs_t tlvs;

    stamp_tlvs_read(&tlvs, data, length, STAMP_CLOCK_NTP, AROUND);
    return tlvs;
}

static void location_asks_for_both_addresses(void **state)
{
    static const unsigned char expected[48] = {
        [0] = 0x80, [1] = 2,     [3] = 44, [8] = 0x80, [9] = 4,
        [11] = 16,  [28] = 0x80, [29] = 7, [31] = 16};
    unsigned char data[48] = {0};

    (void)state;
    assert_int_equal(stamp_tlvs_length(BIT(STAMP_TLV_LOCATION)), sizeof data);
    assert_null(stamp_tlvs_write(data, sizeof data, BIT(STAMP_TLV_LOCATION), 0));
    assert_memory_equal(data, expected, sizeof data);
}

static void small_ones_follow_each_other_and_padding_is_last(void **state)
{
    static const unsigned char expected[] = {
        0x80, 3, 0, 4, 0, 0, 0, 0, 0x80, 4, 0, 4, 0xb8, 0, 0, 0,  0x80, 5, 0, 12,
        0,    0, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0, 0x80, 7, 0, 16, 0,    0, 0, 0,
        0,    0, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0, 0x80, 1, 0, 2,  0,    0};
    unsigned types = BIT(STAMP_TLV_TIMESTAMP_INFORMATION) | BIT(STAMP_TLV_CLASS_OF_SERVICE) |
                     BIT(STAMP_TLV_DIRECT_MEASUREMENT) | BIT(STAMP_TLV_FOLLOW_UP_TELEMETRY);
    unsigned char data[sizeof expected] = {0};

    (void)state;
    assert_int_equal(stamp_tlvs_length(types), sizeof expected - 6);
    assert_ptr_equal(stamp_tlvs_write(data, sizeof data, types, 46), data + 20);
    assert_memory_equal(data, expected, sizeof data);
}

static void no_tlvs_tell_nothing(void **state)
{
    stamp_tlvs_t tlvs = read_all((const unsigned char *)"", 0);

    (void)state;
    assert_int_equal(tlvs.returned, 0);
    assert_int_equal(tlvs.traffic_class, -1);
    assert_int_equal(tlvs.source.length, 0);
}

static void what_a_reflector_fills_in_is_told(void **state)
{
    static const unsigned char data[] = {
        0, 3, 0, 4,  5,    2,    4, 1,                                           /* times */
        0, 4, 0, 4,  0xb8, 0xa5, 0, 0,                                           /* class */
        0, 5, 0, 12, 0,    0,    3, 0xe8, 0,    0, 3,    0xe6, 0,    0, 3, 0xe5, /* counts */
        0, 7, 0, 16, 0,    0,    0, 6,    0xed, 0, 0x37, 0x80, 0x80, 0, 0, 0,
        2, 0, 0, 0, /* follow-up */
    };
    stamp_tlvs_t tlvs = read_all(data, sizeof data);

    (void)state;
    assert_int_equal(tlvs.returned, BIT(3) | BIT(4) | BIT(5) | BIT(7));
    assert_int_equal(tlvs.unrecognised | tlvs.malformed, 0);
    assert_int_equal(tlvs.source_in, STAMP_SYNC_FREE_RUNNING);
    assert_int_equal(tlvs.method_in, STAMP_METHOD_SOFTWARE);
    assert_int_equal(tlvs.source_out, STAMP_SYNC_GNSS);
    assert_int_equal(tlvs.method_out, STAMP_METHOD_HARDWARE);
    assert_int_equal(tlvs.traffic_class, 10 << 2 | 1);
    assert_true(tlvs.is_dscp_refused);
    assert_true(tlvs.has_counts);
    assert_int_equal(tlvs.requests_there, 998);
    assert_int_equal(tlvs.replies_there, 997);
    assert_true(tlvs.has_follow_up);
    assert_int_equal(tlvs.follow_up_number, 6);
    assert_int_equal(tlvs.follow_up, AROUND + 500000000);
}

static void a_location_tells_where_the_request_came_from(void **state)
{
    static const unsigned char v4[] = {
        0, 2, 0, 44, 3, 0x5e, 0xc0, 0,  0,   5, 0, 16, 198, 51, 100, 7, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0,  0, 8,    0,    16, 192, 0, 2, 1,  0,   0,  0,   0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const unsigned char address[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
    unsigned char v6[sizeof v4];
    stamp_tlvs_t tlvs = read_all(v4, sizeof v4);

    (void)state;
    assert_int_equal(tlvs.destination_port, 862);
    assert_int_equal(tlvs.source_port, 49152);
    assert_int_equal(tlvs.source.length, sizeof tlvs.source.sa.v4);
    assert_int_equal(endpoint_port(&tlvs.source), 49152);
    assert_int_equal(ntohl(tlvs.source.sa.v4.sin_addr.s_addr), 0xc0000201);
    memcpy(v6, v4, sizeof v6);
    v6[29] = STAMP_LOCATION_SOURCE_IPV6;
    memcpy(v6 + 32, address, sizeof address);
    tlvs = read_all(v6, sizeof v6);
    assert_int_equal(tlvs.source.sa.any.sa_family, AF_INET6);
    assert_memory_equal(&tlvs.source.sa.v6.sin6_addr, address, 16);
}

static void what_nobody_understood_tells_nothing(void **state)
{
    static const unsigned char data[] = {0x80, 4, 0, 4, 0xb8, 0xa4, 0, 0,  0x40, 3, 0,
                                         4,    1, 2, 1, 2,    0x20, 5, 0,  12,   1, 2,
                                         3,    4, 5, 6, 7,    8,    9, 10, 11,   12};
    stamp_tlvs_t tlvs = read_all(data, sizeof data);

    (void)state;
    assert_int_equal(tlvs.returned, BIT(3) | BIT(4) | BIT(5));
    assert_int_equal(tlvs.unrecognised, BIT(4));
    assert_int_equal(tlvs.malformed, BIT(3));
    assert_true(tlvs.is_untrusted);
    assert_int_equal(tlvs.traffic_class, -1);
    assert_int_equal(tlvs.source_in, 0);
    assert_false(tlvs.has_counts);
}

/* Nothing behind the end of the packet is read; the address sanitizer detects it. */
static void tlvs_of_any_length_are_read_within_the_packet(void **state)
{
    static const unsigned char data[] = {0, 2, 0,    44, 0, 0, 0, 0, 0, 8, 0xff, 0xff, 1, 2,
                                         3, 4, 0xff, 4,  0, 0, 0, 5, 0, 4, 0,    0,    0, 0};

    for (apr_size_t length = 0; length <= sizeof data; length++) {
        unsigned char *copy = apr_pmemdup(*state, data, length);

        for (apr_size_t from = 0; from <= length; from++) {
            read_all(copy + from, length - from);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(location_asks_for_both_addresses),
        scene(small_ones_follow_each_other_and_padding_is_last),
        scene(no_tlvs_tell_nothing),
        scene(what_a_reflector_fills_in_is_told),
        scene(a_location_tells_where_the_request_came_from),
        scene(what_nobody_understood_tells_nothing),
        scene(tlvs_of_any_length_are_read_within_the_packet),
    };

    return cmocka_run_group_tests_name("stamp_tlvs", tests, NULL, NULL);
}
