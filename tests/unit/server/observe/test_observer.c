/* The thread that answers, with real sockets of the loopback and an HTTP server that does as a test
 * says. */

#include "unit.h"

#include <apr_portable.h>
#include <apr_strings.h>
#include <stdatomic.h>

#include "captured_log.h"
#include "common/stream_socket.h"
#include "scripted_workers.h"
#include "server/observe/control_socket.h"
#include "server/observe/observer.h"
#include "udpecho/http.h"

/* Longer than anything here takes. */
#define PATIENCE_US (10 * APR_USEC_PER_SEC)

/* ---- The HTTP server, linked in place of the platform's ---- */

static struct {
    apr_status_t status; /* of being opened */
    http_t http;
    atomic_int failures; /* runs that are still to fail */
    atomic_int runs;
} served;

static apr_interval_time_t at_once(const http_t *http)
{
    (void)http;
    return 1000;
}

static apr_status_t watch_nothing(http_t *http, apr_pollset_t *set)
{
    (void)http, (void)set;
    return APR_SUCCESS;
}

static apr_status_t run_http(http_t *http)
{
    (void)http;
    atomic_fetch_add(&served.runs, 1);
    return atomic_load(&served.failures) > 0 && atomic_fetch_sub(&served.failures, 1) > 0
               ? APR_EAGAIN
               : APR_SUCCESS;
}

apr_status_t http_open(http_t **http, apr_os_sock_t listening, http_respond_t respond,
                       void *context, const char **step, apr_pool_t *pool)
{
    (void)listening, (void)respond, (void)context, (void)pool;
    served.http = (http_t){.watch = watch_nothing, .timeout = at_once, .run = run_http};
    *http = &served.http;
    *step = "open it";
    return served.status;
}

/* ---- An observer that runs ---- */

typedef struct running {
    observer_t *observer;
    scripted_t *scripted;
    gate_t *gate;
    captured_log_t log;
    exit_code_t code;
    apr_pool_t *pool;
} running_t;

static running_t open_observer(const char *control, const char *metrics,
                               apr_array_header_t *inherited, apr_pool_t *pool)
{
    settings_t settings = settings_default(pool);
    running_t running = {
        .scripted = script_workers(apr_array_make(pool, 1, sizeof(listener_t *)), pool),
        .log = capture_log(pool),
        .pool = pool,
    };

    settings.control = control;
    settings.metrics_listen = metrics;
    running.code = observer_open(&running.observer, &settings, inherited, &running.scripted->source,
                                 running.log.log, pool);
    assert_int_equal(gate_create(&running.gate, pool), APR_SUCCESS);
    return running;
}

static apr_array_header_t *no_sockets(apr_pool_t *pool)
{
    return apr_array_make(pool, 1, sizeof(apr_os_sock_t));
}

static running_t start_observer(const char *control, const char *metrics, apr_pool_t *pool)
{
    running_t running = open_observer(control, metrics, no_sockets(pool), pool);

    assert_int_equal(running.code, EXIT_OK);
    assert_int_equal(observer_threads(running.observer), 1);
    assert_int_equal(observer_start(running.observer, running.gate), APR_SUCCESS);
    gate_open(running.gate);
    return running;
}

/* Where its socket of this number listens: "127.0.0.1:40000". */
static const char *where(const running_t *running, int index)
{
    apr_array_header_t *sockets = observer_sockets(running->observer, running->pool);
    apr_socket_t *socket = NULL;
    apr_sockaddr_t *address;

    assert_true(index < sockets->nelts);
    assert_int_equal(
        apr_os_sock_put(&socket, &APR_ARRAY_IDX(sockets, index, apr_os_sock_t), running->pool),
        APR_SUCCESS);
    assert_int_equal(apr_socket_addr_get(&address, APR_LOCAL, socket), APR_SUCCESS);
    return apr_psprintf(running->pool, "127.0.0.1:%u", (unsigned)address->port);
}

static apr_socket_t *connect_to(const running_t *running)
{
    apr_array_header_t *sockets = observer_sockets(running->observer, running->pool);
    apr_socket_t *listening = NULL;
    apr_socket_t *connected;
    apr_sockaddr_t *address;

    apr_os_sock_put(&listening, &APR_ARRAY_IDX(sockets, 0, apr_os_sock_t), running->pool);
    apr_socket_addr_get(&address, APR_LOCAL, listening);
    assert_int_equal(stream_connect(&connected, address, PATIENCE_US, running->pool), APR_SUCCESS);
    return connected;
}

static void say(apr_socket_t *socket, const char *text)
{
    apr_size_t length = strlen(text);

    assert_int_equal(apr_socket_send(socket, text, &length), APR_SUCCESS);
    assert_int_equal(length, strlen(text));
}

