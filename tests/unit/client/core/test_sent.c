/* The ring of datagrams sent: what it remembers, and which datagram a few bits mean. */

#include "unit.h"

#include "client/core/sent.h"

#define WRAP ((apr_uint64_t)1 << 32)

/* A ring whose first datagram is `first`. */
static sent_ring_t ring_from(apr_uint64_t first, unsigned flows, apr_pool_t *pool)
{
    sent_ring_t ring = sent_create(0, 4096, flows, pool);

    ring.oldest = ring.next = first;
    return ring;
}

static void add(sent_ring_t *ring, unsigned flow, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        sent_add(ring, flow, 10, 1000 + i);
    }
}

static apr_uint64_t found(const sent_ring_t *ring, unsigned flow, apr_uint64_t low, unsigned bits)
{
    sequence_part_t part = {(apr_uint32_t)(low & (((apr_uint64_t)1 << bits) - 1)), bits};
    apr_uint64_t sequence;

    assert_non_null(sent_find(ring, flow, &part, &sequence));
    return sequence;
}

static int is_found(const sent_ring_t *ring, unsigned flow, apr_uint32_t low, unsigned bits)
{
    sequence_part_t part = {low, bits};
    apr_uint64_t sequence;

    return sent_find(ring, flow, &part, &sequence) != NULL;
}

static void records_are_small(void **state)
{
    (void)state;
    assert_int_equal(sizeof(sent_t), 16);
}

static void the_capacity_is_a_power_of_two_within_bounds(void **state)
{
    assert_int_equal(sent_create(0, 0, 1, *state).capacity, SENT_MIN);
    assert_int_equal(sent_create(0, SENT_MIN + 1, 1, *state).capacity, 2 * SENT_MIN);
    assert_int_equal(sent_create(0, 4097, 1, *state).capacity, 8192);
    assert_int_equal(sent_create(4097, 0, 1, *state).capacity, 8192);
    assert_int_equal(sent_create(0, 1e300, 1, *state).capacity, SENT_COMFORT);
    assert_int_equal(sent_create((double)SENT_COMFORT + 1, 1e300, 1, *state).capacity,
                     2 * SENT_COMFORT);
}

static void nothing_is_found_before_anything_is_sent(void **state)
{
    sent_ring_t ring = ring_from(0, 1, *state);

    for (unsigned bits = 0; bits <= 32; bits += 8) {
        assert_false(is_found(&ring, 0, 0, bits));
    }
    assert_null(sent_oldest(&ring));
    assert_null(sent_get(&ring, 0));
}

static void the_last_ones_are_remembered_and_no_others(void **state)
{
    sent_ring_t ring = ring_from(0, 1, *state);

    for (apr_uint64_t i = 0; i < 3 * ring.capacity; i++) {
        sent_settle(&ring, sent_add(&ring, 0, 10, (apr_time_t)i), FATE_RECEIVED);
    }
    assert_null(sent_get(&ring, 2 * ring.capacity - 1));
    assert_int_equal(sent_get(&ring, 2 * ring.capacity)->at, 2 * ring.capacity);
    assert_int_equal(sent_get(&ring, 3 * ring.capacity - 1)->at, 3 * ring.capacity - 1);
    assert_null(sent_get(&ring, 3 * ring.capacity));
}

static void it_is_full_when_the_oldest_outstanding_one_would_be_forgotten(void **state)
{
    sent_ring_t ring = ring_from(0, 1, *state);

    add(&ring, 0, (unsigned)ring.capacity - 1);
    assert_false(sent_is_full(&ring));
    add(&ring, 0, 1);
    assert_true(sent_is_full(&ring));
    sent_settle(&ring, 1, FATE_RECEIVED); /* which does not help */
    assert_true(sent_is_full(&ring));
    sent_settle(&ring, 0, FATE_LOST);
    assert_int_equal(ring.oldest, 2);
    assert_false(sent_is_full(&ring));
}

static void the_oldest_outstanding_one_is_known_in_whichever_order_answers_come(void **state)
{
    static const unsigned order[] = {3, 0, 1, 7, 6, 5, 4, 2};
    static const unsigned oldest[] = {0, 1, 2, 2, 2, 2, 2, 8};
    sent_ring_t ring = ring_from(WRAP - 4, 1, *state);

    add(&ring, 0, 8);
    for (unsigned i = 0; i < 8; i++) {
        sent_settle(&ring, WRAP - 4 + order[i], FATE_RECEIVED);
        assert_int_equal(ring.oldest, WRAP - 4 + oldest[i]);
        assert_int_equal(ring.flows[0].outstanding, 7 - i);
        assert_true(i == 7 || ring.flows[0].oldest == WRAP - 4 + oldest[i]);
    }
    assert_null(sent_oldest(&ring));
}

