/* The search for the largest payload by a probe: how large it asks, and what it concludes. */

#include "unit.h"

#include "client/mtu.h"
#include "scripted_probe.h"

/* Every size comes back. */
static mtu_result_t search(const endpoint_t *peer, apr_size_t room, apr_pool_t *pool)
{
    mtu_t *mtu = mtu_create(flood(8, 1, pool), peer, room, pool);
    reply_t reply = {.verdict = REPLY_ANSWER};
    arrival_t arrival = {.from = *peer};
    event_t event = {.kind = EVENT_REPLY, .reply = &reply, .arrival = &arrival};

    while (!mtu_search_is_done(&mtu->search)) {
        assert_true(mtu->search.size <= room);
        arrival.length = mtu->search.size;
        mtu->report.tell(mtu->report.context, &event);
    }
    return mtu_result(mtu, 0, 1);
}

static void no_datagram_is_larger_than_the_buffers(void **state)
{
    static const apr_size_t rooms[] = {1000, 9216, 41088, PAYLOAD_MAX_IPV4 - 1};
    endpoint_t peer = ipv4(0xc0000201, 7);

    for (unsigned i = 0; i < sizeof rooms / sizeof rooms[0]; i++) {
        mtu_result_t found = search(&peer, rooms[i], *state);

        assert_int_equal(found.payload, rooms[i]);
        assert_int_equal(found.limit, MTU_LIMIT_BUFFER);
    }
}

static void buffers_that_hold_the_largest_datagram_are_no_limit(void **state)
{
    endpoint_t peer = ipv4(0xc0000201, 7);
    mtu_result_t found = search(&peer, PAYLOAD_MAX_IPV6, *state);

    assert_int_equal(found.payload, PAYLOAD_MAX_IPV4);
    assert_int_equal(found.limit, MTU_LIMIT_NONE);
}

static void tell_corrupt(mtu_t *mtu, apr_uint64_t sequence, apr_size_t length)
{
    reply_t reply = {.verdict = REPLY_CORRUPT,
                     .has_sequence = 1,
                     .sequence = sequence,
                     .expected = mtu->search.size};
    arrival_t arrival = {.length = length};

    mtu->report.tell(mtu->report.context,
                     &(event_t){.kind = EVENT_REPLY, .reply = &reply, .arrival = &arrival});
}

static void a_datagram_is_one_try_however_many_replies_are_corrupt(void **state)
{
    endpoint_t peer = ipv4(0xc0000201, 7);
    mtu_t *mtu = mtu_create(flood(8, 1, *state), &peer, PAYLOAD_MAX_IPV6, *state);
    request_t request = {.sequence = 0, .length = mtu->search.size};

    mtu->report.tell(mtu->report.context, &(event_t){.kind = EVENT_MISSING, .request = &request});
    for (unsigned i = 0; i < 5; i++) {
        tell_corrupt(mtu, 0, 4);
    }
    tell_corrupt(mtu, 1, 4);
    tell_corrupt(mtu, 1, 4);
    assert_int_equal(mtu->search.tries, 2);
    assert_int_equal(mtu_result(mtu, 0, 1).limit, MTU_NOT_FOUND);
    tell_corrupt(mtu, 2, 4);
    assert_int_equal(mtu_result(mtu, 0, 1).limit, MTU_NO_ANSWER);
    assert_int_equal(mtu_result(mtu, 0, 1).mtu, 0);
}

static void what_ended_early_is_not_known(void **state)
{
    endpoint_t peer = ipv4(0xc0000201, 7);
    mtu_t *mtu = mtu_create(flood(8, 1, *state), &peer, PAYLOAD_MAX_IPV6, *state);
    reply_t reply = {.verdict = REPLY_ANSWER};
    arrival_t arrival = {.length = mtu->search.size};

    assert_int_equal(mtu_result(mtu, 0, 1).limit, MTU_NOT_FOUND);
    mtu->report.tell(mtu->report.context,
                     &(event_t){.kind = EVENT_REPLY, .reply = &reply, .arrival = &arrival});
    for (apr_uint64_t i = 1; i <= MTU_SEARCH_TRIES; i++) {
        tell_corrupt(mtu, i, 500);
    }

    mtu_result_t found = mtu_result(mtu, 0, 1);

    assert_int_equal(found.limit, MTU_NOT_FOUND);
    assert_int_equal(found.payload, 8);
    assert_int_equal(found.too_large, 1472);
    assert_false(mtu_wants_fragments(mtu));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(no_datagram_is_larger_than_the_buffers),
        scene(buffers_that_hold_the_largest_datagram_are_no_limit),
        scene(a_datagram_is_one_try_however_many_replies_are_corrupt),
        scene(what_ended_early_is_not_known),
    };

    return run_group("mtu", tests);
}
