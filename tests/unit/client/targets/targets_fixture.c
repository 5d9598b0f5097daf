#include "targets_fixture.h"

#include <apr_strings.h>

#include "common/memory.h"

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

void open_fixture(fixture_t *fixture, const targets_options_t *wanted, apr_pool_t *pool)
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

void set_entry(fixture_t *fixture, unsigned index, const char *name, const char *addresses)
{
    monitor_lock(fixture->monitor);
    fixture->entries[index] = (entry_t){name, addresses};
    monitor_unlock(fixture->monitor);
}

void set_silent(fixture_t *fixture, int is_silent)
{
    monitor_lock(fixture->monitor);
    fixture->is_silent = is_silent;
    monitor_wake_all(fixture->monitor);
    monitor_unlock(fixture->monitor);
}

target_list_t *list_of(const char *names, apr_pool_t *pool)
{
    target_list_t *list = target_list_create(7, NULL, memory_pool(pool));
    char *state;

    for (char *text = apr_strtok(apr_pstrdup(pool, names), " ", &state); text != NULL;
         text = apr_strtok(NULL, " ", &state)) {
        assert_null(target_list_add(list, text));
    }
    return list;
}

void replace(fixture_t *fixture, const char *names)
{
    targets_replace(fixture->targets, list_of(names, fixture->pool));
}

apr_time_t run_at(const fixture_t *fixture, apr_time_t now)
{
    apr_time_t next;

    do {
        next = targets_run(fixture->targets, now);
    } while (next <= now);
    return next;
}

apr_time_t run_with(fixture_t *fixture, apr_time_t now, unsigned lookups)
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

void assert_happened(fixture_t *fixture, const char *expected)
{
    const char *log = fixture->log;

    fixture->log = "";
    if (strcmp(log, expected) != 0) {
        targets_close(fixture->targets); /* whose threads would hold up the end of the test */
        fail_msg("%s, expected: %s", log, expected);
    }
}

void end_finished(const fixture_t *fixture)
{
    for (int i = 0; i < fixture->peers->nelts; i++) {
        peer_t *peer = APR_ARRAY_IDX(fixture->peers, i, peer_t *);

        if (peer->is_finished && peer->asked != NULL) {
            target_ended(peer->asked);
            peer->asked = NULL;
        }
    }
}