static void flows_know_their_own_oldest(void **state)
{
    sent_ring_t ring = ring_from(WRAP - 5, 3, *state);

    for (unsigned i = 0; i < 12; i++) {
        add(&ring, i % 3, 1);
    }
    assert_int_equal(found(&ring, 1, 0, 0), WRAP - 4);
    sent_settle(&ring, WRAP - 1, FATE_RECEIVED);
    sent_settle(&ring, WRAP - 4, FATE_LOST);
    assert_int_equal(found(&ring, 1, 0, 0), WRAP + 2);
    assert_int_equal(found(&ring, 0, 0, 0), WRAP - 5);
    assert_int_equal(ring.oldest, WRAP - 5);
}

static void all_bits_name_a_datagram_across_their_end(void **state)
{
    sent_ring_t ring = ring_from(WRAP - 100, 2, *state);

    add(&ring, 0, 200);
    for (apr_uint64_t sequence = WRAP - 100; sequence < WRAP + 100; sequence++) {
        assert_int_equal(found(&ring, 0, sequence, 32), sequence);
        assert_int_equal(found(&ring, 1, sequence, 32), sequence); /* by any host */
    }
    assert_false(is_found(&ring, 0, 100, 32)); /* not sent yet */
    assert_false(is_found(&ring, 0, (apr_uint32_t)WRAP - 1 - (apr_uint32_t)ring.capacity, 32));
}

static void few_bits_are_taken_for_the_oldest_outstanding_one_that_has_them(void **state)
{
    sent_ring_t ring = ring_from(WRAP - 300, 1, *state);

    add(&ring, 0, 1000);
    for (apr_uint64_t sequence = WRAP - 300; sequence < WRAP + 700; sequence++) {
        assert_int_equal(found(&ring, 0, sequence, 8), sequence);
        sent_settle(&ring, sequence, FATE_RECEIVED);
    }
}

static void where_none_is_outstanding_it_is_the_newest(void **state)
{
    sent_ring_t ring = ring_from(0, 1, *state);

    add(&ring, 0, 1000);
    for (apr_uint64_t sequence = 0; sequence < 1000; sequence++) {
        sent_settle(&ring, sequence, sequence % 2 ? FATE_RECEIVED : FATE_LOST);
    }
    assert_int_equal(found(&ring, 0, 999, 0), 999);
    for (apr_uint64_t sequence = 1000 - 256; sequence < 1000; sequence++) {
        assert_int_equal(found(&ring, 0, sequence, 8), sequence);
    }
    assert_int_equal(found(&ring, 0, 0, 16), 0);
    assert_false(is_found(&ring, 0, 1000, 16));
}

static void few_bits_never_mean_a_datagram_of_another_flow(void **state)
{
    sent_ring_t ring = ring_from(0, 256, *state);

    for (unsigned i = 0; i < 1024; i++) {
        add(&ring, i % 256, 1);
    }
    assert_int_equal(found(&ring, 7, 7, 8), 7);
    assert_false(is_found(&ring, 7, 8, 8));
    sent_settle(&ring, 7, FATE_RECEIVED);
    assert_int_equal(found(&ring, 7, 7, 8), 256 + 7);
}

static void few_bits_pass_over_what_is_answered_or_another_flow_s(void **state)
{
    sent_ring_t ring = ring_from(0, 3, *state);

    for (unsigned i = 0; i < 1500; i++) {
        add(&ring, i % 3, 1);
    }
    /* Numbers whose low byte is 2 are 2, 258, 514, 770, ...; flow 1 has 514 and 1282. */
    assert_int_equal(found(&ring, 1, 2, 8), 514);
    sent_settle(&ring, 514, FATE_LOST);
    assert_int_equal(found(&ring, 1, 2, 8), 1282);
}

static void the_newest_is_that_of_its_flow(void **state)
{
    sent_ring_t ring = ring_from(0, 2, *state);

    add(&ring, 1, 5);
    add(&ring, 0, 1);
    add(&ring, 1, 400);
    sent_settle(&ring, 5, FATE_RECEIVED);
    assert_int_equal(found(&ring, 0, 5, 8), 5);
    assert_int_equal(found(&ring, 0, 0, 0), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(records_are_small),
        scene(the_capacity_is_a_power_of_two_within_bounds),
        scene(nothing_is_found_before_anything_is_sent),
        scene(the_last_ones_are_remembered_and_no_others),
        scene(it_is_full_when_the_oldest_outstanding_one_would_be_forgotten),
        scene(the_oldest_outstanding_one_is_known_in_whichever_order_answers_come),
        scene(flows_know_their_own_oldest),
        scene(all_bits_name_a_datagram_across_their_end),
        scene(few_bits_are_taken_for_the_oldest_outstanding_one_that_has_them),
        scene(where_none_is_outstanding_it_is_the_newest),
        scene(few_bits_never_mean_a_datagram_of_another_flow),
        scene(few_bits_pass_over_what_is_answered_or_another_flow_s),
        scene(the_newest_is_that_of_its_flow),
    };

    return cmocka_run_group_tests_name("sent", tests, NULL, NULL);
}
