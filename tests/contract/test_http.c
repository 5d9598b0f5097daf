/* The contract of http.h. Server and clients share a thread: what a client does never waits, and
 * between two looks at it the server has a turn. */

#include "unit.h"

#include <apr_network_io.h>
#include <apr_portable.h>
#include <apr_strings.h>

#include "udpecho/clock.h"
#include "udpecho/http.h"

#define PATIENCE_US (30 * APR_USEC_PER_SEC)

/* More than the sockets of a connection hold. */
#define LARGE (8 << 20)

typedef struct scene {
    apr_pool_t *pool;
    http_t *http;
    apr_pollset_t *set;
    apr_sockaddr_t *address;
    apr_time_t end; /* of patience */
    unsigned asked; /* how often it was asked for an answer */
    char *large;
} scene_t;

static http_answer_t respond(void *context, const char *path, apr_pool_t *pool)
{
    scene_t *scene = context;

    scene->asked++;
    if (strcmp(path, "/large") == 0) {
        return (http_answer_t){200, "text/plain", scene->large};
    }
    return (http_answer_t){strcmp(path, "/missing") == 0 ? 404 : 200, "text/x-test",
                           apr_pstrcat(pool, "you asked for ", path, "\n", NULL)};
}

static apr_os_sock_t listen_somewhere(scene_t *scene)
{
    apr_socket_t *listening;
    apr_os_sock_t descriptor;

    assert_int_equal(
        apr_sockaddr_info_get(&scene->address, "127.0.0.1", APR_INET, 0, 0, scene->pool),
        APR_SUCCESS);
    assert_int_equal(
        apr_socket_create(&listening, APR_INET, SOCK_STREAM, APR_PROTO_TCP, scene->pool),
        APR_SUCCESS);
    assert_int_equal(apr_socket_bind(listening, scene->address), APR_SUCCESS);
    assert_int_equal(apr_socket_listen(listening, 2 * HTTP_CONNECTIONS_MAX), APR_SUCCESS);
    assert_int_equal(apr_socket_opt_set(listening, APR_SO_NONBLOCK, 1), APR_SUCCESS);
    assert_int_equal(apr_socket_addr_get(&scene->address, APR_LOCAL, listening), APR_SUCCESS);
    apr_os_sock_get(&descriptor, listening);
    return descriptor;
}

static scene_t *open_scene(apr_pool_t *pool)
{
    scene_t *scene = apr_pcalloc(pool, sizeof *scene);
    const char *step;

    scene->pool = pool;
    scene->end = clock_now() + PATIENCE_US;
    scene->large = apr_palloc(pool, LARGE + 1);
    memset(scene->large, 'x', LARGE);
    scene->large[LARGE] = '\0';
    assert_int_equal(http_open(&scene->http, listen_somewhere(scene), respond, scene, &step, pool),
                     APR_SUCCESS);
    assert_int_equal(
        apr_pollset_create_ex(&scene->set, HTTP_SOCKETS_MAX, pool, 0, APR_POLLSET_POLL),
        APR_SUCCESS);
    return scene;
}

/* Waits for a moment, as long as there is patience, and lets the server do what it can. */
static void turn(scene_t *scene)
{
    const apr_pollfd_t *ready;
    apr_int32_t count;
    apr_interval_time_t timeout;

    if (clock_now() > scene->end) {
        fail_msg("the HTTP client made no progress before the deadline");
    }
    assert_int_equal(scene->http->watch(scene->http, scene->set), APR_SUCCESS);
    timeout = scene->http->timeout(scene->http);
    if (timeout < 0 || timeout > 10000) {
        timeout = 10000; /* until the client is looked at again, for which nothing wakes it */
    }
    apr_pollset_poll(scene->set, timeout, &count, &ready);
    scene->http->run(scene->http);
}

static void turns(scene_t *scene, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        turn(scene);
    }
}

/* ---- Clients ---- */

static apr_socket_t *connect_to(scene_t *scene)
{
    apr_socket_t *socket;

    assert_int_equal(apr_socket_create(&socket, APR_INET, SOCK_STREAM, APR_PROTO_TCP, scene->pool),
                     APR_SUCCESS);
    assert_int_equal(apr_socket_connect(socket, scene->address), APR_SUCCESS);
    assert_int_equal(apr_socket_opt_set(socket, APR_SO_NONBLOCK, 1), APR_SUCCESS);
    return socket;
}

static void send_text(apr_socket_t *socket, const char *text)
{
    apr_size_t length = strlen(text);

    assert_int_equal(apr_socket_send(socket, text, &length), APR_SUCCESS);
    assert_int_equal(length, strlen(text));
}

/* Reads until the server hangs up. */
static const char *read_all(scene_t *scene, apr_socket_t *socket)
{
    apr_size_t room = LARGE + 10000, length = 0;
    char *text = apr_palloc(scene->pool, room);

    for (;;) {
        apr_size_t part = room - length - 1;
        apr_status_t status = apr_socket_recv(socket, text + length, &part);

        length += part;
        if (APR_STATUS_IS_EAGAIN(status)) {
            turn(scene);
        } else if (status != APR_SUCCESS) { /* APR_EOF, or that the server hung up on what it did
                                             * not read to its end */
            text[length] = '\0';
            return text;
        }
    }
}

