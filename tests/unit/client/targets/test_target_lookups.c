/* Lookups of targets by a name service, and the addresses that are asked for them. */

#include "targets_fixture.h"

#include <apr_strings.h>

#include "udpecho/clock.h"
#include "unit.h"

static void a_name_is_asked_when_it_is_found_in_its_own_phase(void **state)
{
    fixture_t fixture;

    open_fixture(&fixture, &plain, *state);
    set_entry(&fixture, 0, "a", "192.0.2.1 192.0.2.2");
    replace(&fixture, "192.0.2.9 a");
    assert_int_equal(run_with(&fixture, START, 1), START + 300 * SECOND);
    assert_happened(&fixture, "192.0.2.9 192.0.2.9 at 0; a 192.0.2.1 at 500");
    targets_close(fixture.targets);
}

static void a_name_that_is_not_found_is_looked_up_again_soon(void **state)
{
    fixture_t fixture;

    open_fixture(&fixture, &plain, *state);
    replace(&fixture, "a");
    assert_int_equal(run_with(&fixture, START, 1), START + 10 * SECOND);
    assert_happened(&fixture, "a failed");
    assert_int_equal(targets_tell_not_asked(fixture.targets), 1);
    assert_happened(&fixture, "a not asked");
    run_with(&fixture, START + 10 * SECOND - 1, 0);
    assert_happened(&fixture, "");
    set_entry(&fixture, 0, "a", "192.0.2.1");
    run_with(&fixture, START + 10 * SECOND + SECOND / 2, 1);
    assert_happened(&fixture, "a 192.0.2.1 at 11000");
    assert_int_equal(targets_tell_not_asked(fixture.targets), 0);
    targets_close(fixture.targets);
}

static void a_failure_is_not_tried_again_sooner_than_a_success(void **state)
{
    const targets_options_t options = {.resolve_interval = 2 * SECOND};
    fixture_t fixture;

    open_fixture(&fixture, &options, *state);
    replace(&fixture, "a");
    assert_int_equal(run_with(&fixture, START, 1), START + 2 * SECOND);
    targets_close(fixture.targets);
}

/* Round-robin DNS rotates the addresses. */
static void an_address_that_is_still_among_the_answers_stays(void **state)
{
    fixture_t fixture;

    open_fixture(&fixture, &plain, *state);
    set_entry(&fixture, 0, "a", "192.0.2.1 192.0.2.2 192.0.2.3");
    replace(&fixture, "a");
    run_with(&fixture, START, 1);
    assert_happened(&fixture, "a 192.0.2.1 at 0");
    set_entry(&fixture, 0, "a", "192.0.2.3 192.0.2.1 192.0.2.2");
    run_with(&fixture, START + 300 * SECOND, 1);
    assert_happened(&fixture, "");
    targets_close(fixture.targets);
}

static void another_address_takes_the_place_of_the_former(void **state)
{
    fixture_t fixture;

    open_fixture(&fixture, &plain, *state);
    set_entry(&fixture, 0, "a", "192.0.2.1");
    replace(&fixture, "192.0.2.9 a");
    run_with(&fixture, START, 1);
    assert_happened(&fixture, "192.0.2.9 192.0.2.9 at 0; a 192.0.2.1 at 500");
    set_entry(&fixture, 0, "a", "192.0.2.2");
    assert_int_equal(run_with(&fixture, START + 300 * SECOND, 1), START + 600 * SECOND);
    assert_happened(&fixture, "a now 192.0.2.2 at 300500; no more 192.0.2.1");
    end_finished(&fixture);
    set_entry(&fixture, 0, "a", "192.0.2.1");
    run_with(&fixture, START + 600 * SECOND, 1);
    assert_happened(&fixture, "a now 192.0.2.1 at 600500; no more 192.0.2.2");
    targets_close(fixture.targets);
}

