#include "unit.h"

#include "core/delay_line.h"
#include "endpoints.h"

#define LISTENER (struct listener *)1
#define OTHER    (struct listener *)2

static unsigned char bytes[65536];

static datagram_t reply_of(unsigned number, apr_size_t length)
{
    datagram_t reply = {
        .from = ipv4(0xc0000201, (apr_port_t)(1 + number % 1000)),
        .to = ipv4(0x7f000001, 7),
        .listener = LISTENER,
        .data = bytes,
        .length = length,
        .verdict = VERDICT_WITHHELD,
    };

    for (apr_size_t i = 0; i < length; i++) {
        bytes[i] = (unsigned char)(number + i / 7);
    }
    return reply;
}

static int is_whole(const datagram_t *reply, unsigned number, apr_size_t length)
{
    for (apr_size_t i = 0; i < length; i++) {
        if (reply->data[i] != (unsigned char)(number + i / 7)) {
            return 0;
        }
    }
    return reply->length == length && reply->verdict == VERDICT_ECHO;
}

static int hold(delay_line_t *line, unsigned number, apr_size_t length, apr_time_t due)
{
    datagram_t reply = reply_of(number, length);

    return delay_line_hold(line, &reply, due);
}

static void replies_leave_whole_when_they_are_due(void **state)
{
    static const apr_size_t lengths[] = {0, 1, 511, 512, 513, 1472, 65507};
    delay_line_t *line = delay_line_create(DELAY_LINE_MIN, *state);
    batch_t batch;

    assert_int_equal(delay_line_next(line), -1);
    for (unsigned i = 0; i < 7; i++) {
        assert_true(hold(line, i, lengths[i], 100 - i));
    }
    for (unsigned i = 7; i-- > 0;) {
        assert_int_equal(delay_line_next(line), 100 - i);
        assert_int_equal(delay_line_take(line, &batch, 99 - i), 0);
        assert_int_equal(delay_line_take(line, &batch, 100 - i), 1);
        assert_true(is_whole(batch.at[0], i, lengths[i]));
    }
    assert_int_equal(delay_line_next(line), -1);
}

static void those_of_one_time_keep_their_order(void **state)
{
    delay_line_t *line = delay_line_create(DELAY_LINE_MIN, *state);
    batch_t batch;

    for (unsigned i = 0; i < 100; i++) {
        assert_true(hold(line, i, 10, 5));
    }
    assert_int_equal(delay_line_take(line, &batch, 5), 100);
    for (unsigned i = 0; i < 100; i++) {
        assert_true(is_whole(batch.at[i], i, 10));
    }
}

static void a_batch_is_of_one_listener(void **state)
{
    delay_line_t *line = delay_line_create(DELAY_LINE_MIN, *state);
    datagram_t reply = reply_of(1, 10);
    batch_t batch;

    assert_true(delay_line_hold(line, &reply, 1));
    reply.listener = OTHER;
    assert_true(delay_line_hold(line, &reply, 2));
    assert_int_equal(delay_line_take(line, &batch, 9), 1);
    assert_ptr_equal(batch.at[0]->listener, LISTENER);
    assert_int_equal(delay_line_take(line, &batch, 9), 1);
    assert_ptr_equal(batch.at[0]->listener, OTHER);
}

static void what_has_left_makes_room(void **state)
{
    delay_line_t *line = delay_line_create(DELAY_LINE_MIN, *state);
    unsigned room = 0;
    batch_t batch;

    while (hold(line, room, 600, room)) {
        room++;
    }
    assert_in_range(room, 100, DELAY_LINE_MIN / 600);
    for (unsigned turn = 0; turn < 3; turn++) {
        unsigned taken = 0;

        while (delay_line_take(line, &batch, room) > 0) {
            for (unsigned i = 0; i < batch.count; i++) {
                assert_true(is_whole(batch.at[i], taken++, 600));
            }
        }
        assert_int_equal(taken, room);
        for (unsigned i = 0; i < room; i++) {
            assert_true(hold(line, i, 600, i));
        }
        assert_false(hold(line, 0, 600, 0));
        assert_true(hold(line, 0, 0, room)); /* which needs no block */
        assert_int_equal(delay_line_discard(line, NULL, NULL), room + 1);
        for (unsigned i = 0; i < room; i++) {
            assert_true(hold(line, i, 600, i));
        }
    }
}

/* Against sorting: at random, with discards in between. */
static int is_kept(void *context, const struct listener *listener)
{
    (void)context;
    return listener == LISTENER;
}

static void they_leave_in_order_whatever_comes(void **state)
{
    delay_line_t *line = delay_line_create(4 << 20, *state);
    apr_uint32_t held = 0;
    apr_uint32_t seed = 1;
    apr_uint32_t taken = 0;
    apr_uint32_t of_other = 0;
    apr_time_t now = 0;
    batch_t batch;

    for (unsigned i = 0; i < 20000; i++) {
        seed = seed * 1664525 + 1013904223;
        datagram_t reply = reply_of(i, seed >> 8 & 0x3ff);

        reply.listener = (seed >> 20 & 7) == 0 ? OTHER : LISTENER;
        if (delay_line_hold(line, &reply, now + (seed >> 12))) {
            held++;
            of_other += reply.listener == OTHER;
        }
        if (i % 1000 == 999) {
            unsigned discarded = delay_line_discard(line, is_kept, NULL);

            assert_true(discarded <= of_other);
            held -= discarded;
        }
        for (now += 300; delay_line_take(line, &batch, now) > 0;) {
            taken += batch.count;
            assert_true(delay_line_next(line) == -1 || batch.count > 0);
        }
        assert_true(delay_line_next(line) == -1 || delay_line_next(line) > now);
    }
    while (delay_line_take(line, &batch, now + (1 << 21)) > 0) {
        taken += batch.count;
    }
    assert_int_equal(taken, held);
}

