/* From --listen to bound sockets, on the loopback with ports that the kernel chooses. */

#include "unit.h"

#include <apr_strings.h>

#include "captured_log.h"
#include "foreign_address.h"
#include "listeners.h"

static settings_t settings_with(const char *const *listen, apr_pool_t *pool)
{
    settings_t settings = settings_default(pool);

    settings.workers = 2;
    apr_array_clear(settings.listen);
    for (; *listen != NULL; listen++) {
        APR_ARRAY_PUSH(settings.listen, const char *) = *listen;
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
    apr_array_header_t *listeners;
    const char *log;
} outcome_t;

static outcome_t open_listeners(const char *const *listen, apr_pool_t *pool)
{
    outcome_t outcome = {.listeners = apr_array_make(pool, 4, sizeof(listener_t *))};
    settings_t settings = settings_with(listen, pool);
    captured_log_t captured = capture_log(pool);
    platform_t platform;

    platform_probe(&platform, pool);
    outcome.code = listeners_open(outcome.listeners, &settings, &platform, captured.log, pool);
    if (outcome.code == EXIT_OK) {
        listeners_log(outcome.listeners, &settings, &platform, captured.log, pool);
    }
    outcome.log = captured_text(&captured);
    return outcome;
}

static const char *address_of(const outcome_t *outcome, int index, apr_pool_t *pool)
{
    char *text = apr_palloc(pool, ENDPOINT_TEXT_MAX);
    const listener_t *listener = APR_ARRAY_IDX(outcome->listeners, index, listener_t *);

    endpoint_format(text, &listener_describe(listener)->local);
    return text;
}

static void every_listen_is_bound_and_logged(void **state)
{
    outcome_t outcome = open_listeners(LISTEN("127.0.0.1:0", "[::1]:0"), *state);

    assert_int_equal(outcome.code, EXIT_OK);
    assert_int_equal(outcome.listeners->nelts, 2);
    for (int i = 0; i < 2; i++) {
        const char *line = apr_psprintf(
            *state, " info listening address=%s sharing=", address_of(&outcome, i, *state));

        assert_non_null(strstr(outcome.log, line));
    }
}

static void the_same_address_twice_is_one_listener(void **state)
{
    outcome_t first = open_listeners(LISTEN("127.0.0.1:0"), *state);
    const char *used = address_of(&first, 0, *state);
    settings_t settings = settings_with(LISTEN(used), *state);
    captured_log_t captured = capture_log(*state);
    platform_t platform;

    platform_probe(&platform, *state);
    assert_int_equal(listeners_open(first.listeners, &settings, &platform, captured.log, *state),
                     EXIT_OK);
    assert_int_equal(first.listeners->nelts, 1);
    captured_text(&captured);
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
        scene(every_listen_is_bound_and_logged), scene(the_same_address_twice_is_one_listener),
        scene(a_port_in_use_is_one_clear_line),  scene(a_foreign_address_is_refused),
        scene(a_foreign_interface_is_refused),
    };

    return cmocka_run_group_tests_name("listeners", tests, NULL, NULL);
}
