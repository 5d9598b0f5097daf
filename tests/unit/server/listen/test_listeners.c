/* From --listen to bound sockets, on the loopback with ports that the kernel chooses. */

#include "unit.h"

#include <apr_strings.h>

#include "captured_log.h"
#include "common/endpoint_text.h"
#include "foreign_address.h"
#include "server/listen/listener_log.h"
#include "server/listen/listeners.h"

static settings_t settings_with(const char *const *listen, apr_pool_t *pool)
{
    settings_t settings = settings_default(pool);

    settings.workers = 2;
    apr_array_clear(settings.listen[PROTOCOL_ECHO]);
    for (; *listen != NULL; listen++) {
        APR_ARRAY_PUSH(settings.listen[PROTOCOL_ECHO], const char *) = *listen;
    }
    return settings;
}

#define LISTEN(...)       \
    (const char *const[]) \
    {                     \
        __VA_ARGS__, NULL \
    }

typedef struct outcome {
    exit_code_t code;
    listener_set_t set;
    const char *log;
} outcome_t;

/* Opens what is not in `current`, which is NULL at the start. */
static outcome_t reopen_listeners(const listener_set_t *current, int is_confined,
                                  const char *const *listen, apr_pool_t *pool)
{
    outcome_t outcome;
    settings_t settings = settings_with(listen, pool);
    captured_log_t captured = capture_log(pool);
    platform_t *platform = apr_palloc(pool, sizeof *platform);

    platform_probe(platform, pool);
    listener_options_t options = listener_options(&settings, platform);
    opening_t opening = {
        .settings = &settings,
        .options = &options,
        .current = current,
        .is_confined = is_confined,
        .log = captured.log,
        .pool = pool,
    };

    listener_set_create(&outcome.set, pool);
    outcome.code = listeners_open(&outcome.set, &opening, pool);
    if (outcome.code == EXIT_OK) {
        listeners_log(&outcome.set, current, &settings, platform, captured.log, pool);
    }
    outcome.log = captured_text(&captured);
    return outcome;
}

static outcome_t open_listeners(const char *const *listen, apr_pool_t *pool)
{
    return reopen_listeners(NULL, 0, listen, pool);
}

static listener_t *listener_of(const outcome_t *outcome, int index)
{
    return APR_ARRAY_IDX(outcome->set.all, index, listener_t *);
}

static const char *address_of(const outcome_t *outcome, int index, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, ENDPOINT_TEXT_MAX);
    const listener_t *listener = listener_of(outcome, index);

    endpoint_format(text, &listener_describe(listener)->local);
    return text;
}

static void every_listen_is_bound_and_logged(void **state)
{
    outcome_t outcome = open_listeners(LISTEN("127.0.0.1:0", "[::1]:0"), *state);

    assert_int_equal(outcome.code, EXIT_OK);
    assert_int_equal(outcome.set.all->nelts, 2);
    for (int i = 0; i < 2; i++) {
        const char *line = apr_psprintf(*state, " info listening address=%s protocol=echo sharing=",
                                        address_of(&outcome, i, *state));

        assert_non_null(strstr(outcome.log, line));
    }
}

static void the_same_address_twice_is_one_listener(void **state)
{
    outcome_t first = open_listeners(LISTEN("127.0.0.1:0"), *state);
    const char *used = address_of(&first, 0, *state);
    outcome_t second = reopen_listeners(&first.set, 0, LISTEN(used, "127.0.0.1:0"), *state);

    assert_int_equal(second.code, EXIT_OK);
    assert_int_equal(second.set.all->nelts, 1);
    assert_ptr_equal(listener_of(&second, 0), listener_of(&first, 0));
}

/* ---- Again, while some are open ---- */

static void what_is_asked_for_again_is_kept(void **state)
{
    outcome_t first = open_listeners(LISTEN("127.0.0.1:0", "localhost:0", "127.0.0.1:0"), *state);
    outcome_t second =
        reopen_listeners(&first.set, 1, LISTEN("localhost:0", "[::1]:0", "127.0.0.1:0"), *state);

    assert_int_equal(second.code, EXIT_OK);
    assert_true(listener_set_has(&second.set, listener_of(&first, 0)));
    assert_true(listener_set_has(&second.set, listener_of(&first, 1)));
    assert_int_equal(second.set.places->nelts, 3);
    /* The one new listener, of [::1], has the only line. */
    assert_non_null(strstr(second.log, " info listening address=[::1]:"));
    assert_ptr_equal(strchr(second.log, '\n') + 1, second.log + strlen(second.log));
    listener_set_close(&first.set, &second.set, NULL);
    listener_set_close(&second.set, NULL, NULL);
}