static void one_that_is_held_back_follows_the_next_to_its_peer(void **state)
{
    delay_line_t *line = delay_line_create(DELAY_LINE_MIN, *state);
    datagram_t first = reply_of(1, 10);
    datagram_t other = reply_of(2, 10);
    batch_t batch;

    assert_int_equal(delay_line_hold_back(line, &first, 5), 1);
    assert_true(delay_line_holds_back(line, &first));
    assert_false(delay_line_holds_back(line, &other));
    delay_line_release(line, &other, 10);
    assert_int_equal(delay_line_next(line), 5 + OVERTAKE_MAX_US);
    first = reply_of(1, 10);
    assert_true(delay_line_hold(line, &first, 20));
    delay_line_release(line, &first, 20);
    assert_false(delay_line_holds_back(line, &first));
    assert_int_equal(delay_line_take(line, &batch, 20), 2);
}

/* When a reply that is due at `own` leaves, if one that is due at `other` overtakes it. */
static apr_time_t overtaken_at(apr_time_t own, apr_time_t other, apr_pool_t *pool)
{
    delay_line_t *line = delay_line_create(DELAY_LINE_MIN, pool);
    datagram_t reply = reply_of(1, 10);

    assert_int_equal(delay_line_hold_back(line, &reply, own), 1);
    delay_line_release(line, &reply, other);
    return delay_line_next(line);
}

static void one_that_is_overtaken_keeps_its_own_delay(void **state)
{
    assert_int_equal(overtaken_at(50, 20, *state), 50);
    assert_int_equal(overtaken_at(50, 60, *state), 60);
    assert_int_equal(overtaken_at(50, 60 + OVERTAKE_MAX_US, *state), 50 + OVERTAKE_MAX_US);
}

static void where_none_follows_it_leaves_in_time(void **state)
{
    delay_line_t *line = delay_line_create(DELAY_LINE_MIN, *state);
    batch_t batch;

    for (unsigned i = 0; i < OVERTAKEN_MAX; i++) {
        datagram_t reply = reply_of(i, 10);

        assert_int_equal(delay_line_hold_back(line, &reply, 1000), 1);
    }
    datagram_t more = reply_of(OVERTAKEN_MAX, 10);

    assert_true(delay_line_hold_back(line, &more, 1000) < 0);
    assert_int_equal(delay_line_take(line, &batch, 1000 + OVERTAKE_MAX_US - 1), 0);
    assert_int_equal(delay_line_take(line, &batch, 1000 + OVERTAKE_MAX_US), OVERTAKEN_MAX);
    assert_false(delay_line_holds_back(line, batch.at[0]));
    assert_int_equal(delay_line_hold_back(line, &more, 1000), 1);
}

static void a_move_changes_neither_times_nor_order(void **state)
{
    delay_line_t *from = delay_line_create(1 << 20, *state);
    delay_line_t *line = delay_line_create(DELAY_LINE_MIN, *state);
    datagram_t back = reply_of(500, 10);
    batch_t batch;
    unsigned taken = 0;

    assert_int_equal(delay_line_hold_back(from, &back, 7), 1);
    for (unsigned i = 0; i < 100; i++) {
        assert_true(hold(from, i, 600, 5 + i / 50));
    }
    assert_int_equal(delay_line_move(line, from), 0);
    assert_int_equal(delay_line_next(from), -1);
    for (apr_time_t due = 5; due <= 6; due++) {
        assert_int_equal(delay_line_take(line, &batch, due), 50);
        for (unsigned i = 0; i < batch.count; i++) {
            assert_true(is_whole(batch.at[i], taken++, 600));
        }
    }
    back = reply_of(500, 10);
    assert_true(delay_line_holds_back(line, &back));
    delay_line_release(line, &back, 7);
    assert_int_equal(delay_line_take(line, &batch, 7), 1);
}

static void those_that_leave_last_find_no_room(void **state)
{
    delay_line_t *from = delay_line_create(1 << 20, *state);
    delay_line_t *line = delay_line_create(DELAY_LINE_MIN, *state);
    unsigned held = 0;
    unsigned taken = 0;
    batch_t batch;

    while (hold(from, held, 600, held)) {
        held++;
    }
    unsigned lost = delay_line_move(line, from);

    assert_in_range(lost, held / 2, held - 100);
    while (delay_line_take(line, &batch, held) > 0) {
        for (unsigned i = 0; i < batch.count; i++) {
            assert_true(is_whole(batch.at[i], taken++, 600));
        }
    }
    assert_int_equal(taken, held - lost);
    while (hold(from, 0, 600, 0)) { /* what moved has left its room */
        held--;
    }
    assert_int_equal(held, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(replies_leave_whole_when_they_are_due),
        scene(those_of_one_time_keep_their_order),
        scene(a_batch_is_of_one_listener),
        scene(what_has_left_makes_room),
        scene(they_leave_in_order_whatever_comes),
        scene(one_that_is_held_back_follows_the_next_to_its_peer),
        scene(one_that_is_overtaken_keeps_its_own_delay),
        scene(where_none_follows_it_leaves_in_time),
        scene(a_move_changes_neither_times_nor_order),
        scene(those_that_leave_last_find_no_room),
    };

    return cmocka_run_group_tests_name("delay_line", tests, NULL, NULL);
}
