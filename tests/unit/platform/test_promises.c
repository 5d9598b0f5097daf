/* What OpenBSD's pledge(2) is told, for each need that the server can have: a call that no promise
 * covers ends the process. */

#include "unit.h"

#include <apr_tables.h>

#include "os/openbsd/promises.h"

static const char *promises(sandbox_needs_t needs, int files, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, PROMISES_MAX);
    apr_array_header_t *names = apr_array_make(pool, 1, sizeof(const char *));

    if (files) {
        APR_ARRAY_PUSH(names, const char *) = "/etc/udpechod.conf";
    }
    needs.files = names;
    promises_write(text, &needs);
    return text;
}

static void a_server_that_only_serves_promises_the_least(void **state)
{
    assert_string_equal(promises((sandbox_needs_t){0}, 0, *state), "stdio inet route");
    assert_string_equal(promises((sandbox_needs_t){.opens_listeners = 1}, 0, *state),
                        "stdio inet route");
}

static void files_are_read_again(void **state)
{
    assert_string_equal(promises((sandbox_needs_t){0}, 1, *state), "stdio inet route rpath");
}

/* Accepting one, and APR's unlink(2) at the end of the socket. */
static void connections_come_in_at_a_path(void **state)
{
    assert_string_equal(promises((sandbox_needs_t){.connections = 1, .serves_http = 1}, 0, *state),
                        "stdio inet route unix cpath");
}

static void descriptors_are_sent(void **state)
{
    assert_string_equal(promises((sandbox_needs_t){.hands_over = 1}, 0, *state),
                        "stdio inet route unix sendfd");
    assert_string_equal(promises((sandbox_needs_t){.stores_listeners = 1}, 0, *state),
                        "stdio inet route sendfd");
}

static void all_promises_have_room(void **state)
{
    sandbox_needs_t needs = {.opens_listeners = 1,
                             .stores_listeners = 1,
                             .connections = 9,
                             .serves_http = 1,
                             .hands_over = 1};

    assert_string_equal(promises(needs, 1, *state), "stdio inet route rpath unix cpath sendfd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_server_that_only_serves_promises_the_least),
        scene(files_are_read_again),
        scene(connections_come_in_at_a_path),
        scene(descriptors_are_sent),
        scene(all_promises_have_room),
    };

    return cmocka_run_group_tests_name("promises", tests, NULL, NULL);
}
