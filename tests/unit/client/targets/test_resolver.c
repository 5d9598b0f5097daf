/* Names that are looked up in other threads: some by the system, others by a name service that the
 * test plays, which is silent until the test lets it answer. */

#include "unit.h"

#include <apr_strings.h>

#include "client/targets/resolver.h"
#include "udpecho/clock.h"
#include "udpecho/monitor.h"

/* How long answers are waited for before the test fails, which says nothing of how soon they must
 * come. */
#define PATIENCE_US (60 * APR_USEC_PER_SEC)

typedef struct scene {
    resolver_t *resolver;
    monitor_t *monitor; /* of all below */
    int is_woken;
    int answers_silent;                /* names that begin with "silent" are answered */
    unsigned asked;                    /* calls of the name service */
    unsigned at_a_time, at_a_time_max; /* of a name that begins with "silent" */
} scene_t;

/* For the name service, which has no context. */
static scene_t *current;

static void wake(void *context)
{
    scene_t *scene = context;

    monitor_lock(scene->monitor);
    scene->is_woken = 1;
    monitor_wake_all(scene->monitor);
    monitor_unlock(scene->monitor);
}

static void wait_to_answer(void)
{
    current->at_a_time++;
    current->at_a_time_max =
        current->at_a_time > current->at_a_time_max ? current->at_a_time : current->at_a_time_max;
    monitor_wake_all(current->monitor);
    while (!current->answers_silent) {
        monitor_wait(current->monitor, -1);
    }
    current->at_a_time--;
}

static apr_status_t look_up(apr_sockaddr_t **list, const address_t *address, apr_pool_t *pool)
{
    address_t found = {.host = "192.0.2.1", .port = address->port};

    monitor_lock(current->monitor);
    current->asked++;
    if (strncmp(address->host, "silent", 6) == 0) {
        wait_to_answer();
    }
    monitor_unlock(current->monitor);
    return strcmp(address->host, "absent") == 0 ? APR_ENOENT : address_resolve(list, &found, pool);
}

static void open_scene(scene_t *scene, int by_system, apr_pool_t *pool)
{
    const resolver_options_t options = {
        .look_up = by_system ? address_resolve : look_up, .wake = wake, .context = scene};

    *scene = (scene_t){.resolver = NULL};
    current = scene;
    assert_int_equal(monitor_create(&scene->monitor, pool), APR_SUCCESS);
    assert_int_equal(resolver_create(&scene->resolver, &options, pool), APR_SUCCESS);
}

static void ask(const scene_t *scene, const char *host, apr_port_t port, void *asker)
{
    const address_t address = {.host = host, .port = port};

    resolver_ask(scene->resolver, &address, asker);
}

/* The next answer, as a program would wait for it. */
static lookup_t *await(scene_t *scene)
{
    apr_time_t end = clock_now() + PATIENCE_US;
    lookup_t *lookup;

    while ((lookup = resolver_take(scene->resolver)) == NULL) {
        monitor_lock(scene->monitor);
        while (!scene->is_woken && clock_now() < end) {
            monitor_wait(scene->monitor, end - clock_now());
        }
        assert_true(scene->is_woken);
        scene->is_woken = 0;
        monitor_unlock(scene->monitor);
    }
    return lookup;
}

static void await_silent(scene_t *scene, unsigned at_a_time)
{
    monitor_lock(scene->monitor);
    while (scene->at_a_time < at_a_time) {
        assert_int_equal(monitor_wait(scene->monitor, PATIENCE_US), APR_SUCCESS);
    }
    monitor_unlock(scene->monitor);
}

static void answer_silent(scene_t *scene)
{
    monitor_lock(scene->monitor);
    scene->answers_silent = 1;
    monitor_wake_all(scene->monitor);
    monitor_unlock(scene->monitor);
}

static void a_name_that_the_system_knows_is_found(void **state)
{
    scene_t scene;
    int asker;

    open_scene(&scene, 1, *state);
    ask(&scene, "localhost", 4321, &asker);
    lookup_t *lookup = await(&scene);

    assert_ptr_equal(lookup->asker, &asker);
    assert_int_equal(lookup->status, APR_SUCCESS);
    assert_int_equal(lookup->list->port, 4321);
    apr_pool_destroy(lookup->pool);
    resolver_close(scene.resolver);
    assert_false(resolver_is_held_up(scene.resolver));
}

/* RFC 6761 section 6.4: no such name is ever registered, and most systems know it without asking.
 */
static void a_name_that_does_not_exist_is_an_error(void **state)
{
    scene_t scene;

    open_scene(&scene, 1, *state);
    ask(&scene, "host.invalid", 7, NULL);
    assert_int_not_equal(await(&scene)->status, APR_SUCCESS);
    resolver_close(scene.resolver);
}

