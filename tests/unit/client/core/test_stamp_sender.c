/* STAMP requests octet by octet, and what is made of the replies of all kinds of reflectors. */

#include "unit.h"

#include "client/core/stamp_sender.h"
#include "common/hex_text.h"
#include "skip.h"

/* 2026-01-01 00:00:00.25, as a request has it, and what a reflector adds. */
#define T1 APR_INT64_C(1767225600250000000)
#define T2 (T1 + 1500000)
#define T3 (T1 + 1520000)

static const own_clock_t no_clock = {.error = -1};

static session_format_t format_of(stamp_options_t options, apr_pool_t *pool)
{
    options.length = options.length > 0 ? options.length
                                        : stamp_request_length(options.tlvs, options.key != NULL);
    return stamp_format(&options, pool);
}

/* The reply that is due to request 5, from a reflector that numbers it 7. */
static void make_reply(unsigned char *reply, const session_format_t *format, stamp_clock_t clock)
{
    memset(reply, 0, 44);
    big_endian_put_32(reply, 7);
    big_endian_put_64(reply + 4, stamp_timestamp(T3, clock));
    big_endian_put_16(reply + 12, stamp_error_encode(1, clock, 100000));
    memcpy(reply + 14, format->packet + 14, 2);
    big_endian_put_64(reply + 16, stamp_timestamp(T2, clock));
    memcpy(reply + 24, format->packet, 14);
    reply[40] = 57;
}

static reflection_t read_reply(const session_format_t *format, const unsigned char *reply,
                               apr_size_t length, int *is_read)
{
    reflection_t reflection = {.t1 = T1, .hop_limit = -1};

    *is_read = format->read_number(format->context, reply, length, &reflection.number) &&
               format->read_reply(format->context, reply, length, &reflection);
    return reflection;
}

static void a_request_is_that_of_the_rfc(void **state)
{
    static const unsigned char expected[44] = {0,    0, 0, 5, 0xed, 0,    0x37, 0x80,
                                               0x40, 0, 0, 0, 0x8f, 0x84, 0x12, 0x34};
    session_format_t format = format_of((stamp_options_t){.ssid = 0x1234}, *state);

    format.write(format.context, 5, T1, &(own_clock_t){1, 1000000});
    assert_int_equal(format.length, 44);
    assert_memory_equal(format.packet, expected, 44);
    assert_false(format.is_shared);
}

static void a_clock_of_unknown_quality_is_no_synchronised_one(void **state)
{
    session_format_t format = format_of((stamp_options_t){.ssid = 0}, *state);

    format.write(format.context, 5, T1, &no_clock);
    stamp_error_t error = stamp_error_decode(big_endian_16(format.packet + 12));
    assert_false(error.is_synchronised);
    assert_true(error.is_valid);
    assert_true(error.error_ns > 1000000000);
}

static void a_request_may_have_time_stamps_of_ptp(void **state)
{
    session_format_t format = format_of((stamp_options_t){.clock = STAMP_CLOCK_PTP}, *state);

    format.write(format.context, 0, T1, &no_clock);
    assert_int_equal(big_endian_32(format.packet + 4), 1767225600);
    assert_int_equal(big_endian_32(format.packet + 8), 250000000);
    assert_int_equal(format.packet[12] & 0x40, 0x40);
}

static void direct_measurement_counts_what_is_sent(void **state)
{
    unsigned tlvs = STAMP_TLV_BIT(STAMP_TLV_DIRECT_MEASUREMENT);
    session_format_t format = format_of((stamp_options_t){.tlvs = tlvs}, *state);

    format.write(format.context, 41, T1, &no_clock);
    assert_int_equal(big_endian_32(format.packet + 48), 42);
}

static void lengths_are_those_that_the_protocol_has(void **state)
{
    unsigned class = STAMP_TLV_BIT(STAMP_TLV_CLASS_OF_SERVICE);

    (void)state;
    for (apr_size_t length = 0; length < 100; length++) {
        assert_int_equal(stamp_request_fits(0, 0, length),
                         length >= 14 && (length <= 44 || length >= 48));
        assert_int_equal(stamp_request_fits(class, 0, length), length == 52 || length >= 56);
    }
}

static authentication_key_t *key_of(apr_pool_t *pool)
{
    unsigned char bytes[32];

    for (unsigned i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)i;
    }
    return authentication_key_create(bytes, sizeof bytes, pool);
}