static void a_failure_changes_nothing_that_is_asked(void **state)
{
    fixture_t fixture;

    open_fixture(&fixture, &plain, *state);
    set_entry(&fixture, 0, "a", "192.0.2.1");
    replace(&fixture, "a");
    run_with(&fixture, START, 1);
    set_entry(&fixture, 0, "a", "");
    fixture.log = "";
    assert_int_equal(run_with(&fixture, START + 300 * SECOND, 1), START + 310 * SECOND);
    assert_happened(&fixture, "a failed, stays 192.0.2.1");
    set_entry(&fixture, 0, "a", "192.0.2.2");
    fixture.refusal = EMFILE;
    run_with(&fixture, START + 310 * SECOND, 1);
    assert_happened(&fixture, "a cannot be asked, stays 192.0.2.1");
    fixture.refusal = APR_SUCCESS;
    assert_int_equal(run_with(&fixture, START + 320 * SECOND, 1), START + 620 * SECOND);
    assert_happened(&fixture, "a now 192.0.2.2 at 320000; no more 192.0.2.1");
    targets_close(fixture.targets);
}

static void a_name_without_an_address_of_the_family_has_failed(void **state)
{
    fixture_t fixture;

    open_fixture(&fixture, &plain, *state);
    fixture.settings.ipv6 = 1;
    set_entry(&fixture, 0, "a", "192.0.2.1");
    replace(&fixture, "a");
    assert_int_equal(run_with(&fixture, START, 1), START + 10 * SECOND);
    assert_happened(&fixture, "a failed, no address");
    targets_close(fixture.targets);
}

static void names_are_looked_up_once_without_a_resolve_interval(void **state)
{
    const targets_options_t options = {.resolve_interval = 0};
    fixture_t fixture;

    open_fixture(&fixture, &options, *state);
    set_entry(&fixture, 0, "a", "192.0.2.1");
    replace(&fixture, "a b");
    assert_int_equal(run_with(&fixture, START, 2), START + 10 * SECOND); /* b was not found */
    set_entry(&fixture, 1, "b", "192.0.2.2");
    assert_int_equal(run_with(&fixture, START + 10 * SECOND, 1), TARGET_NEVER);
    targets_close(fixture.targets);
}

static void all_addresses_of_a_name_can_be_asked(void **state)
{
    const targets_options_t options = {.all_addresses = 1, .resolve_interval = 300 * SECOND};
    fixture_t fixture;

    open_fixture(&fixture, &options, *state);
    set_entry(&fixture, 0, "a", "192.0.2.1 192.0.2.2 2001:db8::1");
    replace(&fixture, "a");
    run_with(&fixture, START, 1);
    assert_happened(&fixture, "a 192.0.2.1 at 0; a 192.0.2.2 at 500; a 2001:db8::1 at 250");
    set_entry(&fixture, 0, "a", "2001:db8::1 192.0.2.4 192.0.2.1");
    run_with(&fixture, START + 300 * SECOND, 1);
    assert_happened(&fixture, "a now 192.0.2.4 at 300500; no more 192.0.2.2");
    end_finished(&fixture);
    set_entry(&fixture, 0, "a", "192.0.2.4");
    run_with(&fixture, START + 600 * SECOND, 1);
    assert_happened(&fixture, "no more 2001:db8::1; no more 192.0.2.1");
    end_finished(&fixture);
    set_entry(&fixture, 0, "a", "192.0.2.4 192.0.2.1");
    run_with(&fixture, START + 900 * SECOND, 1);
    assert_happened(&fixture, "a 192.0.2.1 at 900000"); /* their phases are free */
    targets_close(fixture.targets);
}

/* The most addresses that one DNS answer holds: 10.`net`.0.0 and so on. */
static const char *thousands_of_addresses(int net, apr_pool_t *pool)
{
    apr_array_header_t *texts = apr_array_make(pool, FLOWS_MAX / 2, sizeof(const char *));

    for (int i = 0; i < FLOWS_MAX / 2; i++) {
        APR_ARRAY_PUSH(texts, const char *) =
            apr_psprintf(pool, "10.%d.%d.%d", net, i / 256, i % 256);
    }
    return apr_array_pstrcat(pool, texts, ' ');
}

/* Where each of them was compared with all others for each that came, this took minutes, in which
 * nothing else was asked. */
