/* Which targets of a list are asked, and when they begin and end. */

#include "targets_fixture.h"

#include <apr_strings.h>

#include "unit.h"

static void addresses_are_asked_at_once_spread_over_the_interval(void **state)
{
    fixture_t fixture;

    open_fixture(&fixture, &plain, *state);
    replace(&fixture, "192.0.2.1 192.0.2.2 2001:db8::1 192.0.2.4");
    assert_int_equal(run_with(&fixture, START, 0), TARGET_NEVER); /* there is nothing to look up */
    assert_happened(&fixture, "192.0.2.1 192.0.2.1 at 0; 192.0.2.2 192.0.2.2 at 250; "
                              "2001:db8::1 2001:db8::1 at 500; 192.0.2.4 192.0.2.4 at 750");
    assert_int_equal(targets_count(fixture.targets), 4);
    assert_int_equal(targets_tell_not_asked(fixture.targets), 0);
    targets_close(fixture.targets);
}

static void targets_that_were_not_due_before_the_end_were_not_asked(void **state)
{
    const char *list = "192.0.2.1";
    fixture_t fixture;

    for (int i = 2; i <= 40; i++) {
        list = apr_psprintf(*state, "%s 192.0.2.%d", list, i);
    }
    open_fixture(&fixture, &plain, *state);
    replace(&fixture, list);
    fixture.is_without_log = 1;
    targets_run(fixture.targets, START);
    assert_in_range(fixture.peers->nelts, 1, 39); /* a part of them at a time */
    assert_int_equal(targets_tell_not_asked(fixture.targets),
                     targets_count(fixture.targets) - (unsigned)fixture.peers->nelts);
    targets_close(fixture.targets);
}

static void a_new_list_keeps_targets_that_both_lists_have(void **state)
{
    fixture_t fixture;

    open_fixture(&fixture, &plain, *state);
    set_entry(&fixture, 0, "a", "192.0.2.1");
    replace(&fixture, "192.0.2.7 a 192.0.2.8 192.0.2.9");
    run_with(&fixture, START, 1);
    fixture.log = "";
    replace(&fixture, "192.0.2.5 A:7 192.0.2.9");
    assert_int_equal(run_with(&fixture, START + SECOND, 0), START + 300 * SECOND);
    assert_happened(&fixture, "no more 192.0.2.7; no more 192.0.2.8; 192.0.2.5 192.0.2.5 at 1500");
    assert_int_equal(targets_count(fixture.targets), 3);
    end_finished(&fixture);
    replace(&fixture, "192.0.2.5 a 192.0.2.9");
    run_with(&fixture, START + 2 * SECOND, 0);
    assert_happened(&fixture, "");
    targets_close(fixture.targets);
}

static void a_target_that_is_added_again_starts_over(void **state)
{
    fixture_t fixture;

    open_fixture(&fixture, &plain, *state);
    replace(&fixture, "192.0.2.1 192.0.2.2");
    run_with(&fixture, START, 0);
    fixture.log = "";
    replace(&fixture, "192.0.2.1");
    run_with(&fixture, START + SECOND, 0);
    replace(&fixture, "192.0.2.1 192.0.2.2");
    run_with(&fixture, START + SECOND, 0); /* its first time is not over yet */
    assert_happened(&fixture, "no more 192.0.2.2; 192.0.2.2 192.0.2.2 at 1500");
    end_finished(&fixture);
    targets_close(fixture.targets);
}

static void it_is_an_error_if_nothing_can_be_asked_at_the_start(void **state)
{
    fixture_t fixture;

    open_fixture(&fixture, &plain, *state);
    fixture.refusal = EMFILE;
    replace(&fixture, "192.0.2.1 192.0.2.2");
    assert_int_equal(run_at(&fixture, START), TARGET_NEVER);
    assert_happened(&fixture, "error: no socket for 192.0.2.1");
    targets_close(fixture.targets);
}

static void what_cannot_be_asked_at_the_start_is_tried_again_if_something_can(void **state)
{
    fixture_t fixture;

    open_fixture(&fixture, &plain, *state);
    replace(&fixture, "fe80::1%nosuch0 192.0.2.2");
    assert_int_equal(run_at(&fixture, START), START + 10 * SECOND);
    assert_happened(&fixture, "192.0.2.2 192.0.2.2 at 500; fe80::1%nosuch0 cannot be asked");
    assert_int_equal(run_at(&fixture, START + 10 * SECOND), START + 20 * SECOND);
    assert_happened(&fixture, "fe80::1%nosuch0 cannot be asked");
    targets_close(fixture.targets);
}

