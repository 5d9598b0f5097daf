/* What datagrams are made of, and how they are known again. */

#include "unit.h"

#include "client/core/payload.h"

static unsigned char random_bytes[PROBE_RANDOM];

static payload_t made_payload(void)
{
    apr_uint32_t number = 1;

    for (unsigned i = 0; i < PROBE_RANDOM; i++) {
        number = number * 1664525 + 1013904223;
        random_bytes[i] = (unsigned char)(number >> 24);
    }
    return (payload_t){.random = random_bytes};
}

/* Writes the datagram as it is sent. */
static void write_datagram(unsigned char *data, const payload_t *payload, apr_uint64_t sequence,
                           apr_size_t size)
{
    request_t request = {.sequence = sequence, .length = size};

    payload_make(payload, &request);
    memcpy(data, request.head, request.head_length);
    memcpy(data + request.head_length, request.body, size - request.head_length);
}

static void a_datagram_begins_with_its_number_and_the_key_of_the_run(void **state)
{
    payload_t payload = made_payload();
    unsigned char data[12];

    (void)state;
    write_datagram(data, &payload, 0x9988776655443322, sizeof data);
    assert_memory_equal(data, "\x22\x33\x44\x55", 4);
    assert_memory_equal(data + 4, random_bytes, 4);
}

static void every_size_is_known_again_by_as_much_as_fits_in(void **state)
{
    payload_t payload = made_payload();
    unsigned char data[20];

    (void)state;
    for (apr_size_t size = 0; size <= sizeof data; size++) {
        sequence_part_t part;
        unsigned bits = size < 4 ? 8 * (unsigned)size : 32;

        write_datagram(data, &payload, 0x0104030201, size);
        assert_true(payload_read(&payload, data, size, &part));
        assert_int_equal(part.bits, bits);
        assert_int_equal(part.low, 0x04030201 & (((apr_uint64_t)1 << bits) - 1));
        assert_true(payload_is(&payload, 0x0104030201, size, data, size));
    }
}

static void the_largest_datagram_fits_at_every_offset(void **state)
{
    payload_t payload = made_payload();
    static unsigned char data[PAYLOAD_MAX_IPV6];

    (void)state;
    for (apr_uint64_t sequence = 0; sequence < 2 * PROBE_OFFSETS; sequence += 117) {
        request_t request = {.sequence = sequence, .length = sizeof data};

        payload_make(&payload, &request);
        assert_true(request.body + request.length - request.head_length <=
                    random_bytes + PROBE_RANDOM);
        write_datagram(data, &payload, sequence, sizeof data);
        assert_true(payload_is(&payload, sequence, sizeof data, data, sizeof data));
    }
}

static void any_other_byte_or_length_is_noticed(void **state)
{
    payload_t payload = made_payload();
    unsigned char data[33];

    (void)state;
    write_datagram(data, &payload, 7, 32);
    for (unsigned i = 0; i < 32; i++) {
        data[i] ^= 0x10;
        assert_false(payload_is(&payload, 7, 32, data, 32));
        data[i] ^= 0x10;
    }
    assert_true(payload_is(&payload, 7, 32, data, 32));
    assert_false(payload_is(&payload, 7, 32, data, 31));
    assert_false(payload_is(&payload, 7, 32, data, 33));
    assert_false(payload_is(&payload, 7, 32, data, 0));
}

/* What RFC 4963 warns of: the second fragment is another datagram's. */
static void fragments_of_two_datagrams_make_none(void **state)
{
    payload_t payload = made_payload();
    unsigned char data[3000];
    unsigned char other[3000];

    (void)state;
    write_datagram(data, &payload, 1000, sizeof data);
    for (apr_uint64_t sequence = 0; sequence < 3000; sequence++) {
        write_datagram(other, &payload, sequence, sizeof other);
        assert_int_equal(memcmp(data + 1480, other + 1480, 1520) == 0, sequence == 1000);
    }
}

static void another_key_is_another_run_s(void **state)
{
    payload_t payload = made_payload();
    unsigned char data[9];
    sequence_part_t part;

    (void)state;
    write_datagram(data, &payload, 1, sizeof data);
    for (unsigned i = 4; i < 8; i++) {
        data[i] ^= 1;
        for (apr_size_t size = 0; size <= sizeof data; size++) {
            assert_int_equal(payload_read(&payload, data, size, &part) != 0, size <= i);
        }
        data[i] ^= 1;
    }
}

static void what_the_user_wrote_is_sent_as_it_is_and_tells_nothing(void **state)
{
    payload_t payload = {.user = (const unsigned char *)"ping"};
    unsigned char data[4];
    sequence_part_t part;

    (void)state;
    write_datagram(data, &payload, 99, sizeof data);
    assert_memory_equal(data, "ping", 4);
    assert_true(payload_read(&payload, data, sizeof data, &part));
    assert_int_equal(part.bits, 0);
    assert_true(payload_is(&payload, 1, 4, data, 4));
    assert_false(payload_is(&payload, 1, 4, (const unsigned char *)"pong", 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_datagram_begins_with_its_number_and_the_key_of_the_run),
        scene(every_size_is_known_again_by_as_much_as_fits_in),
        scene(the_largest_datagram_fits_at_every_offset),
        scene(any_other_byte_or_length_is_noticed),
        scene(fragments_of_two_datagrams_make_none),
        scene(another_key_is_another_run_s),
        scene(what_the_user_wrote_is_sent_as_it_is_and_tells_nothing),
    };

    return cmocka_run_group_tests_name("payload", tests, NULL, NULL);
}
