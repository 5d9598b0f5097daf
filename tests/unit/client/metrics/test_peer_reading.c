/* What is read of a peer, which a scripted network answers. */

#include "unit.h"

#include "client/metrics/peer_reading.h"
#include "report_script.h"
#include "scripted_probe.h"

typedef struct peer {
    run_t run;
    probe_t *probe;
    event_counts_t *events;
    packet_t packets[10];
} peer_t;

static void tell_start(event_counts_t *events, const run_t *run)
{
    const report_t *report = event_counts_report(events);
    event_t event = script_event(EVENT_START, run);

    report->tell(report->context, &event);
}

/* Ten datagrams left. */
static peer_t *begin(apr_pool_t *pool)
{
    peer_t *peer = apr_pcalloc(pool, sizeof *peer);

    peer->run = script_run(MEASURE_PING);
    peer->probe = flood(32, 2, pool);
    assert_int_equal(event_counts_create(&peer->events, pool), APR_SUCCESS);
    tell_start(peer->events, &peer->run);
    for (unsigned i = 0; i < 10; i++) {
        probe_next_t next = probe_next(peer->probe, START);

        peer->packets[i] = packet_of(&next.request);
        probe_sent(peer->probe, &next.request, 1, START);
    }
    return peer;
}

static peer_reading_t *read_at(const peer_t *peer, apr_time_t now, apr_pool_t *pool)
{
    return peer_reading_take(&peer->run, peer->probe, NULL, peer->events, now, pool);
}

static void the_numbers_are_those_of_the_summary(void **state)
{
    peer_t *peer = begin(*state);

    for (unsigned i = 0; i < 6; i++) {
        echoed_at(peer->probe, &peer->packets[i], START + 100 * i);
    }
    echoed_at(peer->probe, &peer->packets[0], START + 700);
    probe_finish(peer->probe);
    steps_at(peer->probe, PROBE_MISSING, START + SECOND, 10);
    echoed_at(peer->probe, &peer->packets[9], START + 2 * SECOND);

    probe_summary_t summary = summary_at(peer->probe, START + 2 * SECOND);
    const peer_reading_t *reading = read_at(peer, START + 2 * SECOND, *state);

    assert_int_equal(reading->numbers[METRIC_SENT], summary.sent);
    assert_int_equal(reading->numbers[METRIC_RECEIVED], summary.received);
    assert_int_equal(reading->numbers[METRIC_RECEIVED_BYTES], summary.bytes);
    assert_int_equal(reading->numbers[METRIC_LOST], summary.lost);
    assert_int_equal(reading->numbers[METRIC_LOST], 3);
    assert_int_equal(reading->numbers[METRIC_TIMED_OUT], 4);
    assert_int_equal(reading->numbers[METRIC_OUTSTANDING], 0);
    assert_int_equal(reading->replies[REPLY_ANSWER], 6);
    assert_int_equal(reading->replies[REPLY_LATE], 1);
    assert_int_equal(reading->replies[REPLY_DUPLICATE], 1);
    assert_int_equal(reading->times[0].counts[0], 1); /* 0 */
    assert_int_equal(reading->times[0].counts[2], 1); /* 100 */
    assert_int_equal(reading->times[0].sum_us, 100 + 200 + 300 + 400 + 500 + 2 * SECOND);
    assert_false(reading->has_directions);
}

static void labels_name_the_peer(void **state)
{
    peer_t *peer = begin(*state);

    peer->run.host = "strange\"name";
    peer->run.dscp = 46;
    assert_string_equal(read_at(peer, START, *state)->labels,
                        "target=\"strange\\\"name\",address=\"192.0.2.1:7\",protocol=\"echo\","
                        "dscp=\"46\"");
}

static void one_that_has_ended_is_not_read(void **state)
{
    peer_t *peer = begin(*state);
    run_t other = peer->run;

    assert_null(peer_reading_take(&other, peer->probe, NULL, peer->events, START, *state));
}

static void losses_are_known_of_a_peer_that_counts(void **state)
{
    peer_t *peer = begin(*state);
    directions_t *directions = directions_create(
        &(directions_options_t){.flows = 2, .counting = COUNTING_SESSION}, *state);
    reflection_t reflection = {.number = 0};
    reply_t reply = script_reply(REPLY_ANSWER);

    assert_false(peer_reading_take(&peer->run, peer->probe, directions, peer->events, START, *state)
                     ->has_losses);
    reply.reflection = &reflection;
    directions_add(directions, &reply, 0, 64, 0);
    reflection.number = 5; /* the fourth request that arrived, of six; its is the third reply */
    reflection.peer_number = 3;
    directions_add(directions, &reply, 0, 64, 0);
    const peer_reading_t *reading =
        peer_reading_take(&peer->run, peer->probe, directions, peer->events, START, *state);

    assert_true(reading->has_directions);
    assert_true(reading->has_losses);
    assert_int_equal(reading->numbers[METRIC_LOST_FORWARD], 2);
    assert_int_equal(reading->numbers[METRIC_LOST_BACKWARD], 2);
}

static void merged_ones_are_added_up(void **state)
{
    peer_t *peer = begin(*state);
    peer_reading_t *one, *other;

    echoed_at(peer->probe, &peer->packets[0], START + 100);
    one = read_at(peer, START, *state);
    other = read_at(peer, START, *state);
    other->refused[REFUSAL_HOST] = 3;
    peer_reading_merge(one, other);
    assert_int_equal(one->numbers[METRIC_SENT], 20);
    assert_int_equal(one->numbers[METRIC_RECEIVED], 2);
    assert_int_equal(one->replies[REPLY_ANSWER], 2);
    assert_int_equal(one->refused[REFUSAL_HOST], 3);
    assert_int_equal(one->times[0].counts[2], 2);
    assert_int_equal(one->times[0].sum_us, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(the_numbers_are_those_of_the_summary),
        scene(labels_name_the_peer),
        scene(one_that_has_ended_is_not_read),
        scene(losses_are_known_of_a_peer_that_counts),
        scene(merged_ones_are_added_up),
    };

    return cmocka_run_group_tests_name("readings of a peer", tests, NULL, NULL);
}