/* What a reflector answers request 5 of session 0x1234 with, by the key 00 01 02 ... 1f. */
static const char authentic_reply[] =
    "00000005000000000000000000000000ed00378040639d5e0d01123400000000ed00378040624dd200000000000000"
    "00"
    "00000005000000000000000000000000ed003780400000008a01000000000000390000000000000000000000000000"
    "003da4ef60dee26bb407b5d80ca26a1485000300040502050200080010630abb66de05555f36b38e70d6815e23";

static void authenticated_replies_are_those_with_the_right_code(void **state)
{
    apr_size_t length;
    unsigned char *reply = hex_read(authentic_reply, &length, *state);
    int is_read;

    if (!authentication_is_available()) {
        skip_test("built without libsodium");
    }
    session_format_t format =
        format_of((stamp_options_t){.ssid = 0x1234,
                                    .key = key_of(*state),
                                    .tlvs = STAMP_TLV_BIT(STAMP_TLV_TIMESTAMP_INFORMATION)},
                  *state);

    assert_int_equal(length, format.length);
    format.write(format.context, 5, T1, &no_clock);
    reflection_t reflection = read_reply(&format, reply, length, &is_read);
    assert_true(is_read);
    assert_true(reflection.is_intact);
    assert_int_equal(reflection.t2 / 1000, T2 / 1000);
    assert_int_equal(reflection.hop_limit, 57);
    assert_int_equal(reflection.tlvs.source_in, STAMP_SYNC_FREE_RUNNING);
    assert_false(reflection.tlvs.is_untrusted);
    reply[80] ^= 1;
    reflection = read_reply(&format, reply, length, &is_read);
    assert_true(is_read);
    assert_false(reflection.is_intact);
    reply[80] ^= 1;
    reply[116] ^= 1;
    reflection = read_reply(&format, reply, length, &is_read);
    assert_true(reflection.is_intact);
    assert_true(reflection.tlvs.is_untrusted);
    assert_int_equal(reflection.tlvs.source_in, 0);
    read_reply(&format, reply, 111, &is_read);
    assert_false(is_read);
}

/* A host on the path can add TLVs to a reply, behind the HMAC TLV or where there is none. */
static void tlvs_that_no_code_covers_tell_nothing(void **state)
{
    static const unsigned char class[] = {0, 4, 0, 4, 0xb8, 0xa5, 0, 0};
    static const unsigned char padding[] = {0, 1, 0, 4, 1, 2, 3, 4};
    unsigned information = STAMP_TLV_BIT(STAMP_TLV_TIMESTAMP_INFORMATION);
    apr_size_t length;
    const unsigned char *whole = hex_read(authentic_reply, &length, *state);
    unsigned char *reply = apr_pcalloc(*state, length + 8);
    int is_read;

    if (!authentication_is_available()) {
        skip_test("built without libsodium");
    }
    for (unsigned i = 0; i < 4; i++) {
        int has_tlvs = i < 2, is_padded = i % 2 == 0;
        session_format_t format = format_of((stamp_options_t){.ssid = 0x1234,
                                                              .key = key_of(*state),
                                                              .tlvs = has_tlvs ? information : 0},
                                            *state);
        apr_size_t end = has_tlvs ? length : STAMP_AUTHENTICATED_LENGTH;

        memcpy(reply, whole, end);
        memcpy(reply + end, is_padded ? padding : class, 8);
        format.write(format.context, 5, T1, &no_clock);
        reflection_t reflection = read_reply(&format, reply, end + 8, &is_read);

        assert_true(reflection.is_intact);
        assert_int_equal(reflection.tlvs.is_untrusted, !is_padded);
        assert_int_equal(reflection.tlvs.traffic_class, -1);
        assert_int_equal(reflection.tlvs.source_in != 0, has_tlvs && is_padded);
    }
}

