/* The queue of requests to be sent. */

#include "unit.h"

#include "client/core/outbox.h"

static void add(outbox_t *outbox, apr_uint64_t sequence)
{
    request_t request = {.sequence = sequence};

    outbox_add(outbox, &request, (apr_time_t)sequence * 10, (apr_time_t)sequence * 10 - 1);
}

static void what_came_first_goes_first(void **state)
{
    outbox_t outbox = {0};

    (void)state;
    for (apr_uint64_t i = 0; i < 3; i++) {
        add(&outbox, i);
    }
    assert_int_equal(outbox.count, 3);
    assert_int_equal(outbox_first(&outbox)[2].sequence, 2);
    outbox_drop(&outbox, 1);
    assert_int_equal(outbox.count, 2);
    assert_int_equal(outbox_first(&outbox)->sequence, 1);
    assert_int_equal(outbox_made(&outbox), 10);
    outbox_drop(&outbox, 2);
    assert_int_equal(outbox.count, 0);
}

/* All that wait lie side by side, however many went before. */
static void it_never_runs_out_of_room_for_a_batch(void **state)
{
    outbox_t outbox = {0};
    apr_uint64_t next = 0;

    (void)state;
    for (unsigned drop = 1; drop <= BATCH_MAX; drop++) {
        while (!outbox_is_full(&outbox)) {
            add(&outbox, next++);
        }
        assert_int_equal(outbox.count, BATCH_MAX);
        for (unsigned i = 0; i < BATCH_MAX; i++) {
            assert_int_equal(outbox_first(&outbox)[i].sequence, next - BATCH_MAX + i);
        }
        assert_int_equal(outbox_made(&outbox), (next - BATCH_MAX) * 10);
        outbox_drop(&outbox, drop);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(what_came_first_goes_first),
        scene(it_never_runs_out_of_room_for_a_batch),
    };

    return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
