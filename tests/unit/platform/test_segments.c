/* A message that was received, taken apart into its datagrams. */

#include "unit.h"

#include "offload/segments.h"

static void assert_taken(segments_t *segments, const unsigned char *data, apr_size_t length)
{
    apr_size_t taken;

    assert_ptr_equal(segments_take(segments, &taken), data);
    assert_int_equal(taken, length);
}

static void a_message_is_taken_apart_at_its_segments(void **state)
{
    unsigned char bytes[25] = {0};
    segments_t segments = {bytes, sizeof bytes, 10};

    (void)state;
    assert_taken(&segments, bytes, 10);
    assert_taken(&segments, bytes + 10, 10);
    assert_int_equal(segments.length, 5);
    assert_taken(&segments, bytes + 20, 5);
    assert_int_equal(segments.length, 0);
}

static void segments_that_fill_a_message_leave_nothing(void **state)
{
    unsigned char bytes[20] = {0};
    segments_t segments = {bytes, sizeof bytes, 10};

    (void)state;
    assert_taken(&segments, bytes, 10);
    assert_taken(&segments, bytes + 10, 10);
    assert_int_equal(segments.length, 0);
}

static void a_message_without_segments_is_one_datagram(void **state)
{
    static const apr_size_t segments_of[] = {0, 20, 21};
    unsigned char bytes[20] = {0};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        segments_t segments = {bytes, sizeof bytes, segments_of[i]};

        assert_taken(&segments, bytes, sizeof bytes);
        assert_int_equal(segments.length, 0);
    }
}

static void an_empty_message_is_one_datagram(void **state)
{
    unsigned char byte = 0;
    segments_t segments = {&byte, 0, 10};

    (void)state;
    assert_taken(&segments, &byte, 0);
    assert_int_equal(segments.length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_message_is_taken_apart_at_its_segments),
        scene(segments_that_fill_a_message_leave_nothing),
        scene(a_message_without_segments_is_one_datagram),
        scene(an_empty_message_is_one_datagram),
    };

    return cmocka_run_group_tests_name("segments", tests, NULL, NULL);
}
