/* The summary of the client's core. */

#include "scripted_probe.h"

typedef struct network {
    probe_t *probe;
    packet_t held; /* until after the next one */
    int holds;
} network_t;

static void deliver(network_t *network, const packet_t *packet, unsigned copies, apr_time_t now)
{
    for (unsigned i = 0; i < copies; i++) {
        echoed_at(network->probe, packet, now);
    }
}

/* Loses every tenth datagram, sends two for every seventh, and holds each fifth one back. */
static void carry(network_t *network, const packet_t *packet, apr_time_t now)
{
    unsigned number = (unsigned)packet->sequence + 1;

    if (number % 10 == 0) {
        return;
    }
    if (number % 5 == 0) {
        network->held = *packet;
        network->holds = 1;
        return;
    }
    deliver(network, packet, number % 7 == 0 ? 2 : 1, now);
    if (network->holds) {
        network->holds = 0;
        deliver(network, &network->held, network->held.sequence % 7 == 6 ? 2 : 1, now);
    }
}

static void a_scripted_network_is_described_exactly(void **state)
{
    probe_plan_t plan = plain_plan();
    network_t network = {.holds = 0};
    probe_summary_t summary;
    unsigned missing = 0;

    plan.count = 1000;
    plan.interval = MILLISECOND;
    plan.timeout = 50 * MILLISECOND;
    network.probe = probe_of(plan, *state);
    for (apr_time_t now = START; now < START + 3 * SECOND; now += MILLISECOND) {
        probe_next_t next = probe_next(network.probe, now);

        for (; next.step < PROBE_WAIT; next = probe_next(network.probe, now)) {
            if (next.step == PROBE_SEND) {
                packet_t packet = packet_of(&next.request);

                carry(&network, &packet, now + 500);
            } else {
                missing++;
            }
        }
        summary_at(network.probe, now);
    }
    assert_int_equal(probe_next(network.probe, START + 3 * SECOND).step, PROBE_DONE);
    summary = summary_at(network.probe, START + 3 * SECOND);
    assert_int_equal(missing, 100);
    assert_int_equal(summary.sent, 1000);
    assert_int_equal(summary.received, 900);
    assert_int_equal(summary.lost, 100);
    assert_int_equal(summary.reordered, 100);
    assert_int_equal(summary.replies[REPLY_DUPLICATE], 142 - 14); /* without the lost ones */
    assert_int_equal(summary.outstanding, 0);
    assert_int_equal(summary.bytes, 900 * 32);
    assert_int_equal(summary.minimum, 500);
    assert_int_equal(summary.maximum, 1500); /* held back for a millisecond */
    assert_int_equal(summary.mean, 611);     /* (800 * 500 + 100 * 1500) / 900 */
    assert_in_range(summary.p50, 500, 503);  /* of one bucket */
    assert_in_range(summary.p90, 1488, 1500);
}

/* One datagram is answered late, one never, one is refused by this host and one still waits. */
static void what_timed_out_and_what_left_never_falls(void **state)
{
    probe_t *probe = flood(32, 1, *state);
    probe_summary_t summary;
    request_t requests[4];
    packet_t late;

    for (unsigned i = 0; i < 4; i++) {
        requests[i] = probe_next(probe, START).request;
    }
    late = packet_of(&requests[0]);
    summary = summary_at(probe, START);
    assert_int_equal(summary.sent, 4);
    assert_int_equal(summary.departed, 0);
    probe_sent(probe, requests, 2, START + 1);
    probe_not_sent(probe, &requests[2]);
    summary = summary_at(probe, START + 1);
    assert_int_equal(summary.sent, 3);
    assert_int_equal(summary.departed, 2);
    probe_finish(probe);
    steps_at(probe, PROBE_MISSING, START + 2 * SECOND, 2);
    assert_int_equal(echoed_at(probe, &late, START + 2 * SECOND).verdict, REPLY_LATE);
    summary = summary_at(probe, START + 2 * SECOND);
    assert_int_equal(summary.lost, 1);
    assert_int_equal(summary.timed_out, 2);
    assert_int_equal(summary.departed, 2);
}

static void the_round_trips_of_all_flows_are_counted(void **state)
{
    probe_t *probe = flood(32, 3, *state);
    static round_trips_t all;

    for (unsigned i = 0; i < 3; i++) {
        packet_t packet = sent_at(probe, START);

        echoed_at(probe, &packet, START + 100 * (packet.flow + 1));
    }
    probe_round_trips(probe, &all);
    assert_int_equal(all.count, 3);
    assert_int_equal(all.sum, 600);
    assert_int_equal(histogram_between(&all.histogram, 64, 256), 2);
}

