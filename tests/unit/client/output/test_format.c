#include "unit.h"

#include <errno.h>

#include "client/output/format.h"
#include "endpoints.h"

static const char *loss(apr_uint64_t lost, apr_uint64_t sent, apr_uint64_t outstanding, void **pool)
{
    probe_summary_t summary = {.sent = sent, .lost = lost, .outstanding = outstanding};

    return loss_percent(&summary, *pool);
}

static void loss_has_no_more_digits_than_it_needs(void **state)
{
    assert_string_equal(loss(0, 10, 0, state), "0");
    assert_string_equal(loss(10, 10, 0, state), "100");
    assert_string_equal(loss(1, 10, 0, state), "10");
    assert_string_equal(loss(1, 8, 0, state), "12.5");
    assert_string_equal(loss(1, 3, 0, state), "33.3333");
    assert_string_equal(loss(2, 3, 0, state), "66.6667");
}

static void loss_is_never_rounded_to_nothing_or_to_all(void **state)
{
    assert_string_equal(loss(1, 1000000000, 0, state), "0.0001");
    assert_string_equal(loss(999999999, 1000000000, 0, state), "99.9999");
    assert_string_equal(loss(APR_UINT64_MAX - 1, APR_UINT64_MAX, 0, state), "99.9999");
}

static void what_may_still_be_answered_is_no_part_of_the_loss(void **state)
{
    assert_string_equal(loss(1, 12, 2, state), "10");
    assert_null(loss(0, 5, 5, state));
    assert_null(loss(0, 0, 0, state));
}

/* Two were outstanding when the interval began; three are at its end. */
static void loss_of_an_interval_is_of_what_was_decided_in_it(void **state)
{
    probe_summary_t summary = {
        .sent = 2, .lost = 1, .outstanding = 3, .outstanding_before = 2, .is_scheduled = 1};

    assert_string_equal(loss_percent(&summary, *state), "100");
    assert_string_equal(short_loss(&summary, *state), "100");
    summary.outstanding = 4;
    summary.lost = 0;
    assert_null(loss_percent(&summary, *state));
}

static void milliseconds_keep_every_microsecond(void **state)
{
    assert_string_equal(thousandths(0, *state), "0.000");
    assert_string_equal(thousandths(7, *state), "0.007");
    assert_string_equal(thousandths(1204113, *state), "1204.113");
}

static void tables_have_room_for_six_characters(void **state)
{
    static const struct {
        apr_int64_t microseconds;
        const char *text;
    } cases[] = {
        {0, "0.000"},        {99999, "99.999"},   {100000, "100.00"},
        {999999, "999.99"},  {1000000, "1000.0"}, {1204113, "1204.1"},
        {9999999, "9999.9"}, {10000000, "10000"}, {3600000000, "3600000"},
    };
    probe_summary_t summary = {.sent = 100000, .lost = 10001};

    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(short_milliseconds(cases[i].microseconds, *state), cases[i].text);
    }
    assert_string_equal(short_loss(&summary, *state), "10.00");
    summary.sent = 3;
    summary.lost = 2;
    assert_string_equal(short_loss(&summary, *state), "66.67");
    summary.sent = 1000000000;
    summary.lost = 1;
    assert_string_equal(short_loss(&summary, *state), "0.01");
    summary.lost = 999999999;
    assert_string_equal(short_loss(&summary, *state), "99.99");
    summary.lost = summary.sent;
    assert_string_equal(short_loss(&summary, *state), "100");
    summary.lost = 0;
    assert_string_equal(short_loss(&summary, *state), "0");
    summary.outstanding = summary.sent;
    assert_string_equal(short_loss(&summary, *state), "-");
}

static void rates_are_rounded_to_the_nearest(void **state)
{
    (void)state;
    assert_int_equal(per_second(5, 0), 0);
    assert_int_equal(per_second(2, 3000000), 1);
    assert_int_equal(per_second(1000000, 3000000), 333333);
    assert_int_equal(per_second(APR_UINT64_C(1) << 60, 1000000), APR_UINT64_C(1) << 60);
}

static void addresses_come_without_brackets_and_port(void **state)
{
    endpoint_t one = ipv4(0xc00002fe, 0);
    endpoint_t other = ipv6(0x20, 0x01, 1, 7);

    assert_string_equal(address_text(&one, *state), "192.0.2.254");
    assert_string_equal(address_text(&other, *state), "2001::1");
}