static void one_that_cannot_be_opened_leaves_the_others_as_they_were(void **state)
{
    outcome_t first = open_listeners(LISTEN("127.0.0.1:0"), *state);
    outcome_t used = open_listeners(LISTEN("127.0.0.1:0"), *state);
    outcome_t second = reopen_listeners(
        &first.set, 0, LISTEN("127.0.0.1:0", "[::1]:0", address_of(&used, 0, *state)), *state);

    assert_int_equal(second.code, EXIT_UNAVAILABLE);
    assert_true(listener_describe(listener_of(&first, 0))->receive_buffer > 0);
    listener_set_close(&first.set, NULL, NULL); /* it was open still */
}

static void no_more_are_kept_than_there_may_be(void **state)
{
    const char *listen[LISTENERS_MAX + 2] = {NULL};
    outcome_t first = open_listeners(LISTEN("localhost:0"), *state);

    for (int i = 0; i < LISTENERS_MAX; i++) {
        listen[i] = "127.0.0.1:0";
    }
    /* It is open, and asked for by another name. */
    listen[LISTENERS_MAX] = address_of(&first, 0, *state);
    outcome_t second = reopen_listeners(&first.set, 0, listen, *state);

    assert_int_equal(second.code, EXIT_SYSTEM);
    assert_non_null(strstr(second.log, "open more listeners than there may be"));
    listener_set_close(&second.set, &first.set, NULL);
    listener_set_close(&first.set, NULL, NULL);
}

static void nothing_is_looked_up_in_the_sandbox(void **state)
{
    outcome_t first = open_listeners(LISTEN("127.0.0.1:0"), *state);

    assert_int_equal(reopen_listeners(&first.set, 1, LISTEN("host.invalid:0"), *state).code,
                     EXIT_NO_HOST);
    assert_int_equal(reopen_listeners(&first.set, 1, LISTEN("[fe80::1%1]:0"), *state).code,
                     EXIT_NO_HOST);
    assert_int_equal(reopen_listeners(&first.set, 1, LISTEN("127.0.0.1:0"), *state).code, EXIT_OK);
    assert_int_equal(reopen_listeners(&first.set, 1, LISTEN("localhost:0"), *state).code, EXIT_OK);
}

static void a_port_in_use_is_one_clear_line(void **state)
{
    outcome_t first = open_listeners(LISTEN("127.0.0.1:0"), *state);
    const char *used = address_of(&first, 0, *state);
    outcome_t second = open_listeners(LISTEN(used), *state);

    assert_int_equal(second.code, EXIT_UNAVAILABLE);
    assert_non_null(strstr(second.log, apr_psprintf(*state,
                                                    " error cannot listen address=%s "
                                                    "step=bind error=",
                                                    used)));
    assert_non_null(strstr(second.log, "another socket has this port"));
    assert_ptr_equal(strchr(second.log, '\n') + 1, second.log + strlen(second.log));
}

static void a_foreign_address_is_refused(void **state)
{
    need_foreign_addresses_refused(*state);
    outcome_t outcome = open_listeners(LISTEN(FOREIGN_ADDRESS ":0"), *state);

    assert_int_equal(outcome.code, EXIT_UNAVAILABLE);
    assert_non_null(strstr(outcome.log, "no interface of this host"));
}

static void a_foreign_interface_is_refused(void **state)
{
    outcome_t outcome = open_listeners(LISTEN("[fe80::1%nosuch0]:0"), *state);

    assert_int_equal(outcome.code, EXIT_NO_HOST);
    assert_non_null(strstr(outcome.log, "no such network interface"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(every_listen_is_bound_and_logged),
        scene(the_same_address_twice_is_one_listener),
        scene(a_port_in_use_is_one_clear_line),
        scene(a_foreign_address_is_refused),
        scene(a_foreign_interface_is_refused),
        scene(what_is_asked_for_again_is_kept),
        scene(one_that_cannot_be_opened_leaves_the_others_as_they_were),
        scene(no_more_are_kept_than_there_may_be),
        scene(nothing_is_looked_up_in_the_sandbox),
    };

    return cmocka_run_group_tests_name("listeners", tests, NULL, NULL);
}
