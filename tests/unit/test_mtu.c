/* The search for the largest payload by a probe: how large it asks, and what it concludes. */

#include "unit.h"

#include "mtu.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(no_datagram_is_larger_than_the_buffers),
        scene(buffers_that_hold_the_largest_datagram_are_no_limit),
    };

    return run_group("mtu", tests);
}