static void refusals_have_words_of_their_own(void **state)
{
    assert_string_equal(refusal_words(APR_ECONNREFUSED, *state), "port unreachable");
    assert_string_equal(refusal_words(APR_EHOSTUNREACH, *state), "host unreachable");
    assert_string_equal(refusal_words(APR_ENETUNREACH, *state), "network unreachable");
    assert_string_equal(refusal_words(EMSGSIZE, *state), "too big");
    assert_string_equal(refusal_words(APR_EACCES, *state),
                        "administratively prohibited (a packet filter)");
    assert_string_not_equal(refusal_words(APR_ENOTSOCK, *state), "");
}

static void what_this_host_refuses_has_its_reason(void **state)
{
    static const char prohibited[] = "prohibited by a packet filter or a route of this host";

    assert_string_equal(not_sent_words(EPERM, *state), prohibited);
    assert_string_equal(not_sent_words(APR_EACCES, *state), prohibited);
    assert_string_equal(not_sent_words(APR_ENETUNREACH, *state), "network unreachable");
    assert_string_equal(not_sent_words(EMSGSIZE, *state), "too big");
}

static void ports_are_told_if_they_are_known(void **state)
{
    const apr_port_t ports[] = {40000, 40001};
    run_t run = {.flows = 2, .ports = ports};

    (void)state;
    assert_int_equal(source_port(&run, 1), 40001);
    assert_int_equal(source_port(&run, 2), 0);
    run.ports = NULL;
    assert_int_equal(source_port(&run, 1), 0);
}

static void milliseconds_have_the_decimals_asked_for(void **state)
{
    assert_int_equal(decimals_needed(0), 0);
    assert_int_equal(decimals_needed(10000), 0);
    assert_int_equal(decimals_needed(1500), 1);
    assert_int_equal(decimals_needed(10), 2);
    assert_int_equal(decimals_needed(63), 3);
    assert_string_equal(milliseconds(0, 0, *state), "0");
    assert_string_equal(milliseconds(1500, 1, *state), "1.5");
    assert_string_equal(milliseconds(1500, 3, *state), "1.500");
    assert_string_equal(milliseconds(1999, 0, *state), "1");
}

/* The bitrate for 10 datagrams of 100 bytes and 28 bytes of headers, one every 100 ms. */
static apr_uint64_t received_at(apr_uint64_t received, apr_interval_time_t answering)
{
    const probe_summary_t summary = {.sent = 10,
                                     .received = received,
                                     .bytes = 100 * received,
                                     .is_scheduled = 1,
                                     .elapsed = 1500 * 1000,
                                     .sending = 900 * 1000,
                                     .answering = answering};
    const run_t run = {.peer = ipv4(0xc0000201, 7), .size = 100};
    const event_t event = {.kind = EVENT_SUMMARY, .run = &run, .summary = &summary};

    assert_int_equal(bitrate_sent(&event), 8 * 1280);
    return bitrate_received(&event);
}

static void bitrates_leave_out_the_way(void **state)
{
    (void)state;
    assert_int_equal(received_at(10, 900 * 1000), 8 * 1280);
    assert_int_equal(received_at(10, 1800 * 1000), 8 * 640); /* it was queued */
    assert_int_equal(received_at(2, 100 * 1000), 8 * 256);   /* the others are lost */
    assert_int_equal(received_at(1, 0), 8 * 128);
    assert_int_equal(received_at(0, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(loss_has_no_more_digits_than_it_needs),
        scene(loss_is_never_rounded_to_nothing_or_to_all),
        scene(what_may_still_be_answered_is_no_part_of_the_loss),
        scene(loss_of_an_interval_is_of_what_was_decided_in_it),
        scene(milliseconds_keep_every_microsecond),
        scene(tables_have_room_for_six_characters),
        scene(rates_are_rounded_to_the_nearest),
        scene(addresses_come_without_brackets_and_port),
        scene(refusals_have_words_of_their_own),
        scene(what_this_host_refuses_has_its_reason),
        scene(ports_are_told_if_they_are_known),
        scene(milliseconds_have_the_decimals_asked_for),
        scene(bitrates_leave_out_the_way),
    };

    return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