static void reordering_is_that_within_a_flow(void **state)
{
    probe_t *probe = flood(32, 2, *state);
    packet_t packets[4];

    for (unsigned i = 0; i < 4; i++) {
        packets[i] = sent_at(probe, START);
    }
    assert_false(echoed_at(probe, &packets[3], START + 1).is_reordered);
    assert_false(echoed_at(probe, &packets[0], START + 2).is_reordered);
    assert_true(echoed_at(probe, &packets[1], START + 3).is_reordered);
    assert_false(echoed_at(probe, &packets[2], START + 4).is_reordered);
    assert_int_equal(probe_flow_summary(probe, 0, START).reordered, 0);
    assert_int_equal(probe_flow_summary(probe, 1, START).reordered, 1);
    assert_int_equal(summary_at(probe, START + 4).reordered, 1);
}

static void the_whole_is_the_sum_of_its_flows(void **state)
{
    probe_t *probe = flood(32, 3, *state);
    probe_summary_t whole;
    apr_uint64_t received = 0;

    for (unsigned i = 0; i < 30; i++) {
        packet_t packet = sent_at(probe, START + i);

        if (i % 4 > 0) {
            echoed_at(probe, &packet, START + i + 100 * (packet.flow + 1));
        }
    }
    whole = summary_at(probe, START + 1000);
    for (unsigned flow = 0; flow < 3; flow++) {
        probe_summary_t part = probe_flow_summary(probe, flow, START + 1000);

        assert_adds_up(&part);
        assert_int_equal(part.sent, 10);
        assert_int_equal(part.minimum, 100 * (flow + 1));
        assert_int_equal(part.elapsed, 1000 - flow);
        received += part.received;
    }
    assert_int_equal(whole.sent, 30);
    assert_int_equal(whole.received, received);
    assert_int_equal(whole.minimum, 100);
    assert_int_equal(whole.maximum, 300);
    assert_int_equal(whole.elapsed, 1000); /* some are outstanding */
}

static void the_last_flow_ends_the_whole(void **state)
{
    probe_t *probe = flood(32, 2, *state);
    packet_t first = sent_at(probe, START);
    packet_t second = sent_at(probe, START + 5);

    echoed_at(probe, &second, START + 50);
    echoed_at(probe, &first, START + 90);
    assert_int_equal(probe_flow_summary(probe, 0, START + 999).elapsed, 90);
    assert_int_equal(probe_flow_summary(probe, 1, START + 999).elapsed, 45);
    assert_int_equal(summary_at(probe, START + 999).elapsed, 90);
    packet_t third = sent_at(probe, START + 100);
    packet_t fourth = sent_at(probe, START + 100);

    echoed_at(probe, &third, START + 110);
    echoed_at(probe, &fourth, START + 120);
    assert_int_equal(summary_at(probe, START + 999).elapsed, 120);
}

/* The time on the way is in neither of the two. */
static void it_knows_how_long_was_sent_and_how_long_was_answered(void **state)
{
    probe_plan_t plan = plain_plan();

    plan.timeout = 10 * SECOND;
    probe_t *probe = probe_of(plan, *state);
    packet_t packets[4];

    for (unsigned i = 0; i < 4; i++) {
        apr_time_t now = START + i * SECOND;
        request_t request = {.sequence = i};

        packets[i] = sent_at(probe, now);
        probe_sent(probe, &request, 1, now);
    }
    assert_int_equal(summary_at(probe, START + 4 * SECOND).answering, 0);
    for (unsigned i = 1; i < 3; i++) {
        echoed_at(probe, &packets[i], START + (5 + i) * SECOND);
    }
    probe_summary_t summary = summary_at(probe, START + 9 * SECOND);

    assert_int_equal(summary.sending, 3 * SECOND);
    assert_int_equal(summary.answering, 1 * SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_scripted_network_is_described_exactly),
        scene(what_timed_out_and_what_left_never_falls),
        scene(the_round_trips_of_all_flows_are_counted),
        scene(reordering_is_that_within_a_flow),
        scene(the_whole_is_the_sum_of_its_flows),
        scene(the_last_flow_ends_the_whole),
        scene(it_knows_how_long_was_sent_and_how_long_was_answered),
    };

    return cmocka_run_group_tests_name("probe_summary", tests, NULL, NULL);
}
