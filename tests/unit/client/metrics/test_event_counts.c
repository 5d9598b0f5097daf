#include "unit.h"

#include <errno.h>

#include "client/metrics/event_counts.h"
#include "report_script.h"

static event_counts_t *counts_of(apr_pool_t *pool)
{
    event_counts_t *counts = NULL;

    assert_int_equal(event_counts_create(&counts, pool), APR_SUCCESS);
    return counts;
}

static void tell(const event_counts_t *counts, event_t event)
{
    const report_t *report = event_counts_report(counts);

    report->tell(report->context, &event);
}

static void refuse(const event_counts_t *counts, const run_t *run, apr_status_t reason)
{
    arrival_t arrival = script_arrival();
    event_t event = script_event(EVENT_REFUSED, run);

    arrival.refused = reason;
    event.arrival = &arrival;
    tell(counts, event);
}

static void reply(const event_counts_t *counts, const run_t *run, const one_way_t *one_way)
{
    reply_t answer = script_reply(REPLY_ANSWER);
    arrival_t arrival = script_arrival();
    event_t event = script_event(EVENT_REPLY, run);

    event.reply = &answer;
    event.arrival = &arrival;
    event.one_way = one_way;
    tell(counts, event);
}

static void finish(const event_counts_t *counts, const run_t *run, int is_interim)
{
    probe_summary_t summary = script_summary();
    event_t event = script_event(EVENT_SUMMARY, run);

    event.summary = &summary;
    event.is_interim = is_interim;
    tell(counts, event);
}

static apr_uint64_t counted(const peer_events_t *events, metric_t metric, unsigned bucket)
{
    return events->one_way[metric - METRIC_FORWARD_VARIATION].counts[bucket];
}

static void a_peer_is_there_from_its_start_to_its_summary(void **state)
{
    event_counts_t *counts = counts_of(*state);
    run_t run = script_run(MEASURE_PING);
    peer_events_t events;

    refuse(counts, &run, APR_ECONNREFUSED); /* of a run that has not started */
    assert_false(event_counts_read(counts, &run, &events));
    tell(counts, script_event(EVENT_START, &run));
    finish(counts, &run, 1);
    assert_true(event_counts_read(counts, &run, &events));
    assert_int_equal(events.refused[REFUSAL_PORT], 0);
    finish(counts, &run, 0);
    assert_false(event_counts_read(counts, &run, &events));
}

static void refusals_are_counted_by_reason_and_peer(void **state)
{
    event_counts_t *counts = counts_of(*state);
    run_t one = script_run(MEASURE_PING), other = script_run(MEASURE_PING);
    peer_events_t events;

    tell(counts, script_event(EVENT_START, &one));
    tell(counts, script_event(EVENT_START, &other));
    refuse(counts, &one, APR_ECONNREFUSED);
    refuse(counts, &other, APR_EHOSTUNREACH);
    refuse(counts, &other, EMSGSIZE);
    refuse(counts, &other, EMSGSIZE);
    refuse(counts, &other, APR_EGENERAL);
    assert_true(event_counts_read(counts, &one, &events));
    assert_int_equal(events.refused[REFUSAL_PORT], 1);
    assert_int_equal(events.refused[REFUSAL_TOO_BIG], 0);
    assert_true(event_counts_read(counts, &other, &events));
    assert_int_equal(events.refused[REFUSAL_PORT], 0);
    assert_int_equal(events.refused[REFUSAL_HOST], 1);
    assert_int_equal(events.refused[REFUSAL_TOO_BIG], 2);
    assert_int_equal(events.refused[REFUSAL_OTHER], 1);
}

static void one_that_comes_later_begins_at_zero(void **state)
{
    event_counts_t *counts = counts_of(*state);
    run_t one = script_run(MEASURE_PING), other = script_run(MEASURE_PING);
    peer_events_t events;

    for (unsigned i = 0; i < 3; i++) {
        run_t *run = i % 2 == 0 ? &one : &other;

        tell(counts, script_event(EVENT_START, run));
        refuse(counts, run, APR_ECONNREFUSED);
        assert_true(event_counts_read(counts, run, &events));
        assert_int_equal(events.refused[REFUSAL_PORT], 1);
        finish(counts, run, 0);
    }
}

static void delays_are_counted_each_way(void **state)
{
    event_counts_t *counts = counts_of(*state);
    run_t run = script_run(MEASURE_PING);
    reflection_t once = {.number = 0}, again = {.is_repeated = 1};
    one_way_t one_way = {.reflection = &once,
                         .has_delays = 1,
                         .forward = -5,
                         .backward = 200,
                         .forward_above = 0,
                         .backward_above = 70};
    peer_events_t events;

    tell(counts, script_event(EVENT_START, &run));
    reply(counts, &run, NULL);
    reply(counts, &run, &one_way);
    one_way.is_true = 1;
    reply(counts, &run, &one_way);
    one_way.reflection = &again;
    reply(counts, &run, &one_way);
    one_way.reflection = &once;
    one_way.has_delays = one_way.is_true = 0; /* this host's clock was set */
    reply(counts, &run, &one_way);
    assert_true(event_counts_read(counts, &run, &events));
    assert_int_equal(counted(&events, METRIC_FORWARD_VARIATION, 0), 2);
    assert_int_equal(counted(&events, METRIC_BACKWARD_VARIATION, 1), 2);
    assert_int_equal(counted(&events, METRIC_FORWARD_DELAY, 0), 1);
    assert_int_equal(counted(&events, METRIC_BACKWARD_DELAY, 4), 1); /* 192 to 256 us */
    assert_int_equal(events.one_way[METRIC_FORWARD_DELAY - METRIC_FORWARD_VARIATION].sum_us, 0);
    assert_int_equal(events.one_way[METRIC_BACKWARD_DELAY - METRIC_FORWARD_VARIATION].sum_us, 200);
}

static void failed_lookups_are_counted_by_target(void **state)
{
    event_counts_t *counts = counts_of(*state);
    run_t run = {.host = apr_pstrdup(*state, "one.example")};
    event_t event = script_event(EVENT_LOOKUP, &run);

    event.status = APR_EGENERAL;
    assert_int_equal(event_counts_lookups(counts, *state)->nelts, 0);
    tell(counts, event);
    tell(counts, event);
    memcpy((char *)run.host, "two", 3); /* in the place of the first */
    tell(counts, event);
    apr_array_header_t *lookups = event_counts_lookups(counts, *state);

    assert_int_equal(lookups->nelts, 2);
    assert_string_equal(APR_ARRAY_IDX(lookups, 0, target_lookups_t).target, "one.example");
    assert_int_equal(APR_ARRAY_IDX(lookups, 0, target_lookups_t).failures, 2);
    assert_string_equal(APR_ARRAY_IDX(lookups, 1, target_lookups_t).target, "two.example");
    assert_int_equal(APR_ARRAY_IDX(lookups, 1, target_lookups_t).failures, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_peer_is_there_from_its_start_to_its_summary),
        scene(refusals_are_counted_by_reason_and_peer),
        scene(one_that_comes_later_begins_at_zero),
        scene(delays_are_counted_each_way),
        scene(failed_lookups_are_counted_by_target),
    };

    return cmocka_run_group_tests_name("counts of events", tests, NULL, NULL);
}