static void authenticated_requests_have_both_codes(void **state)
{
    unsigned char code[AUTHENTICATION_LENGTH];

    if (!authentication_is_available()) {
        skip_test("built without libsodium");
    }
    authentication_key_t *key = key_of(*state);
    session_format_t format =
        format_of((stamp_options_t){.key = key,
                                    .tlvs = STAMP_TLV_BIT(STAMP_TLV_CLASS_OF_SERVICE),
                                    .length = 112 + 8 + 20 + 10},
                  *state);
    const authentication_part_t base = {format.packet, 96};
    const authentication_part_t parts[] = {{format.packet, 4}, {format.packet + 112, 8}};

    format.write(format.context, 5, T1, &no_clock);
    assert_int_equal(big_endian_32(format.packet), 5);
    assert_true(big_endian_64(format.packet + 16) == stamp_timestamp(T1, STAMP_CLOCK_NTP));
    authentication_code(key, &base, 1, code);
    assert_memory_equal(format.packet + 96, code, sizeof code);
    assert_int_equal(big_endian_32(format.packet + 120), 0x80080010);
    authentication_code(key, parts, 2, code);
    assert_memory_equal(format.packet + 124, code, sizeof code);
    assert_int_equal(big_endian_32(format.packet + 140), 0x80010006);
    assert_true(stamp_request_fits(0, 1, 112));
    assert_false(stamp_request_fits(0, 1, 44));
}

static void what_is_longer_is_padded(void **state)
{
    session_format_t format = format_of((stamp_options_t){.length = 148}, *state);

    assert_int_equal(format.length, 148);
    assert_int_equal(big_endian_32(format.packet + 44), 0x80010064);
}

static void a_reply_tells_all_that_it_has(void **state)
{
    static const stamp_clock_t clocks[] = {STAMP_CLOCK_NTP, STAMP_CLOCK_PTP};

    /* The format of each side is its own. */
    for (unsigned i = 0; i < 4; i++) {
        session_format_t format =
            format_of((stamp_options_t){.clock = clocks[i / 2], .ssid = 9}, *state);
        unsigned char reply[44];
        int is_read;

        format.write(format.context, 5, T1, &no_clock);
        make_reply(reply, &format, clocks[i % 2]);
        reflection_t reflection = read_reply(&format, reply, 44, &is_read);
        assert_true(is_read);
        assert_true(reflection.is_intact);
        assert_int_equal(reflection.number, 5);
        assert_int_equal(reflection.peer_number, 7);
        assert_true(reflection.t2 == T2);
        assert_true(reflection.t3 == T3);
        assert_true(reflection.is_synchronised);
        assert_in_range(reflection.error, 100000, 101000);
        assert_int_equal(reflection.hop_limit, 57);
        assert_false(reflection.is_changed);
        assert_int_equal(reflection_kept(&reflection, 1000), 20);
    }
}

/* What is of PTP, and nothing else. */
static void times_of_ptp_may_be_ahead_of_utc(void **state)
{
    static const apr_int64_t ahead = APR_INT64_C(37000000000);
    session_format_t format = format_of(
        (stamp_options_t){.clock = STAMP_CLOCK_PTP, .ptp_offset_ns = APR_INT64_C(37000000000)},
        *state);
    unsigned char reply[64];
    int is_read;

    format.write(format.context, 5, T1, &no_clock);
    assert_true(big_endian_64(format.packet + 4) == stamp_timestamp(T1 + ahead, STAMP_CLOCK_PTP));
    for (unsigned i = 0; i < 2; i++) {
        stamp_clock_t clock = i == 0 ? STAMP_CLOCK_NTP : STAMP_CLOCK_PTP;
        apr_int64_t offset = i == 0 ? 0 : ahead;

        memset(reply, 0, sizeof reply);
        make_reply(reply, &format, clock);
        big_endian_put_64(reply + 4, stamp_timestamp(T3 + offset, clock));
        big_endian_put_64(reply + 16, stamp_timestamp(T2 + offset, clock));
        big_endian_put_32(reply + 44, STAMP_TLV_FOLLOW_UP_TELEMETRY << 16 | 16);
        big_endian_put_64(reply + 52, stamp_timestamp(T3 + offset - 5000, clock));
        reflection_t reflection = read_reply(&format, reply, sizeof reply, &is_read);

        assert_true(is_read);
        assert_false(reflection.is_changed);
        assert_true(reflection.t2 == T2);
        assert_true(reflection.t3 == T3);
        assert_true(reflection.tlvs.has_follow_up);
        assert_true(reflection.tlvs.follow_up == T3 - 5000);
    }
}

