/* What interim reports say of an interval. */

#include "unit.h"

#include "client/core/interval.h"

#define SECOND APR_USEC_PER_SEC

static void it_counts_from_where_it_begins(void **state)
{
    const probe_summary_t before = {
        .sent = 10, .departed = 10, .received = 7, .timed_out = 2, .outstanding = 1};
    const probe_summary_t now = {
        .sent = 15, .departed = 15, .received = 11, .timed_out = 3, .outstanding = 1};
    interval_t interval;

    (void)state;
    interval_begin(&interval, &before, 5 * SECOND);
    interval_add(&interval, 100);
    interval_add(&interval, 300);
    probe_summary_t part = interval_summary(&interval, &now, 15 * SECOND);

    assert_int_equal(part.sent, 5);
    assert_int_equal(part.received, 4);
    assert_int_equal(part.lost, 1);
    assert_int_equal(part.outstanding, 1);
    assert_int_equal(part.elapsed, 10 * SECOND);
    assert_int_equal(part.timed, 2);
    assert_int_equal(part.minimum, 100);
    assert_int_equal(part.maximum, 300);
}

static void a_late_answer_does_not_undo_a_loss_of_an_earlier_interval(void **state)
{
    const probe_summary_t before = {.sent = 10, .departed = 10, .received = 8, .timed_out = 2};
    const probe_summary_t now = {
        .sent = 11, .departed = 11, .received = 10, .timed_out = 2, .late = 1};
    interval_t interval;

    (void)state;
    interval_begin(&interval, &before, 0);
    probe_summary_t part = interval_summary(&interval, &now, SECOND);

    assert_int_equal(part.received, 2);
    assert_int_equal(part.late, 1);
    assert_int_equal(part.lost, 0);
}

static void an_answer_that_comes_late_in_the_same_interval_was_lost_in_it(void **state)
{
    const probe_summary_t before = {.sent = 10, .departed = 10, .received = 10};
    const probe_summary_t now = {
        .sent = 11, .departed = 11, .received = 11, .timed_out = 1, .late = 1};
    interval_t interval;

    (void)state;
    interval_begin(&interval, &before, 0);
    assert_int_equal(interval_summary(&interval, &now, SECOND).lost, 1);
}

/* How many datagrams an answer or the timeout came for. */
static apr_uint64_t known_of(const probe_summary_t *part)
{
    return part->sent + part->outstanding_before - part->outstanding;
}

/* What is outstanding at the end may be more than what was sent in the interval. */
static void it_knows_the_fate_of_what_was_sent_before_it(void **state)
{
    const probe_summary_t before = {
        .sent = 3, .departed = 3, .timed_out = 1, .lost = 1, .outstanding = 2};
    const probe_summary_t now = {
        .sent = 4, .departed = 4, .timed_out = 2, .lost = 2, .outstanding = 2};
    const probe_summary_t last = {.sent = 4, .departed = 4, .timed_out = 4, .lost = 4};
    interval_t interval;
    probe_summary_t part;

    (void)state;
    interval_begin(&interval, &before, 0);
    part = interval_summary(&interval, &now, SECOND);
    assert_int_equal(part.lost, 1);
    assert_int_equal(part.outstanding, 2);
    assert_int_equal(part.lost, known_of(&part));
    interval_begin(&interval, &now, SECOND);
    part = interval_summary(&interval, &last, 2 * SECOND);
    assert_int_equal(part.sent, 0);
    assert_int_equal(part.lost, known_of(&part));
}

/* This host had no room for two, and gave them up in the next interval. */
static void requests_that_were_not_sent_count_in_no_interval(void **state)
{
    const probe_summary_t before = {.sent = 5, .departed = 3, .received = 3, .outstanding = 2};
    const probe_summary_t now = {.sent = 3, .departed = 3, .received = 3, .not_sent = 2};
    interval_t interval;

    (void)state;
    interval_begin(&interval, &before, 0);
    probe_summary_t part = interval_summary(&interval, &now, SECOND);

    assert_int_equal(part.sent, 0);
    assert_int_equal(part.not_sent, 2);
    assert_int_equal(known_of(&part), 0);
}

static void an_empty_interval_has_no_round_trips(void **state)
{
    const probe_summary_t summary = {
        .sent = 3, .departed = 3, .received = 3, .minimum = 5, .timed = 3};
    interval_t interval;

    (void)state;
    interval_begin(&interval, &summary, 0);
    probe_summary_t part = interval_summary(&interval, &summary, SECOND);

    assert_int_equal(part.sent, 0);
    assert_int_equal(part.timed, 0);
    assert_int_equal(part.minimum, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(it_counts_from_where_it_begins),
        scene(a_late_answer_does_not_undo_a_loss_of_an_earlier_interval),
        scene(an_answer_that_comes_late_in_the_same_interval_was_lost_in_it),
        scene(it_knows_the_fate_of_what_was_sent_before_it),
        scene(requests_that_were_not_sent_count_in_no_interval),
        scene(an_empty_interval_has_no_round_trips),
    };

    return cmocka_run_group_tests_name("interval", tests, NULL, NULL);
}
