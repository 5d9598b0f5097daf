/* Which addresses of which targets are asked, by a name service and a clock that the test plays. */

#include "unit.h"

#include <apr_strings.h>

#include "client/targets/targets.h"
#include "common/memory.h"
#include "udpecho/clock.h"
#include "udpecho/monitor.h"

#define START       apr_time_from_sec(1000)
#define SECOND      APR_USEC_PER_SEC
#define PATIENCE_US (60 * SECOND)

/* What the name service says of a name: addresses that are separated by blanks, "": it does not
 * know it. */
typedef struct entry {
    const char *name, *addresses;
} entry_t;

typedef struct peer {
    asked_t *asked;
    const char *text; /* the address */
    int is_finished;
} peer_t;

typedef struct fixture {
    targets_t *targets;
    destination_rules_t rules;
    client_settings_t settings;
    apr_array_header_t *peers; /* of peer_t *, all that ever began */
    const char *log;           /* what happened, since it was last looked at */
    int is_without_log;        /* too much happens */
    apr_status_t refusal;      /* of each address; APR_SUCCESS: they can be asked */
    apr_pool_t *pool;

    monitor_t *monitor; /* of all below */
    entry_t entries[4];
    unsigned answered; /* lookups */
    int is_silent;     /* the name service */
} fixture_t;

/* For the name service, which has no context. */
static fixture_t *current;

/* ---- What the set calls ---- */

static apr_status_t look_up(apr_sockaddr_t **list, const address_t *address, apr_pool_t *pool)
{
    const char *addresses = "";
    char *state;

    monitor_lock(current->monitor);
    while (current->is_silent) {
        monitor_wait(current->monitor, -1);
    }
    for (unsigned i = 0; i < 4; i++) {
        if (current->entries[i].name != NULL &&
            strcmp(current->entries[i].name, address->host) == 0) {
            addresses = current->entries[i].addresses;
        }
    }
    monitor_unlock(current->monitor);
    *list = NULL;
    for (char *text = apr_strtok(apr_pstrdup(pool, addresses), " ", &state); text != NULL;
         text = apr_strtok(NULL, " ", &state)) {
        const address_t found = {.host = text, .port = address->port};

        assert_int_equal(address_resolve(list, &found, pool), APR_SUCCESS);
        list = &(*list)->next;
    }
    return *addresses != '\0' ? APR_SUCCESS : APR_ENOENT;
}

static void wake(void *context)
{
    fixture_t *fixture = context;

    monitor_lock(fixture->monitor);
    fixture->answered++;
    monitor_wake_all(fixture->monitor);
    monitor_unlock(fixture->monitor);
}

static void note(fixture_t *fixture, const char *text)
{
    if (!fixture->is_without_log) {
        fixture->log =
            apr_pstrcat(fixture->pool, fixture->log, *fixture->log == '\0' ? "" : "; ", text, NULL);
    }
}

static void *begin(void *context, const target_name_t *name, const destination_t *destination,
                   const endpoint_t *former, apr_time_t begin, asked_t *asked,
                   target_failure_t *failure, apr_pool_t *pool)
{
    fixture_t *fixture = context;
    peer_t *peer = apr_pcalloc(fixture->pool, sizeof *peer);
    char *text;

    if (fixture->refusal != APR_SUCCESS) {
        failure->status = fixture->refusal;
        failure->error = apr_pstrcat(pool, "no socket for ", name->text, NULL);
        return NULL;
    }
    apr_sockaddr_ip_get(&text, destination->peer);
    *peer = (peer_t){.asked = asked, .text = apr_pstrdup(fixture->pool, text)};
    APR_ARRAY_PUSH(fixture->peers, peer_t *) = peer;
    note(fixture, apr_psprintf(fixture->pool, "%s%s %s at %d", name->text,
                               former != NULL ? " now" : "", text, (int)((begin - START) / 1000)));
    return peer;
}

static void finish(void *context, void *data)
{
    fixture_t *fixture = context;
    peer_t *peer = data;

    peer->is_finished = 1;
    note(fixture, apr_pstrcat(fixture->pool, "no more ", peer->text, NULL));
}

static void tell_failure(void *context, const target_name_t *name, void *peer, int is_found,
                         apr_status_t status)
{
    fixture_t *fixture = context;

    note(fixture, apr_pstrcat(fixture->pool, name->text, is_found ? " cannot be asked" : " failed",
                              peer != NULL ? ", stays " : "",
                              peer != NULL ? ((const peer_t *)peer)->text : "",
                              status == APR_EAFNOSUPPORT ? ", no address" : "", NULL));
}

static void tell_not_asked(void *context, const target_name_t *name, int is_found,
                           apr_status_t status)
{
    fixture_t *fixture = context;

    note(fixture, apr_pstrcat(fixture->pool, name->text, " not asked", is_found ? ", found" : "",
                              status == APR_SUCCESS ? ", not looked up" : "", NULL));
}

static void end_with(void *context, const char *error)
{
    fixture_t *fixture = context;

    note(fixture, apr_pstrcat(fixture->pool, "error: ", error, NULL));
}

/* ---- What the tests do ---- */

static void open_fixture(fixture_t *fixture, const targets_options_t *wanted, apr_pool_t *pool)
{
    targets_options_t options = *wanted;

    *fixture = (fixture_t){.settings = {.size = 56},
                           .peers = apr_array_make(pool, 8, sizeof(peer_t *)),
                           .log = "",
                           .pool = pool};
    current = fixture;
    assert_int_equal(monitor_create(&fixture->monitor, pool), APR_SUCCESS);
    fixture->rules = (destination_rules_t){.settings = &fixture->settings};
    options.destinations = &fixture->rules;
    options.actions = (target_actions_t){begin, finish, tell_failure, tell_not_asked, fixture};
    options.interval = SECOND;
    options.look_up = look_up;
    options.wake = wake;
    options.fail = end_with;
    options.context = fixture;
    assert_int_equal(targets_create(&fixture->targets, &options, memory_pool(pool)), APR_SUCCESS);
}