/* 36, 38 and 44 octets, and more than was sent. */
static void a_reply_may_be_short(void **state)
{
    session_format_t format = format_of((stamp_options_t){.ssid = 0}, *state);
    unsigned char reply[60] = {0};
    int is_read;

    format.write(format.context, 5, T1, &no_clock);
    make_reply(reply, &format, STAMP_CLOCK_NTP);
    for (apr_size_t length = 0; length <= sizeof reply; length++) {
        reflection_t reflection = read_reply(&format, reply, length, &is_read);

        assert_int_equal(is_read, length >= 36);
        if (is_read) {
            assert_true(reflection.is_intact);
            assert_true(reflection.t3 == T3);
            assert_int_equal(reflection.hop_limit, length > 40 ? 57 : -1);
        }
    }
}

static void a_hop_limit_may_not_be_known(void **state)
{
    static const unsigned char unknown[] = {0, 255};
    session_format_t format = format_of((stamp_options_t){.ssid = 0}, *state);

    format.write(format.context, 5, T1, &no_clock);
    for (unsigned i = 0; i < 2; i++) {
        unsigned char reply[44];
        int is_read;

        make_reply(reply, &format, STAMP_CLOCK_NTP);
        reply[40] = unknown[i];
        assert_int_equal(read_reply(&format, reply, 44, &is_read).hop_limit, -1);
    }
}

static void an_error_estimate_that_is_none_tells_no_synchronisation(void **state)
{
    session_format_t format = format_of((stamp_options_t){.ssid = 0}, *state);
    unsigned char reply[44];
    int is_read;

    format.write(format.context, 5, T1, &no_clock);
    make_reply(reply, &format, STAMP_CLOCK_NTP);
    big_endian_put_16(reply + 12, 0x8d00);
    reflection_t reflection = read_reply(&format, reply, 44, &is_read);
    assert_true(is_read);
    assert_false(reflection.is_synchronised);
    assert_int_equal(reflection.error, -1);
}

static void a_plain_echo_is_no_reply(void **state)
{
    session_format_t format = format_of((stamp_options_t){.ssid = 0}, *state);
    int is_read;

    format.write(format.context, 0, T1, &no_clock);
    read_reply(&format, format.packet, 44, &is_read);
    assert_false(is_read);
}

static void a_reply_of_an_earlier_run_is_not_taken(void **state)
{
    session_format_t format = format_of((stamp_options_t){.ssid = 0}, *state);
    unsigned char reply[44];
    int is_read;

    format.write(format.context, 5, T1, &no_clock);
    make_reply(reply, &format, STAMP_CLOCK_NTP);
    big_endian_put_64(reply + 28, stamp_timestamp(T1 - 1000, STAMP_CLOCK_NTP));
    read_reply(&format, reply, 44, &is_read);
    assert_false(is_read);
    /* Some reflectors write a time of their own there. */
    big_endian_put_64(reply + 28, stamp_timestamp(T2, STAMP_CLOCK_NTP));
    assert_true(read_reply(&format, reply, 44, &is_read).is_changed);
    assert_true(is_read);
}

static void a_reply_of_another_session_is_not_taken(void **state)
{
    session_format_t format = format_of((stamp_options_t){.ssid = 0x1234}, *state);
    unsigned char reply[44];
    int is_read;

    format.write(format.context, 5, T1, &no_clock);
    make_reply(reply, &format, STAMP_CLOCK_NTP);
    reply[15] ^= 1;
    read_reply(&format, reply, 44, &is_read);
    assert_false(is_read);
    reply[14] = reply[15] = 0; /* a reflector that knows of none */
    read_reply(&format, reply, 44, &is_read);
    assert_true(is_read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_request_is_that_of_the_rfc),
        scene(a_clock_of_unknown_quality_is_no_synchronised_one),
        scene(a_request_may_have_time_stamps_of_ptp),
        scene(direct_measurement_counts_what_is_sent),
        scene(lengths_are_those_that_the_protocol_has),
        scene(what_is_longer_is_padded),
        scene(authenticated_replies_are_those_with_the_right_code),
        scene(tlvs_that_no_code_covers_tell_nothing),
        scene(authenticated_requests_have_both_codes),
        scene(a_reply_tells_all_that_it_has),
        scene(times_of_ptp_may_be_ahead_of_utc),
        scene(a_reply_may_be_short),
        scene(a_hop_limit_may_not_be_known),
        scene(an_error_estimate_that_is_none_tells_no_synchronisation),
        scene(a_plain_echo_is_no_reply),
        scene(a_reply_of_an_earlier_run_is_not_taken),
        scene(a_reply_of_another_session_is_not_taken),
    };

    return cmocka_run_group_tests_name("stamp_sender", tests, NULL, NULL);
}