static const char *ask(scene_t *scene, const char *request)
{
    apr_socket_t *socket = connect_to(scene);

    send_text(socket, request);
    return read_all(scene, socket);
}

static void assert_begins(const char *text, const char *beginning)
{
    if (strncmp(text, beginning, strlen(beginning)) != 0) {
        fail_msg("\"%.200s\" does not begin with \"%s\"", text, beginning);
    }
}

static const char *body_of(const char *text)
{
    const char *end = strstr(text, "\r\n\r\n");

    assert_non_null(end);
    return end + 4;
}

/* ---- Scenes ---- */

static void a_request_is_answered(void **state)
{
    scene_t *scene = open_scene(*state);
    const char *text = ask(scene, "GET /this?that HTTP/1.1\r\nHost: here\r\n\r\n");

    assert_begins(text, "HTTP/1.1 200 ");
    assert_non_null(strstr(text, "\r\nContent-Type: text/x-test\r\n"));
    assert_string_equal(body_of(text), "you asked for /this\n");
    assert_int_equal(scene->asked, 1);
    assert_begins(ask(scene, "GET /missing HTTP/1.1\r\nHost: here\r\n\r\n"), "HTTP/1.1 404 ");
}

static void head_gets_no_body_and_other_methods_nothing(void **state)
{
    scene_t *scene = open_scene(*state);
    const char *text = ask(scene, "HEAD / HTTP/1.1\r\nHost: here\r\n\r\n");

    assert_begins(text, "HTTP/1.1 200 ");
    assert_string_equal(body_of(text), "");
    assert_int_equal(scene->asked, 1);
    text = ask(scene, "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\n\r\nyes");
    assert_begins(text, "HTTP/1.1 405 ");
    assert_int_equal(scene->asked, 1);
}

/* It takes many turns, in which the server waits until it can write. */
static void what_no_buffer_holds_arrives_whole(void **state)
{
    scene_t *scene = open_scene(*state);
    const char *text = ask(scene, "GET /large HTTP/1.1\r\nHost: here\r\n\r\n");

    assert_begins(text, "HTTP/1.1 200 ");
    assert_int_equal(strlen(body_of(text)), LARGE);
}

static void a_request_may_come_in_parts(void **state)
{
    scene_t *scene = open_scene(*state);
    apr_socket_t *socket = connect_to(scene);
    const char *parts[] = {"GE", "T / HTTP/1", ".1\r\nHost: he", "re\r\n\r", "\n"};

    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        send_text(socket, parts[i]);
        turns(scene, 3);
    }
    assert_begins(read_all(scene, socket), "HTTP/1.1 200 ");
}

/* Idle clients hold every connection until they time out. */
static void who_waits_for_a_place_gets_one(void **state)
{
    scene_t *scene = open_scene(*state);
    apr_socket_t *idle[HTTP_CONNECTIONS_MAX];
    apr_socket_t *last;

    for (unsigned i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
        idle[i] = connect_to(scene);
        turns(scene, 2);
    }
    last = connect_to(scene);
    send_text(last, "GET / HTTP/1.1\r\nHost: here\r\n\r\n");
    turns(scene, 20);
    assert_int_equal(scene->asked, 0);
    apr_socket_close(idle[3]);
    assert_begins(read_all(scene, last), "HTTP/1.1 200 ");
}

static void who_asks_for_nothing_is_hung_up_on(void **state)
{
    scene_t *scene = open_scene(*state);
    apr_socket_t *socket = connect_to(scene);
    apr_time_t since = clock_now();

    send_text(socket, "GET / HT");
    assert_string_equal(read_all(scene, socket), "");
    assert_true(clock_now() - since >= HTTP_CONNECTION_US - APR_USEC_PER_SEC / 10);
    assert_int_equal(scene->asked, 0);
}

static void an_idle_server_waits(void **state)
{
    scene_t *scene = open_scene(*state);

    ask(scene, "GET / HTTP/1.1\r\nHost: here\r\n\r\n");
    turns(scene, 5);
    const apr_pollfd_t *ready;
    apr_int32_t count = 0;

    assert_int_equal(scene->http->watch(scene->http, scene->set), APR_SUCCESS);
    assert_int_equal(scene->http->timeout(scene->http), -1);
    assert_int_equal(apr_pollset_poll(scene->set, 0, &count, &ready), APR_TIMEUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scene(a_request_is_answered),
        scene(head_gets_no_body_and_other_methods_nothing),
        scene(what_no_buffer_holds_arrives_whole),
        scene(a_request_may_come_in_parts),
        scene(who_waits_for_a_place_gets_one),
        scene(who_asks_for_nothing_is_hung_up_on),
        scene(an_idle_server_waits),
    };

    return cmocka_run_group_tests_name("HTTP", tests, NULL, NULL);
}