static const char *ask(const running_t *running)
{
    const char *answer;

    assert_int_equal(control_socket_ask(&answer, where(running, 0), "status", running->pool),
                     APR_SUCCESS);
    return answer;
}

/* ---- Scenes ---- */

static void without_anything_to_ask_by_there_is_no_thread(void **state)
{
    running_t running = open_observer(NULL, NULL, no_sockets(*state), *state);

    assert_int_equal(running.code, EXIT_OK);
    assert_int_equal(observer_threads(running.observer), 0);
    assert_int_equal(observer_sockets(running.observer, *state)->nelts, 0);
    assert_int_equal(observer_start(running.observer, running.gate), APR_SUCCESS);
    observer_stop(running.observer);
    assert_string_equal(captured_text(&running.log), "");
}

static void the_status_is_told_as_it_is(void **state)
{
    running_t running = start_observer("127.0.0.1:0", NULL, *state);

    assert_non_null(strstr(ask(&running), "\"received\":0,"));
    counters_add(echo_counters(running.scripted->workers[0].echo), COUNTER_RECEIVED, 3);
    assert_non_null(strstr(ask(&running), "\"received\":3,"));
    observer_stop(running.observer);
}

static void it_answers_while_others_do_not_read(void **state)
{
    running_t running = start_observer("127.0.0.1:0", NULL, *state);

    for (unsigned i = 0; i < 8; i++) {
        say(connect_to(&running), "status\n");
    }
    assert_non_null(strstr(ask(&running), "\"health\":\"ok\""));
    observer_stop(running.observer);
}

static void it_answers_while_others_say_nothing_or_nonsense(void **state)
{
    running_t running = start_observer("127.0.0.1:0", NULL, *state);

    connect_to(&running);
    say(connect_to(&running), "statu");
    say(connect_to(&running), "nonsense\n");
    say(connect_to(&running),
        apr_pstrcat(*state, "a line that never ends, ", "and is longer than any request may be, ",
                    "so that nobody waits for more of it", NULL));
    assert_non_null(strstr(ask(&running), "\"health\":\"ok\""));
    observer_stop(running.observer);
}

static void invalid_requests_get_no_answer(void **state)
{
    running_t running = start_observer("127.0.0.1:0", NULL, *state);
    const char *answer;

    assert_true(APR_STATUS_IS_EOF(
        control_socket_ask(&answer, where(&running, 0), "no such request", *state)));
    observer_stop(running.observer);
}

static void it_ends_while_somebody_is_connected(void **state)
{
    running_t running = start_observer("127.0.0.1:0", NULL, *state);

    connect_to(&running);
    observer_stop(running.observer);
    observer_stop(running.observer); /* once more changes nothing */
}

static void it_does_not_begin_where_the_gate_is_abandoned(void **state)
{
    running_t running = open_observer("127.0.0.1:0", NULL, no_sockets(*state), *state);

    assert_int_equal(observer_start(running.observer, running.gate), APR_SUCCESS);
    gate_abandon(running.gate);
    observer_stop(running.observer);
}

/* It takes many failures in a row, since each of them is soon over. */
static void repeated_failures_to_accept_are_logged(void **state)
{
    served.status = APR_SUCCESS;
    atomic_store(&served.runs, 0);
    atomic_store(&served.failures, 12);
    running_t running = start_observer(NULL, "127.0.0.1:0", *state);

    while (atomic_load(&served.failures) > 0 || atomic_load(&served.runs) < 14) {
        clock_pause(1000);
    }
    observer_stop(running.observer);
    assert_non_null(
        strstr(captured_text(&running.log), "cannot answer status and metrics requests"));
}

static void a_few_failures_to_accept_are_not_logged(void **state)
{
    served.status = APR_SUCCESS;
    atomic_store(&served.runs, 0);
    atomic_store(&served.failures, 9);
    running_t running = start_observer(NULL, "127.0.0.1:0", *state);

    while (atomic_load(&served.runs) < 11) {
        clock_pause(1000);
    }
    observer_stop(running.observer);
    assert_null(strstr(captured_text(&running.log), "cannot answer status and metrics requests"));
}

static const char *answer_to(const running_t *running, const char *request)
{
    const char *answer;

    assert_int_equal(control_socket_ask(&answer, where(running, 0), request, running->pool),
                     APR_SUCCESS);
    return answer;
}

static void it_is_drained_until_that_is_undone(void **state)
{
    running_t running = start_observer("127.0.0.1:0", NULL, *state);

    running.scripted->source.readiness.log = running.log.log;
    assert_string_equal(answer_to(&running, "ready"), "ready\n");
    assert_string_equal(answer_to(&running, "drain"), "drained\n");
    assert_string_equal(answer_to(&running, "ready"), "drained\n");
    assert_string_equal(answer_to(&running, "undrain"), "ready\n");
    assert_string_equal(answer_to(&running, "undrain"), "ready\n");
    observer_stop(running.observer);
    const char *log = captured_text(&running.log);
    const char *drained = strstr(log, " info not ready because=drained\n");

    assert_non_null(drained);
    assert_non_null(strstr(drained, " info ready\n"));
}