static void thousands_of_addresses_may_change_at_once(void **state)
{
    const targets_options_t options = {.all_addresses = 1, .resolve_interval = 300 * SECOND};
    fixture_t fixture;

    open_fixture(&fixture, &options, *state);
    fixture.is_without_log = 1;
    set_entry(&fixture, 0, "many", thousands_of_addresses(1, *state));
    replace(&fixture, "many");
    run_with(&fixture, START, 1);
    set_entry(&fixture, 0, "many", thousands_of_addresses(2, *state));
    run_with(&fixture, START + 300 * SECOND, 1);
    targets_close(fixture.targets);
    assert_int_equal(fixture.peers->nelts, FLOWS_MAX);
    for (int i = 0; i < FLOWS_MAX; i++) {
        assert_int_equal(APR_ARRAY_IDX(fixture.peers, i, peer_t *)->is_finished, i < FLOWS_MAX / 2);
    }
}

static void a_target_may_go_while_it_is_looked_up(void **state)
{
    fixture_t fixture;

    open_fixture(&fixture, &plain, *state);
    set_silent(&fixture, 1);
    set_entry(&fixture, 0, "a", "192.0.2.1");
    replace(&fixture, "a 192.0.2.2");
    run_at(&fixture, START);
    replace(&fixture, "192.0.2.2");
    run_at(&fixture, START);
    assert_happened(&fixture, "192.0.2.2 192.0.2.2 at 500");
    replace(&fixture, "192.0.2.2 a");
    run_at(&fixture, START); /* asks for the name once more */
    monitor_lock(fixture.monitor);
    fixture.answered = 0;
    monitor_unlock(fixture.monitor);
    set_silent(&fixture, 0);
    monitor_lock(fixture.monitor);
    while (fixture.answered < 2) {
        assert_int_equal(monitor_wait(fixture.monitor, PATIENCE_US), APR_SUCCESS);
    }
    monitor_unlock(fixture.monitor);
    run_at(&fixture, START + SECOND);
    assert_happened(&fixture, "a 192.0.2.1 at 1000"); /* once */
    targets_close(fixture.targets);
}

static void a_name_may_still_be_found_where_no_address_can_be_asked(void **state)
{
    fixture_t fixture;

    open_fixture(&fixture, &plain, *state);
    set_entry(&fixture, 0, "a", "192.0.2.1");
    replace(&fixture, "fe80::1%nosuch0 a");
    run_with(&fixture, START, 1);
    assert_happened(&fixture, "fe80::1%nosuch0 cannot be asked; a 192.0.2.1 at 500");
    targets_close(fixture.targets);
}

static void a_run_with_an_end_waits_for_the_first_lookup_only(void **state)
{
    fixture_t fixture;

    open_fixture(&fixture, &plain, *state);
    replace(&fixture, "a");
    assert_true(targets_is_pending(fixture.targets));
    set_silent(&fixture, 1);
    run_at(&fixture, START);
    assert_true(targets_is_pending(fixture.targets));
    set_silent(&fixture, 0);
    while (targets_is_pending(fixture.targets)) {
        clock_pause(1000);
        run_at(&fixture, START);
    }
    assert_happened(&fixture, "a failed");
    targets_close(fixture.targets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_name_is_asked_when_it_is_found_in_its_own_phase),
        scene(a_name_that_is_not_found_is_looked_up_again_soon),
        scene(a_failure_is_not_tried_again_sooner_than_a_success),
        scene(an_address_that_is_still_among_the_answers_stays),
        scene(another_address_takes_the_place_of_the_former),
        scene(a_failure_changes_nothing_that_is_asked),
        scene(a_name_without_an_address_of_the_family_has_failed),
        scene(names_are_looked_up_once_without_a_resolve_interval),
        scene(all_addresses_of_a_name_can_be_asked),
        scene(thousands_of_addresses_may_change_at_once),
        scene(a_target_may_go_while_it_is_looked_up),
        scene(a_name_may_still_be_found_where_no_address_can_be_asked),
        scene(a_run_with_an_end_waits_for_the_first_lookup_only),
    };

    return cmocka_run_group_tests_name("target lookups", tests, NULL, NULL);
}