static void each_asker_has_its_own_answer(void **state)
{
    scene_t scene;
    int seen[100] = {0};

    open_scene(&scene, 0, *state);
    for (unsigned i = 0; i < 100; i++) {
        ask(&scene, i % 10 == 9 ? "absent" : apr_psprintf(*state, "host%u", i), (apr_port_t)i,
            &seen[i]);
    }
    for (unsigned i = 0; i < 100; i++) {
        lookup_t *lookup = await(&scene);
        int *asker = lookup->asker;
        int index = (int)(asker - seen);

        assert_int_equal(lookup->status, index % 10 == 9 ? APR_ENOENT : APR_SUCCESS);
        assert_true(lookup->status != APR_SUCCESS || lookup->list->port == index);
        ++*asker;
        apr_pool_destroy(lookup->pool);
    }
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(seen[i], 1);
    }
    assert_null(resolver_take(scene.resolver));
    resolver_close(scene.resolver);
    assert_false(resolver_is_held_up(scene.resolver));
}

static void a_silent_lookup_holds_up_no_other_name(void **state)
{
    scene_t scene;
    int silent;
    int other;

    open_scene(&scene, 0, *state);
    ask(&scene, "silent", 7, &silent);
    for (unsigned i = 0; i < 3; i++) {
        ask(&scene, "other", 7, &other);
        assert_ptr_equal(await(&scene)->asker, &other);
    }
    answer_silent(&scene);
    assert_ptr_equal(await(&scene)->asker, &silent);
    resolver_close(scene.resolver);
    assert_false(resolver_is_held_up(scene.resolver));
}

/* However many threads there are, more ports than these could keep them all. */
static void one_lookup_of_a_name_is_under_way_at_a_time(void **state)
{
    scene_t scene;
    int other;

    open_scene(&scene, 0, *state);
    for (unsigned i = 0; i < 2 * RESOLVER_THREADS_MAX; i++) {
        ask(&scene, i % 2 == 0 ? "silent" : "SILENT", (apr_port_t)i, NULL);
    }
    /* The case of letters makes no other name. */
    ask(&scene, "other", 7, &other);
    assert_ptr_equal(await(&scene)->asker, &other);
    answer_silent(&scene);
    for (unsigned i = 0; i < 2 * RESOLVER_THREADS_MAX; i++) {
        assert_int_equal(await(&scene)->status, APR_SUCCESS);
    }
    assert_int_equal(scene.asked, 2 * RESOLVER_THREADS_MAX + 1);
    resolver_close(scene.resolver);
}

static void no_more_threads_than_its_most_are_started(void **state)
{
    scene_t scene;

    open_scene(&scene, 0, *state);
    for (unsigned i = 0; i < 3 * RESOLVER_THREADS_MAX; i++) {
        ask(&scene, apr_psprintf(*state, "silent%u", i), 7, NULL);
    }
    await_silent(&scene, RESOLVER_THREADS_MAX);
    answer_silent(&scene);
    for (unsigned i = 0; i < 3 * RESOLVER_THREADS_MAX; i++) {
        await(&scene);
    }
    assert_int_equal(scene.at_a_time_max, RESOLVER_THREADS_MAX);
    resolver_close(scene.resolver);
}

/* The last test: its pool stays, since a thread uses it to the end of the program. */
static void a_silent_lookup_does_not_hold_up_the_end(void **state)
{
    scene_t *scene = apr_palloc(*state, sizeof *scene);

    open_scene(scene, 0, *state);
    ask(scene, "silent", 7, NULL);
    ask(scene, "other", 7, NULL);
    await(scene);
    await_silent(scene, 1);
    resolver_close(scene->resolver); /* returns at all */
    assert_true(resolver_is_held_up(scene->resolver));
    scene->is_woken = 0;
    answer_silent(scene);
    for (unsigned i = 0; i < 10; i++) {
        clock_pause(1000);
        monitor_lock(scene->monitor);
        assert_false(scene->is_woken); /* the context of the callback may be gone */
        monitor_unlock(scene->monitor);
    }
}

static void a_resolver_that_nobody_asked_ends_too(void **state)
{
    scene_t scene;

    open_scene(&scene, 0, *state);
    assert_null(resolver_take(scene.resolver));
    resolver_close(scene.resolver);
    assert_false(resolver_is_held_up(scene.resolver));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_name_that_the_system_knows_is_found),
        scene(a_name_that_does_not_exist_is_an_error),
        scene(each_asker_has_its_own_answer),
        scene(a_silent_lookup_holds_up_no_other_name),
        scene(one_lookup_of_a_name_is_under_way_at_a_time),
        scene(no_more_threads_than_its_most_are_started),
        scene(a_resolver_that_nobody_asked_ends_too),
        cmocka_unit_test_setup(a_silent_lookup_does_not_hold_up_the_end, make_pool),
    };

    return cmocka_run_group_tests_name("resolver", tests, NULL, NULL);
}