static void set_entry(fixture_t *fixture, unsigned index, const char *name, const char *addresses)
{
    monitor_lock(fixture->monitor);
    fixture->entries[index] = (entry_t){name, addresses};
    monitor_unlock(fixture->monitor);
}

static void set_silent(fixture_t *fixture, int is_silent)
{
    monitor_lock(fixture->monitor);
    fixture->is_silent = is_silent;
    monitor_wake_all(fixture->monitor);
    monitor_unlock(fixture->monitor);
}

/* The names, separated by blanks. */
static target_list_t *list_of(const char *names, apr_pool_t *pool)
{
    target_list_t *list = target_list_create(7, NULL, memory_pool(pool));
    char *state;

    for (char *text = apr_strtok(apr_pstrdup(pool, names), " ", &state); text != NULL;
         text = apr_strtok(NULL, " ", &state)) {
        assert_null(target_list_add(list, text));
    }
    return list;
}

static void replace(fixture_t *fixture, const char *names)
{
    targets_replace(fixture->targets, list_of(names, fixture->pool));
}

/* Runs until there is nothing more to do at `now`. Returns when to run next. */
static apr_time_t run_at(const fixture_t *fixture, apr_time_t now)
{
    apr_time_t next;

    do {
        next = targets_run(fixture->targets, now);
    } while (next <= now);
    return next;
}

/* Runs at `now`, and again once `lookups` have been answered that it asked for. Returns when to run
 * next. */
static apr_time_t run_with(fixture_t *fixture, apr_time_t now, unsigned lookups)
{
    monitor_lock(fixture->monitor);
    fixture->answered = 0;
    monitor_unlock(fixture->monitor);
    apr_time_t next = run_at(fixture, now);

    monitor_lock(fixture->monitor);
    while (fixture->answered < lookups) {
        assert_int_equal(monitor_wait(fixture->monitor, PATIENCE_US), APR_SUCCESS);
    }
    monitor_unlock(fixture->monitor);
    return lookups > 0 ? run_at(fixture, now) : next;
}

/* Compares what happened since the last time. */
static void assert_happened(fixture_t *fixture, const char *expected)
{
    const char *log = fixture->log;

    fixture->log = "";
    if (strcmp(log, expected) != 0) {
        targets_close(fixture->targets); /* whose threads would hold up the end of the test */
        fail_msg("%s, expected: %s", log, expected);
    }
}

/* As the prober does, sooner or later. */
static void end_finished(const fixture_t *fixture)
{
    for (int i = 0; i < fixture->peers->nelts; i++) {
        peer_t *peer = APR_ARRAY_IDX(fixture->peers, i, peer_t *);

        if (peer->is_finished && peer->asked != NULL) {
            target_ended(peer->asked);
            peer->asked = NULL;
        }
    }
}

static const targets_options_t plain = {.resolve_interval = 300 * SECOND};

/* ---- Tests ---- */

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

static void those_that_the_run_ended_too_early_for_were_not_asked(void **state)
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

/* As round-robin DNS gives them. */
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

static void a_name_without_a_wanted_address_failed_too(void **state)
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

static void names_are_not_looked_up_again_if_that_is_not_wanted(void **state)
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

static void all_addresses_are_asked_where_that_is_wanted(void **state)
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

/* As many as an answer of the name service has room for: 10.`net`.0.0 and so on. */
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

static void another_list_leaves_alone_what_is_in_both(void **state)
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

static void a_target_that_comes_back_begins_anew(void **state)
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

/* So that what is due to others does not wait for thousands of sockets. */
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
        scene(those_that_the_run_ended_too_early_for_were_not_asked),
        scene(a_name_is_asked_when_it_is_found_in_its_own_phase),
        scene(a_name_that_is_not_found_is_looked_up_again_soon),
        scene(a_failure_is_not_tried_again_sooner_than_a_success),
        scene(an_address_that_is_still_among_the_answers_stays),
        scene(another_address_takes_the_place_of_the_former),
        scene(a_failure_changes_nothing_that_is_asked),
        scene(a_name_without_a_wanted_address_failed_too),
        scene(names_are_not_looked_up_again_if_that_is_not_wanted),
        scene(all_addresses_are_asked_where_that_is_wanted),
        scene(thousands_of_addresses_may_change_at_once),
        scene(another_list_leaves_alone_what_is_in_both),
        scene(a_target_that_comes_back_begins_anew),
        scene(a_target_may_go_while_it_is_looked_up),
        scene(it_is_an_error_if_nothing_can_be_asked_at_the_start),
        scene(what_cannot_be_asked_at_the_start_is_tried_again_if_something_can),
        scene(a_name_may_still_be_found_where_no_address_can_be_asked),
        scene(an_address_that_cannot_be_asked_later_is_tried_again),
        scene(a_target_that_was_asked_often_enough_is_left_alone),
        scene(many_begin_a_few_at_a_time),
        scene(the_only_target_may_be_known),
        scene(a_run_with_an_end_waits_for_the_first_lookup_only),
        scene(addresses_are_checked_without_asking_anybody),
    };

    return cmocka_run_group_tests_name("targets", tests, NULL, NULL);
}