static void health_has_a_socket_of_its_own(void **state)
{
    settings_t settings = settings_default(*state);
    running_t running = {
        .scripted = script_workers(apr_array_make(*state, 1, sizeof(listener_t *)), *state),
        .log = capture_log(*state),
    };

    served.status = APR_SUCCESS;
    settings.health_listen = "127.0.0.1:0";
    assert_int_equal(observer_open(&running.observer, &settings, no_sockets(*state),
                                   &running.scripted->source, running.log.log, *state),
                     EXIT_OK);
    assert_int_equal(observer_threads(running.observer), 1);
    assert_int_equal(observer_sockets(running.observer, *state)->nelts, 1);
    settings.metrics_listen = "127.0.0.1:0";
    assert_int_equal(observer_open(&running.observer, &settings, no_sockets(*state),
                                   &running.scripted->source, running.log.log, *state),
                     EXIT_OK);
    assert_int_equal(observer_sockets(running.observer, *state)->nelts, 2);
    assert_non_null(strstr(captured_text(&running.log), " info health address=127.0.0.1:"));
}

static void both_sockets_are_handed_on(void **state)
{
    served.status = APR_SUCCESS;
    atomic_store(&served.failures, 0);
    running_t running = start_observer("127.0.0.1:0", "127.0.0.1:0", *state);

    assert_int_equal(observer_sockets(running.observer, *state)->nelts, 2);
    assert_string_not_equal(where(&running, 0), where(&running, 1));
    observer_stop(running.observer);
}

static void a_successor_has_the_sockets_that_it_wants_and_no_others(void **state)
{
    running_t former = open_observer("127.0.0.1:0", NULL, no_sockets(*state), *state);
    running_t other = open_observer("127.0.0.1:0", NULL, no_sockets(*state), *state);
    apr_array_header_t *inherited = observer_sockets(other.observer, *state);
    const char *address = where(&former, 0);
    const char *lost = where(&other, 0);
    const char *answer;

    apr_array_cat(inherited, observer_sockets(former.observer, *state));
    running_t successor = open_observer(address, NULL, inherited, *state);

    assert_int_equal(successor.code, EXIT_OK);
    assert_string_equal(where(&successor, 0), address);
    assert_int_equal(observer_start(successor.observer, successor.gate), APR_SUCCESS);
    gate_open(successor.gate);
    assert_non_null(strstr(ask(&successor), "\"received\":0,"));
    assert_true(APR_STATUS_IS_ECONNREFUSED(control_socket_ask(&answer, lost, "status", *state)));
    observer_stop(successor.observer);
}

static void what_cannot_be_opened_is_told_and_decides_the_end(void **state)
{
    running_t running = open_observer("127.0.0.1:0", NULL, no_sockets(*state), *state);
    const char *taken = where(&running, 0);
    running_t second = open_observer(taken, NULL, no_sockets(*state), *state);

    assert_int_equal(second.code, EXIT_UNAVAILABLE);
    const char *text = captured_text(&second.log);

    assert_non_null(strstr(text, "cannot create the control socket"));
    assert_non_null(strstr(text, taken));
    assert_non_null(strstr(text, "step=bind"));
}

static void metrics_that_this_build_lacks_are_a_mistake_of_usage(void **state)
{
    served.status = APR_ENOTIMPL;
    running_t running = open_observer(NULL, "127.0.0.1:0", no_sockets(*state), *state);

    assert_int_equal(running.code, EXIT_USAGE);
    assert_non_null(strstr(captured_text(&running.log), "not in this build of udpechod"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(without_anything_to_ask_by_there_is_no_thread),
        scene(the_status_is_told_as_it_is),
        scene(it_answers_while_others_do_not_read),
        scene(it_answers_while_others_say_nothing_or_nonsense),
        scene(invalid_requests_get_no_answer),
        scene(it_ends_while_somebody_is_connected),
        scene(it_does_not_begin_where_the_gate_is_abandoned),
        scene(repeated_failures_to_accept_are_logged),
        scene(a_few_failures_to_accept_are_not_logged),
        scene(it_is_drained_until_that_is_undone),
        scene(health_has_a_socket_of_its_own),
        scene(both_sockets_are_handed_on),
        scene(a_successor_has_the_sockets_that_it_wants_and_no_others),
        scene(what_cannot_be_opened_is_told_and_decides_the_end),
        scene(metrics_that_this_build_lacks_are_a_mistake_of_usage),
    };

    return cmocka_run_group_tests_name("observer", tests, NULL, NULL);
}