static void an_address_that_cannot_be_asked_later_is_tried_again(void **state)
{
    fixture_t fixture;

    open_fixture(&fixture, &plain, *state);
    replace(&fixture, "192.0.2.1");
    run_with(&fixture, START, 0);
    fixture.log = "";
    fixture.refusal = EMFILE;
    replace(&fixture, "192.0.2.1 192.0.2.2");
    assert_int_equal(run_with(&fixture, START + SECOND, 0), START + 11 * SECOND);
    assert_happened(&fixture, "192.0.2.2 cannot be asked");
    fixture.refusal = APR_SUCCESS;
    assert_int_equal(run_with(&fixture, START + 11 * SECOND, 0), TARGET_NEVER);
    assert_happened(&fixture, "192.0.2.2 192.0.2.2 at 11500");
    targets_close(fixture.targets);
}

static void a_target_that_was_asked_often_enough_is_left_alone(void **state)
{
    fixture_t fixture;

    open_fixture(&fixture, &plain, *state);
    set_entry(&fixture, 0, "a", "192.0.2.1");
    replace(&fixture, "a");
    run_with(&fixture, START, 1);
    fixture.log = "";
    target_ended(APR_ARRAY_IDX(fixture.peers, 0, peer_t *)->asked);
    set_entry(&fixture, 0, "a", "192.0.2.2");
    assert_int_equal(run_with(&fixture, START + 300 * SECOND, 1), TARGET_NEVER);
    assert_happened(&fixture, "");
    targets_close(fixture.targets);
}

/* Opening thousands of sockets at once would delay the requests to other targets. */
static void many_begin_a_few_at_a_time(void **state)
{
    fixture_t fixture;
    const char *names = "";
    int former = 0;

    open_fixture(&fixture, &plain, *state);
    for (unsigned i = 0; i < 100; i++) {
        names = apr_psprintf(*state, "%s 192.0.2.%u", names, i + 1);
    }
    replace(&fixture, names);
    while (fixture.peers->nelts < 100) {
        assert_int_equal(targets_run(fixture.targets, START), START);
        assert_in_range(fixture.peers->nelts - former, 1, 20);
        former = fixture.peers->nelts;
    }
    assert_int_equal(run_at(&fixture, START), TARGET_NEVER);
    targets_close(fixture.targets);
}

static void the_only_target_may_be_known(void **state)
{
    fixture_t fixture;
    apr_sockaddr_t *found;
    const address_t address = {.host = "192.0.2.3", .port = 7};

    open_fixture(&fixture, &plain, *state);
    assert_int_equal(address_resolve(&found, &address, *state), APR_SUCCESS);
    const destination_t known = {.peer = found};

    targets_start_with(fixture.targets, list_of("a", *state), &known);
    assert_int_equal(run_with(&fixture, START, 0), START + 300 * SECOND);
    assert_happened(&fixture, "a 192.0.2.3 at 0");
    targets_close(fixture.targets);
}

static void addresses_are_checked_without_asking_anybody(void **state)
{
    const client_settings_t settings = {.size = 56, .ipv6 = 1};
    const destination_rules_t rules = {.settings = &settings};

    assert_null(targets_check(list_of("2001:db8::1 a.example fe80::1%nosuch0", *state), &rules));
    assert_string_equal(targets_check(list_of("2001:db8::1 192.0.2.1", *state), &rules),
                        "192.0.2.1: it has no IPv6 (--ipv6) address");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(addresses_are_asked_at_once_spread_over_the_interval),
        scene(targets_that_were_not_due_before_the_end_were_not_asked),
        scene(a_new_list_keeps_targets_that_both_lists_have),
        scene(a_target_that_is_added_again_starts_over),
        scene(it_is_an_error_if_nothing_can_be_asked_at_the_start),
        scene(what_cannot_be_asked_at_the_start_is_tried_again_if_something_can),
        scene(an_address_that_cannot_be_asked_later_is_tried_again),
        scene(a_target_that_was_asked_often_enough_is_left_alone),
        scene(many_begin_a_few_at_a_time),
        scene(the_only_target_may_be_known),
        scene(addresses_are_checked_without_asking_anybody),
    };

    return cmocka_run_group_tests_name("targets", tests, NULL, NULL);
}
